"""Which days a text speaks of."""

from __future__ import annotations

import pytest

from wabot.brain.knowledge.search.days import asks_about_now, day_words_in, days_in

_WORKING = {f"=day{day}" for day in range(5)}


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("lunes a viernes: 9:30", _WORKING),
        ("segunda-feira a sexta", _WORKING),
        ("mon-fri 9am", _WORKING),
        ("entre semana", _WORKING),
        ("friday to sunday", {"=day4", "=day5", "=day6"}),
        ("viernes a lunes", {"=day4", "=day5", "=day6", "=day0"}),
        ("el finde", {"=day5", "=day6"}),
        ("domingos y festivos", {"=day6", "=holiday"}),
        ("todos los dias", {f"=day{day}" for day in range(7)}),
        ("a mano", set()),
    ],
)
def test_days_are_known_by_name_and_range(text: str, days: set[str]) -> None:
    assert days_in(text) == days


def test_a_day_may_be_a_name_and_now_is_none() -> None:
    assert day_words_in("quinta do vale") == {"quinta"}
    assert asks_about_now("abren hoy")
    assert not asks_about_now("abren")
