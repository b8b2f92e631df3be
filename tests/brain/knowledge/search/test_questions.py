"""A message that asks several things is taken apart; one that asks one thing is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import wabot
from wabot.brain.brain import Brain
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.knowledge.search.questions import questions_in
from wabot.brain.settings import BrainSettings
from wabot.clock import utc_now

_SAMPLES = Path(wabot.__file__).parent / "sample_knowledge"


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("¿A qué hora abren?", ["¿A qué hora abren?"]),
        ("¿Abren hoy? ¿Y mañana?", ["¿Abren hoy?", " ¿Y mañana?"]),
        ("Quiero té. ¿Cuánto cuesta?", ["Quiero té. ¿Cuánto cuesta?"]),
        ("Hola, ¿cuál es el horario y dónde están?", ["¿cuál es el horario", "dónde están?"]),
        ("what are your hours and can I return things", ["what are your hours", "can I return things"]),
        ("qual o horário e onde ficam", ["qual o horário", "onde ficam"]),
        ("¿Tienen té y café?", ["¿Tienen té y café?"]),
        ("té y cómo prepararlo", ["té y cómo prepararlo"]),
        ("", [""]),
        ("???", ["???"]),
    ],
)
def test_a_message_is_taken_apart_where_it_asks_anew(text: str, questions: list[str]) -> None:
    assert questions_in(text) == questions


@pytest.mark.parametrize(
    ("text", "language", "titles"),
    [
        (
            "¿Cuánto cuesta el envío y qué horario tienen? ¿Aceptan Bizum?",
            "es",
            {"Envíos y plazos de entrega", "Horario", "Formas de pago"},
        ),
        (
            "What are your opening hours and can I return things?",
            "en",
            {"Opening hours", "Returns and exchanges"},
        ),
        ("Hola, ¿cuál es el horario y dónde están?", "es", {"Horario", "Dirección y cómo llegar"}),
        ("cuanto vale mandar a canarias", "es", {"Envíos y plazos de entrega"}),
    ],
)
def test_each_question_of_a_message_is_answered(text: str, language: str, titles: set[str]) -> None:
    brain = Brain(BrainSettings(knowledge_folder=_SAMPLES))
    answer = brain.reply(Conversation((Turn("user", text, utc_now()),), language, ""), utc_now())
    assert {passage.title for passage in answer.passages} == titles


@pytest.mark.parametrize("text", ["👍", "ok", "vale, perfecto", "jajaja", "…"])
def test_a_nod_is_not_answered(text: str) -> None:
    answer = Brain(BrainSettings()).reply(Conversation((Turn("user", text, utc_now()),), "es", ""), utc_now())
    assert (answer.parts, answer.source) == ((), "silence")


def test_a_goodbye_is_returned() -> None:
    answer = Brain(BrainSettings()).reply(
        Conversation((Turn("user", "adiós", utc_now()),), "es", ""), utc_now()
    )
    assert answer.parts == ("¡Hasta pronto! Gracias por escribirnos.",)
