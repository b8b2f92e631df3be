"""What every model is told, whatever its persona says."""

from __future__ import annotations

from wabot.brain.conversation import Conversation, Turn
from wabot.brain.output.control_words import take_words
from wabot.brain.prompt import compose_messages
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
