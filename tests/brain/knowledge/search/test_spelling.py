"""Which words are mistyped ones."""

from __future__ import annotations

import pytest

from wabot.brain.knowledge.search.spelling import Speller


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("orario", "horario"),
        ("embios", "envios"),
        ("adress", "address"),
        ("devolusion", "devolucion"),
        ("hroario", "horario"),
        ("efectibo", "efectivo"),
        ("delivry", "delivery"),
    ],
)
def test_typos_are_likely(typed: str, meant: str) -> None:
    assert Speller([meant, "otra"]).guess(typed).get(meant, 0) >= 0.8


@pytest.mark.parametrize(
    ("typed", "other"),
    [("coche", "noche"), ("casa", "caso"), ("gato", "pato"), ("te", "tez"), ("cafe", "mate")],
)
def test_other_words_are_not_typos(typed: str, other: str) -> None:
    assert Speller([other]).guess(typed) == {}
