"""A greeting, thanks or a goodbye is told from a question."""

from __future__ import annotations

import pytest

from wabot.brain.small_talk import small_talk_in


@pytest.mark.parametrize(
    ("text", "courtesy"),
    [
        ("Hola!", "greeting"),
        ("buenas tardes 😊", "greeting"),
        ("Olá, tudo bem?", "how_are_you"),
        ("hi there", "greeting"),
        ("hola, hay alguien?", "presence"),
        ("anyone there?", "presence"),
        ("qué tal", "how_are_you"),
        ("feliz navidad", "wishes"),
        ("merry christmas", "wishes"),
        ("eres un robot?", "robot"),
        ("vc é um robô?", "robot"),
        ("perdona, una cosa", "attention"),
        ("qué tal es el pienso?", None),
        ("hay alguien que hable inglés?", None),
        ("muchas gracias", "thanks"),
        ("ok, gracias, buenas noches", "thanks"),
        ("Thank you so much!", "thanks"),
        ("muito obrigada", "thanks"),
        ("hola, ¿abren hoy?", None),
        ("gracias, y el precio?", None),
        ("tarde", None),
        ("", "nod"),
        ("👍", "nod"),
        ("ok", "nod"),
        ("Vale, perfecto!", "nod"),
        ("jajaja", "nod"),
        ("ok gracias", "thanks"),
        ("?", "greeting"),
        ("adiós", "farewell"),
        ("Ok, bye!", "farewell"),
        ("tchau, até logo", "farewell"),
        ("ok?", None),
        ("12345", None),
        ("no, quiero otra", None),
        ("hola " * 100, None),
    ],
)
def test_courtesies_are_told_from_questions(text: str, courtesy: str | None) -> None:
    assert small_talk_in(text) == courtesy
