"""A section is taken apart into what answers by itself, and what answers is said as it was written."""

from __future__ import annotations

import pytest

from wabot.brain.knowledge.facts import TextFact, facts_of, said_with


@pytest.mark.parametrize(
    ("section", "facts"),
    [
        ("- Yoga: lunes\n- Zumba: martes", ["- Yoga: lunes", "- Zumba: martes"]),
        (
            "Abrimos a las 9. Cerramos a las 8. Gracias.",
            ["Abrimos a las 9.", "Cerramos a las 8.", "Gracias."],
        ),
        ("Estamos en Bv. Oroño 845. Tel. 341 455.", ["Estamos en Bv. Oroño 845.", "Tel. 341 455."]),
        ("De 7:00 a.m. a 6:00 p.m.", ["De 7:00 a.m. a 6:00 p.m."]),
        ("```\ncode\n```", ["code"]),
    ],
)
def test_rows_items_and_sentences_are_facts(section: str, facts: list[str]) -> None:
    assert [fact.text for fact in facts_of(section)] == facts


@pytest.mark.parametrize(
    "section", ["**Any parking?** Yes, free.", "Any parking?\nYes, free.", "Q: Any parking?\nA: Yes, free."]
)
def test_an_answer_knows_its_question(section: str) -> None:
    (fact,) = facts_of(section)
    assert (fact.text, fact.question) == ("Yes, free.", "Any parking?")


def test_what_a_row_is_about_stands_before_its_price_or_dash() -> None:
    texts = ("- Yoga: lunes", "• 1 kg — $15", "Rye £9", "Abrimos siempre")
    assert [TextFact(text, 0).label for text in texts] == ["Yoga", "1 kg", "Rye", ""]


def test_a_link_goes_with_its_line_or_with_the_whole_section() -> None:
    facts = facts_of("[Menu](menu.pdf)\n\n- Rose: 5 €\n![Rose](rose.jpg)\n- Tulip: 4 €")
    assert said_with(facts, [0.0, 0.2, 0.9], 0.8) == "[Menu](menu.pdf)\n- Tulip: 4 €"
    assert said_with(facts, [0.0, 0.9, 0.2], 0.8) == "[Menu](menu.pdf)\n- Rose: 5 €\n![Rose](rose.jpg)"


def test_a_short_paragraph_is_said_as_a_whole_and_a_long_one_is_not() -> None:
    short = facts_of("Cuesta 5 €. Es gratis desde 40 €.")
    assert said_with(short, [1.0, 0.0], 0.8) == "Cuesta 5 €. Es gratis desde 40 €."
    long = facts_of(f"Cuesta 5 €. Es {'muy ' * 60}largo.")
    assert said_with(long, [1.0, 0.0], 0.8) == "Cuesta 5 €."
    many = facts_of("\n".join(f"- {number}" for number in range(40)))
    assert len(said_with(many, [1.0] * 40, 0.8).splitlines()) == 12
