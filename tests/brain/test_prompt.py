"""What every model is told, whatever its persona says."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.brain.conversation import Conversation, Turn
from wabot.brain.output.control_words import take_words
from wabot.brain.prompt import DEFAULT_PERSONA, Persona, compose_messages
from wabot.clock import utc_now


def test_a_model_is_told_how_to_call_a_person() -> None:
    conversation = Conversation((Turn("user", "quiero hablar con una persona", utc_now()),), "es", "")
    system = compose_messages("You are a shop.", conversation, (), "es", utc_now())[0]["content"]
    (rule,) = [line for line in system.splitlines() if "asks to speak with a person" in line]
    word = rule.partition("the word ")[2].partition(",")[0]
    assert take_words(f"Le escribirá una persona.{word}") == ("Le escribirá una persona.", {"HAND_OVER"})
    (rule,) = [line for line in system.splitlines() if "do not hold the answer" in line]
    word = rule.partition("the word ")[2].partition(",")[0]
    assert take_words(f"No lo sé.{word}.") == ("No lo sé.", {"TELL_TEAM"})


def test_the_sides_speak_in_turn_and_the_customer_first() -> None:
    shop, customer = ("Su pedido está.", "¿Viene?"), ("sí", "¿a qué hora?")
    turns = (*(Turn("assistant", text) for text in shop), *(Turn("user", text) for text in customer))
    messages = compose_messages("You are a shop.", Conversation(turns), (), "es", utc_now())[1:]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[1]["content"] == "Su pedido está.\n¿Viene?"
    assert messages[2]["content"] == "sí\n¿a qué hora?"


# --- the persona
def test_the_persona_follows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "persona.txt"
    persona = Persona(file)
    assert persona.text() == DEFAULT_PERSONA
    file.write_text("uno", encoding="utf-8")
    assert persona.text() == "uno"
    file.write_text("dos más", encoding="utf-8")
    assert persona.text() == "dos más"
    file.unlink()
    assert persona.text() == "dos más"


def test_a_persona_that_cannot_be_read_leaves_the_text_before_and_complains_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "persona.txt"
    file.write_bytes("niña".encode("latin-1"))
    persona = Persona(file)
    for _ in range(3):
        assert persona.text() == DEFAULT_PERSONA
    assert len(caplog.records) == 1
    assert "UTF-8" in caplog.text
    file.write_bytes(b" \n")
    assert persona.text() == DEFAULT_PERSONA
    # The cut falls inside a character of two bytes.
    file.write_text("n" + "ñ" * 40_000, encoding="utf-8")
    assert set(persona.text()) == {"n", "ñ"}
    assert len(persona.text().encode()) <= 32_768
