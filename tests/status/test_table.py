from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from wabot.status.sessions import SessionStatus, report
from wabot.status.table import as_table

SHOP = SessionStatus(
    name="shop",
    user_id="shop",
    state="connected",
    reason="",
    since=datetime(2026, 11, 22, 12),
    pid=42,
    host="vps",
    phone="34600111222",
    inbox_pending=1,
    outbox_pending=2,
    outbox_dead=3,
    last_inbound_at=datetime(2026, 11, 22, 12, 30),
)


def session(**changes: Any) -> SessionStatus:
    return replace(SHOP, **changes)


def test_a_session_that_works() -> None:
    assert as_table([session()]).split("\n") == [
        "shop: connected as +34600111222 since 2026-11-22 12:00:00 UTC (pid 42 on vps)",
        "  to answer: 1   to send: 2   not delivered: 3",
        "  last message: 2026-11-22 12:30:00 UTC",
        "  last reply:   never",
    ]


def test_a_session_that_does_not_says_why() -> None:
    unknown = SessionStatus("shop", None, "stopped", "it never ran")
    assert as_table([unknown]).split("\n") == [
        "shop: stopped",
        "  it never ran",
        "  to answer: ?   to send: ?   not delivered: ?",
        "  last message: never",
        "  last reply:   never",
    ]


def test_a_note_that_waits_on_purpose_is_no_reply_that_does_not_leave() -> None:
    (_, shown, *_) = as_table([session(collected=1)]).split("\n")
    assert shown == (
        "  to answer: 1   to send: 2 (of them 1 to you, collected for five minutes)   not delivered: 3"
    )


def test_a_question_that_waits_for_a_model_is_no_neglected_one() -> None:
    (_, shown, *_) = as_table([session(kept=1)]).split("\n")
    assert shown == ("  to answer: 1 (of them 1 kept until a model answers)   to send: 2   not delivered: 3")


@pytest.mark.parametrize("state", ["unknown", "stopped"])
def test_what_is_not_known_is_not_said_to_be_never(state: str) -> None:
    unknown = SessionStatus("shop", None, state, "away")
    assert as_table([unknown]).split("\n")[-2:] == ["  last message: ?", "  last reply:   ?"]


def test_the_number_is_told_only_while_it_is_connected() -> None:
    assert as_table([session(state="logged_out")]).startswith("shop: logged_out since ")


@pytest.mark.parametrize(
    ("states", "ok"),
    [
        (["connected"], True),
        (["connected", "connected"], True),
        (["connected", "stopped"], False),
        (["reconnecting"], False),
        ([], False),
    ],
)
def test_all_is_well_only_when_every_session_is_connected(states: list[str], ok: bool) -> None:
    assert report([session(state=state) for state in states])["ok"] is ok


def test_of_several_the_total_comes_first_and_then_what_is_wrong() -> None:
    broken = session(name="north", state="logged_out", reason="the phone removed this linked device")
    lines = as_table([session(), broken, session(name="south")]).split("\n")
    assert lines[0] == ("3 numbers: 2 connected, 1 logged out; to answer: 3, to send: 6, not delivered: 9")
    assert [line for line in lines[1:] if not line.startswith(" ")] == [
        "north: logged_out since 2026-11-22 12:00:00 UTC (pid 42 on vps)",
        "shop: connected as +34600111222 since 2026-11-22 12:00:00 UTC (pid 42 on vps)",
        "south: connected as +34600111222 since 2026-11-22 12:00:00 UTC (pid 42 on vps)",
    ]


def test_of_many_each_that_works_is_one_line() -> None:
    sessions = [session(name=f"n{number}") for number in range(200)]
    sessions[100] = session(name="n100", state="stopped", pid=None, reason="it never ran", inbox_pending=None)
    lines = as_table(sessions).split("\n")
    assert lines[0].startswith("200 numbers: 199 connected, 1 stopped; to answer: 199, ")
    assert lines[1:3] == ["n100: stopped", "  it never ran"]
    assert lines[-1] == (
        "n199: connected as +34600111222 since 2026-11-22 12:00:00 UTC; "
        "to answer: 1, to send: 2, not delivered: 3"
    )
    assert len(lines) == 1 + 5 + 199
