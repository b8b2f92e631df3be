from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.config.business_hours import OpenSpan, away_since, parse_span

MADRID = ZoneInfo("Europe/Madrid")
UTC = ZoneInfo("UTC")
WEEK = [parse_span(text) for text in ("mon-fri 09:00-14:00", "mon-fri 16:00-19:30", "sat 10:00-14:00")]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("mon-fri 09:00-18:00", OpenSpan((0, 1, 2, 3, 4), 540, 1080)),
        (" Sat  9:30 - 14:00 ", OpenSpan((5,), 570, 840)),
        ("fri-mon 22:00-02:00", OpenSpan((4, 5, 6, 0), 1320, 1560)),
        ("sun 00:00-24:00", OpenSpan((6,), 0, 1440)),
        ("mon 09:00-09:00", OpenSpan((0,), 540, 1980)),
    ],
)
def test_what_a_span_says(text: str, span: OpenSpan) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mon",
        "09:00-18:00",
        "lun 09:00-18:00",
        "mon 9-18",
        "mon 25:00-26:00",
        "mon 09:60-10:00",
        "mon-fri 09:00-18:00 x",
        "mon 24:00-02:00",
        "mon 09:00–18:00",
    ],
)
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError):
        parse_span(text)


@pytest.mark.parametrize(
    ("now", "since"),
    [
        ("2026-11-23T08:30", None),  # Monday 09:30 in Madrid
        ("2026-11-23T07:59:59", "2026-11-21T13:00"),  # before opening: closed since Saturday 14:00
        ("2026-11-23T13:00", "2026-11-23T13:00"),
        ("2026-11-23T14:30", "2026-11-23T13:00"),
        ("2026-11-23T15:00", None),
        ("2026-11-23T18:29:59", None),
        ("2026-11-24T02:00", "2026-11-23T18:30"),
        ("2026-11-22T12:00", "2026-11-21T13:00"),  # Sunday
    ],
)
def test_closed_since(now: str, since: str | None) -> None:
    assert away_since(WEEK, MADRID, at(now)) == (at(since) if since else None)


def test_no_hours_are_all_hours() -> None:
    assert away_since([], MADRID, at("2026-11-23T03:00")) is None


def test_a_night_shift_goes_over_midnight() -> None:
    night = [parse_span("fri 22:00-02:00")]
    assert away_since(night, UTC, at("2026-11-27T21:59")) == at("2026-11-21T02:00")
    assert away_since(night, UTC, at("2026-11-27T23:00")) is None
    assert away_since(night, UTC, at("2026-11-28T01:59")) is None
    assert away_since(night, UTC, at("2026-11-28T02:00")) == at("2026-11-28T02:00")


def test_days_that_touch_are_one() -> None:
    always = [parse_span("mon-sun 00:00-24:00")]
    assert away_since(always, UTC, at("2026-11-23T00:00")) is None
    assert away_since(always, UTC, at("2026-11-23T23:59:59.999")) is None


def test_clocks_that_are_put_forward_or_back_move_the_hours_with_them() -> None:
    shop = [parse_span("mon-sun 09:00-18:00")]
    assert away_since(shop, MADRID, at("2026-03-28T08:00")) is None
    assert away_since(shop, MADRID, at("2026-03-29T07:00")) is None
    assert away_since(shop, MADRID, at("2026-10-25T07:30")) == at("2026-10-24T16:00")


@given(
    st.lists(
        st.builds(
            lambda day, opens, length: OpenSpan((day,), opens, opens + length),
            st.integers(0, 6),
            st.integers(0, 1439),
            st.integers(1, 1440),
        ),
        min_size=1,
        max_size=6,
    ),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.sampled_from([MADRID, UTC, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Kathmandu"), None]),
)
def test_a_closed_window_is_in_the_past_and_stays_the_same(
    spans: list[OpenSpan], now: datetime, zone: ZoneInfo | None
) -> None:
    since = away_since(spans, zone, now)
    if since is not None:
        assert since <= now + timedelta(hours=1)
        assert now - since <= timedelta(days=8, hours=1)
