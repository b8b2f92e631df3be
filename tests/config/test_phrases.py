from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabot.config.phrases import has_phrase, is_phrase, is_triggered, normalized, pattern_problem

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


@pytest.mark.parametrize(
    ("operator", "text", "triggered"),
    [
        ("contains", "Hola, quiero INFORMACIÓN ya", True),
        ("contains", "desinformacion", False),
        ("equals", "¡Información!", True),
        ("equals", "quiero información", False),
        ("starts_with", "Información, por favor", True),
        ("starts_with", "informaciones", False),
        ("starts_with", "la información", False),
        ("ends_with", "quiero información...", True),
        ("ends_with", "información ya", False),
        ("ends_with", "desinformacion", False),
    ],
)
def test_keywords(operator: str, text: str, triggered: bool) -> None:
    assert is_triggered(text, "keyword", operator, ("price", "información")) is triggered


def test_all_needs_no_word() -> None:
    assert is_triggered("", "all", "contains", ())


@pytest.mark.parametrize(
    ("text", "triggered"),
    [("Order #1234", True), ("order 12", False), ("", False), ("x" * 3000 + "#1234", False)],
)
def test_patterns(text: str, triggered: bool) -> None:
    assert is_triggered(text, "regex", "contains", (r"nothing", r"#\d{4}\b")) is triggered


@pytest.mark.parametrize("pattern", [r"(a|a)*\Z", r"(x+x+)+y?\Z_", r"(?:(?:a{1,1000}){1,1000}){1,1000}b"])
def test_a_pattern_that_runs_away_is_stopped_and_stops_nobody_else(pattern: str) -> None:
    assert pattern_problem(pattern) == ""  # compiled, with all that this takes
    ticks: list[float] = []
    stopped = threading.Event()

    def tick() -> None:
        while not stopped.wait(0.002):
            ticks.append(time.monotonic())

    other = threading.Thread(target=tick)
    other.start()
    started = time.monotonic()
    assert not is_triggered(("a" * 1000 + "x" * 1000), "regex", "contains", (pattern,))
    ended = time.monotonic()
    stopped.set()
    other.join()
    assert ended - started < 5
    assert sum(started < tick < ended for tick in ticks) > 3


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<1>x)", "(" * 5000])
def test_a_bad_pattern_is_explained(pattern: str) -> None:
    assert pattern_problem(pattern)


def test_a_good_pattern_has_no_problem() -> None:
    assert pattern_problem(r"\bprecio\b") == ""


@given(st.text(max_size=50), st.text(max_size=50), st.sampled_from(["contains", "equals", "starts_with"]))
def test_no_text_breaks_a_keyword(text: str, value: str, operator: str) -> None:
    is_triggered(text, "keyword", operator, (value,))


@given(
    st.text(max_size=40) | st.text(alphabet="ab(|)*+?{2,}[^-]\\d.$<=!>P:1", max_size=25),
    st.text(max_size=60) | st.text(alphabet="ab12 ", max_size=300),
)
@settings(deadline=None)
def test_no_pattern_and_no_text_break_each_other(pattern: str, text: str) -> None:
    if not pattern_problem(pattern):
        assert is_triggered(text, "regex", "contains", (pattern,)) in (True, False)
