from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.config.setting_types import (
    SettingType,
    boolean,
    byte_size,
    choice,
    duration,
    integer,
    number,
    opening_hours,
    path,
    size,
    text,
    texts,
    time_span,
    time_zone,
    words,
)

COLOUR = choice("red", "green")
LEVEL = integer(-2, 5)
RATIO = number(0.5, 2)
WAIT = duration(1, 86_400)
ROOM = size(1000, 64_000_000)
NAME = text(longest=5, pattern="[a-z]*", allowed="up to five letters")


@pytest.mark.parametrize(
    ("type_", "value", "read"),
    [
        (COLOUR, "red", "red"),
        (boolean(), True, True),
        (boolean(), False, False),
        (LEVEL, -2, -2),
        (LEVEL, 5, 5),
        (RATIO, 0.5, 0.5),
        (RATIO, 2, 2.0),
        (WAIT, 1, 1.0),
        (WAIT, 1.5, 1.5),
        (WAIT, "90s", 90.0),
        (WAIT, "15m", 900.0),
        (WAIT, " 1.5 h ", 5400.0),
        (WAIT, "1d", 86_400.0),
        (ROOM, 1000, 1000),
        (ROOM, "16MB", 16_000_000),
        (ROOM, " 1.5 KB ", 1500),
        (NAME, "abcde", "abcde"),
        (NAME, "", ""),
        (texts(), ["+34 600*", "299"], ("+34 600*", "299")),
        (texts(), [], ()),
        (words(), ["Baja", "no más"], ("Baja", "no más")),
        (path(), "/srv/wabot", Path("/srv/wabot")),
        (path(), "", None),
        (time_zone(), "Europe/Madrid", "Europe/Madrid"),
        (time_zone(), "", ""),
        (opening_hours(), ["mon-fri 09:00-18:00"], ("mon-fri 09:00-18:00",)),
    ],
)
def test_what_is_allowed(type_: SettingType, value: Any, read: Any) -> None:
    assert type_.read(value) == read
    assert type(type_.read(value)) is type(read)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (COLOUR, "blue"),
        (COLOUR, "Red"),
        (COLOUR, ["red"]),
        (boolean(), 1),
        (boolean(), "true"),
        (LEVEL, -3),
        (LEVEL, 6),
        (LEVEL, 2.0),
        (LEVEL, True),
        (LEVEL, "2"),
        (RATIO, 0.4999),
        (RATIO, 2.0001),
        (RATIO, True),
        (RATIO, float("nan")),
        (RATIO, float("inf")),
        (RATIO, 10**400),
        (RATIO, "1"),
        (WAIT, 0.999),
        (WAIT, "2d"),
        (WAIT, "-5m"),
        (WAIT, "5"),
        (WAIT, "5 minutes"),
        (WAIT, "m"),
        (WAIT, "1h30m"),
        (WAIT, "9" * 400 + "s"),
        (WAIT, True),
        (ROOM, "999"),
        (ROOM, 999),
        (ROOM, "65MB"),
        (ROOM, "16 mb"),
        (ROOM, "9" * 400 + "MB"),
        (ROOM, 2e3),
        (NAME, "abcdef"),
        (NAME, "ABC"),
        (NAME, 5),
        (text(), "two\nlines"),
        (text(), "\x1b[31m"),
        (text(longest=3), "abcd"),
        (texts(), "one"),
        (texts(), [1]),
        (texts(most=1), ["a", "b"]),
        (texts(longest=1), ["ab"]),
        (words(), ["..."]),
        (words(), [""]),
        (path(), 5),
        (path(), "/a\0b"),
        (path(), "x" * 4001),
        (time_zone(), "Mars/Olympus"),
        (time_zone(), "../../etc/passwd"),
        (time_zone(), "Europe"),
        (opening_hours(), ["whenever"]),
        (opening_hours(), "mon-fri 09:00-18:00"),
    ],
)
def test_what_is_refused(type_: SettingType, value: Any) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        type_.read(value)


@pytest.mark.parametrize(
    ("type_", "allowed"),
    [
        (COLOUR, 'one of "red", "green"'),
        (boolean(), "true or false"),
        (LEVEL, "a whole number from -2 to 5"),
        (RATIO, "a number from 0.5 to 2"),
        (WAIT, '1s to 1d: seconds, or a text such as "15m"'),
        (NAME, "up to five letters"),
    ],
)
def test_what_is_allowed_is_said(type_: SettingType, allowed: str) -> None:
    assert type_.allowed == allowed


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    assert path().read("~/bot") == Path("/home/ana/bot")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (0.5, "0.5s"), (90, "90s"), (120, "2m"), (3600, "1h"), (5400, "90m"), (172_800, "2d")],
)
def test_a_time_span_is_shown_in_its_largest_whole_unit(seconds: float, shown: str) -> None:
    assert time_span(seconds) == shown


@given(st.integers(0, 10_000_000))
def test_a_time_span_that_was_shown_can_be_read(seconds: int) -> None:
    assert duration(0, 1e9).read(time_span(seconds)) == seconds


@given(st.integers(0, 10_000_000_000))
def test_a_size_that_was_shown_can_be_read(number_of_bytes: int) -> None:
    shown = byte_size(number_of_bytes)
    assert (
        size(0, 10**10).read(int(shown.split()[0]) if shown.endswith(" bytes") else shown) == number_of_bytes
    )


@given(st.text())
def test_a_text_that_was_shown_can_be_read(value: str) -> None:
    assert json.loads(text().show(value)) == value


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(date(2026, 11, 22)),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
)


@given(values)
def test_rubbish_is_refused_and_nothing_worse(value: Any) -> None:
    for type_ in (
        *(COLOUR, boolean(), LEVEL, RATIO, WAIT, ROOM, NAME),
        *(text(), texts(), words(), path(), time_zone(), opening_hours()),
    ):
        with suppress(ValueError, TypeError, OverflowError, RuntimeError):
            type_.read(value)
