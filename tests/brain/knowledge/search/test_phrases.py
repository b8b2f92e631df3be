"""What a question asks by its form."""

from __future__ import annotations

import pytest

from wabot.brain.knowledge.search.phrases import OPENING_WORDS, phrases_in
from wabot.brain.knowledge.search.terms import plain


@pytest.mark.parametrize(
    ("question", "subjects"),
    [
        ("k hora es", {"hours"}),
        ("how much is it", {"price"}),
        ("cuanto vive un hamster", set()),
        ("quanto tempo demora", {"duration"}),
        ("me lo traen a casa", {"delivery"}),
        ("donde puedo dejar el carro", {"parking"}),
        ("quiero pedir una cita", {"booking"}),
        ("table for 4", {"booking"}),
        ("can i pick it up", {"pickup"}),
        ("a que numero les marco", {"phone"}),
        ("onde fica", {"place"}),
        ("como llego al taller", {"place"}),
        ("what pizzas do u do", {"catalogue"}),
        ("q gustos tenes", {"catalogue"}),
        ("which vet do you recommend", set()),
    ],
)
def test_a_form_names_a_subject(question: str, subjects: set[str]) -> None:
    assert set(phrases_in(plain(question))[0]) == subjects


def test_what_a_phrase_took_means_nothing_else() -> None:
    assert "hora" not in phrases_in("quiero pedir hora para mañana")[1]
    assert OPENING_WORDS.search("a que hora cierran")
    assert not OPENING_WORDS.search("a que hora es yoga")
