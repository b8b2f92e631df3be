"""The subjects that customers ask about, and what of a text shows them."""

from __future__ import annotations

import pytest

from wabot.brain.knowledge.search.subjects import subjects_in, subjects_in_heading, subjects_of
from wabot.brain.knowledge.search.terms import words


def test_words_of_a_subject_meet_across_languages_but_those_that_look_alike_do_not() -> None:
    assert subjects_of("cuesta") == subjects_of("price") == subjects_of("custa")
    assert "phone" not in subjects_of("calle")
    assert "place" not in subjects_of("call")
    assert subjects_of("valoracion") == subjects_of("marca") == frozenset()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Taza, 12,00 €", {"=price"}),
        ("Corte R$ 80", {"=price"}),
        ("de 10:00 a 14:00", {"=hours", "=when"}),
        ("Sábados de 9 a 14 h", {"=hours", "=day5"}),
        ("en la calle San Miguel 24", {"=place", "_place"}),
        ("14 Harbour Street, BN1 1AA", {"=place"}),
        ("Carrera 15 # 118-42", {"=place"}),
        ("llame al 601 745 2233.", {"=phone", "_phone"}),
        ("(11) 3064-2210", {"=phone"}),
        ("hola@patitas.example", {"=mail"}),
        ("en 24/48 horas", {"=duration"}),
        ("servicio a domicilio", {"_delivery"}),
        ("A 3 €\nB 4 €\nC 5 €", {"=catalogue"}),
    ],
)
def test_a_text_shows_what_it_speaks_of(text: str, terms: set[str]) -> None:
    assert terms <= subjects_in(text, words(text))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("4050-080 Porto", "=phone"),
        ("$1.200.000", "=phone"),
        ("within 24 hours", "_hours"),
        ("servicio a domicilio", "_place"),
        ("pago contra reembolso", "_returns"),
    ],
)
def test_what_looks_like_a_subject_and_is_none(text: str, term: str) -> None:
    assert term not in subjects_in(text, words(text))


def test_a_heading_may_be_a_question() -> None:
    assert {"_place", "_price"} <= subjects_in_heading("¿Dónde quedan? ¿Cuánto vale?", [])
