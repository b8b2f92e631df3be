from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.config.phrases import has_phrase, is_phrase, normalized

WORDS = ("baja", "stop", "darme de baja")


@pytest.mark.parametrize(
    "text",
    [
        "baja",
        "BAJA",
        "  Baja.  ",
        "¡BAJA!",
        "«Stop»",
        "*STOP*",
        "stop 🙏",
        "Ｓｔｏｐ",
        "bája",
        "baja\n",
        "Darme  de\tBAJA",
        "s\u0301top",
    ],
)
def test_a_message_of_just_the_word(text: str) -> None:
    assert is_phrase(text, WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "🙏",
        "¿La baja cuesta algo?",
        "stop please",
        "bajar",
        "st op",
        "don't stop",
        "stopp",
        "baja stop",
        "b-a-j-a",
    ],
)
def test_not_just_the_word(text: str) -> None:
    assert not is_phrase(text, WORDS)


def test_nothing_is_never_a_phrase() -> None:
    assert not is_phrase("", ("",))
    assert not is_phrase("!", ("?",))
    assert not has_phrase("anything", ("", "!"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("quiero hablar con una persona ya", True),
        ("Hablar con una PERSONA!", True),
        ("hablar con unas personas", False),
        ("hablar, con una... persona", True),
        ("", False),
    ],
)
def test_a_phrase_inside_a_message(text: str, found: bool) -> None:
    assert has_phrase(text, ("hablar con una persona",)) is found


def test_a_command_keeps_its_mark() -> None:
    assert is_phrase("#Bot  OFF", ("#bot off",))
    assert not is_phrase("bot off", ("#bot off",))


@given(st.text(), st.lists(st.text(max_size=30), max_size=5).map(tuple))
def test_any_text_and_any_words(text: str, phrases: tuple[str, ...]) -> None:
    said = normalized(text)
    assert normalized(said) == said
    assert said == " ".join(said.split())
    if is_phrase(text, phrases):
        assert has_phrase(text, phrases)


@given(st.sampled_from(WORDS), st.text(alphabet=" \n\t.,;:!¡?¿*_~'\"()[]…🙏👍", max_size=20))
def test_punctuation_around_the_word_never_hides_it(word: str, noise: str) -> None:
    assert is_phrase(noise + word.upper() + noise, WORDS)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=20))
def test_a_letter_or_a_digit_more_makes_it_another_word(more: str) -> None:
    if normalized(more):
        assert not is_phrase("stop" + more, ("stop",)) or normalized("stop" + more) == "stop"
    assert not is_phrase(f"stop {more}", ("stop",)) or not normalized(more)


def test_a_very_long_text_takes_no_time() -> None:
    assert not is_phrase("baja " * 100_000, WORDS)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=60))
def test_a_text_without_accents_is_folded_as_one_with_them(text: str) -> None:
    assert f"{normalized(text)} e".strip() == normalized(f"{text} é")


@pytest.mark.parametrize("unseen", ["\u200b", "\xad", "\u2060", "\u200d", "\u200e", "\ufeff", "\u202e"])
def test_what_nobody_sees_divides_no_word(unseen: str) -> None:
    assert is_phrase(f"ba{unseen}ja", WORDS)
    assert has_phrase(f"quiero hablar{unseen} con una per{unseen}sona", ("hablar con una persona",))


def test_of_a_long_message_the_end_counts_as_well() -> None:
    long = "x " * 3000
    assert has_phrase(f"{long}quiero hablar con una persona", ("hablar con una persona",))
    assert not is_phrase(f"baja{' ' * 3000}¿cuesta algo?", WORDS)
