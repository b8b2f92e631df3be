from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabot.config.phrases import is_triggered, pattern_problem


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
