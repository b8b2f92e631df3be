from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.owners_alerts import NOON
from wabot.alerts.checks import LinkView, look_at_disk, look_at_link, look_at_replies
from wabot.alerts.notice import Condition, Findings, span
from wabot.alerts.notification_log import NotificationLog
from wabot.clock import utc_now
from wabot.database.models import Chat, Outbound
from wabot.link.states import State

MADRID = ZoneInfo("Europe/Madrid")


OF_THE_LINK = {
    "logged_out",
    "replaced",
    "outdated",
    "pairing_expired",
    "failed",
    "banned",
    "unstable",
    "offline",
    "no_room",
}


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        (State.LOGGED_OUT, "logged_out"),
        (State.REPLACED, "replaced"),
        (State.OUTDATED, "outdated"),
        (State.PAIRING_EXPIRED, "pairing_expired"),
        (State.FAILED, "failed"),
        (State.BANNED, "banned"),
        (State.COOLDOWN, "unstable"),
        (State.CONNECTING, "offline"),
        (State.RECONNECTING, "offline"),
        (State.BACKOFF, "offline"),
        (State.STARTING, None),
        (State.PAIRING, None),
        (State.STOPPING, None),
        (State.CONNECTED, None),
    ],
)
def test_each_state(state: State, condition: str | None) -> None:
    link = LinkView(state, "why", NOON - 30, NOON + 60)
    found = look_at_link(link, NOON, NOON - 900, 600, MADRID, "wabot.service")
    assert [problem.condition for problem in found.problems] == [condition] * (condition is not None)
    assert not found.cleared
    for problem in found.problems:
        assert problem.detail == "why"
        assert problem.patience_seconds == (600 if condition == "offline" else 0)
        assert condition != "offline" or problem.values == (("span", "10 min"),)


@pytest.mark.parametrize("state", [State.STARTING, State.PAIRING, State.STOPPING])
def test_what_is_neither_up_nor_down_says_nothing_however_long_it_takes(state: State) -> None:
    link = LinkView(state, "", NOON - 900)
    assert look_at_link(link, NOON, NOON - 900, 600, MADRID, "wabot.service") == Findings()


def test_until_when_in_the_owners_time() -> None:
    link = LinkView(State.BANNED, "", NOON, NOON + 3600)
    (problem,) = look_at_link(link, NOON, NOON - 900, 600, MADRID, "").problems
    assert dict(problem.values) == {"until": "2026-11-22 14:00 CET"}


def test_a_link_that_holds_is_the_end_of_all_trouble_with_it() -> None:
    def cleared(up_seconds: float, offline_seconds: float) -> set[str]:
        link = LinkView(State.CONNECTED, "", NOON - up_seconds)
        return set(look_at_link(link, NOON, NOON - 900, offline_seconds, None, "wabot.service").cleared)

    assert cleared(59, 600) == set()
    assert cleared(60, 600) == OF_THE_LINK | {"process_failed:wabot.service"}
    # What is worth an alert so soon is over so soon; no more than that.
    assert cleared(9, 10) == set()
    assert cleared(10, 10) == {"offline"}


class Restarts:
    """What the owner is told of a link, through processes that come and go; times are seconds."""

    def __init__(self, offline_seconds: float) -> None:
        self._offline_seconds = offline_seconds
        self._book = NotificationLog()
        self.now = 0.0
        self.told_at: list[float] = []

    def process(self, *spans: tuple[State, float], away_seconds: float = 10) -> None:
        """One that goes through states for so long each, is looked at every ten seconds, and ends."""
        started_at = self.now
        for state, seconds in spans:
            since, until = self.now, self.now + seconds
            while self.now < until:
                link = LinkView(state, "", NOON + since)
                times = (NOON + self.now, NOON + started_at)
                found = look_at_link(link, *times, self._offline_seconds, None, "")
                fresh, _ = self._book.observe(found.problems, found.cleared, NOON + self.now)
                self.told_at += [self.now] * bool(fresh)
                self.now = min(self.now + 10, until)
        self.now += away_seconds


@pytest.mark.parametrize("up_seconds", [1, 5, 9, 30, 300])
def test_an_ordinary_restart_is_no_lost_connection(up_seconds: float) -> None:
    bot = Restarts(10)
    bot.process((State.CONNECTING, 2), (State.CONNECTED, up_seconds), (State.STOPPING, 2), away_seconds=3)
    bot.process((State.CONNECTING, 2), (State.CONNECTED, 60))
    assert bot.told_at == []


def test_a_process_that_has_just_begun_has_the_time_to_connect() -> None:
    bot = Restarts(10)
    bot.process((State.CONNECTED, 100), (State.RECONNECTING, 5), (State.STOPPING, 4))
    began = bot.now
    bot.process((State.CONNECTING, 60))
    assert bot.told_at == [began + 10]


@pytest.mark.parametrize("lives_seconds", [5, 40, 120, 400])
def test_a_bot_that_starts_over_and_over_without_a_link_is_told_of(lives_seconds: float) -> None:
    bot = Restarts(600)
    while bot.now < 1200:
        bot.process((State.CONNECTING, lives_seconds))
    (told_at,) = bot.told_at
    assert 600 <= told_at <= 680


@pytest.mark.parametrize(
    ("seconds", "shown"), [(10, "10 s"), (90, "90 s"), (120, "2 min"), (600, "10 min"), (86_400, "1440 min")]
)
def test_how_long_is_told_as_it_was_set(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


def test_replies_that_do_not_leave(sqlite_database: Any) -> None:
    now = utc_now()
    chat = Chat.create(user_id="shop", contact="1", jid="1@lid", created_at=now)

    def add(state: str, age_minutes: float, sent_minutes_ago: float | None = None) -> Outbound:
        return Outbound.create(
            user_id="shop",
            chat=chat,
            text="hola",
            state=state,
            secret=b"",
            created_at=now,
            not_before=now - timedelta(minutes=age_minutes),
            sending_at=None if sent_minutes_ago is None else now - timedelta(minutes=sent_minutes_ago),
            sent_at=None if sent_minutes_ago is None else now - timedelta(minutes=sent_minutes_ago),
        )

    def look(connected: bool = True, per_hour: int = 0) -> tuple[list[str], set[str], int | None]:
        found, lost = look_at_replies("shop", connected, per_hour, now)
        return [problem.condition.value for problem in found.problems], set(found.cleared), lost

    well = ([], {"database_away", "replies_stuck"}, 0)
    add("pending", 14)
    assert look() == well
    add("pending", 16)
    assert look() == (["replies_stuck"], {"database_away"}, 0)
    assert look(connected=False) == ([], {"database_away"}, 0)
    sent = [add("sent", 20, sent_minutes_ago=minutes) for minutes in (16, 20, 30)]
    assert look() == (["replies_stuck"], {"database_away"}, 0)
    assert look(per_hour=3) == well, "this chat has had its share"
    at = now - timedelta(minutes=3)
    Outbound.update(sending_at=at, sent_at=at).where(Outbound.id == sent[0].id).execute()
    assert look() == well
    add("dead", 0)
    add("unsure", 0)
    assert look()[2] == 1


def test_a_database_that_does_not_answer(sqlite_database: Any) -> None:
    sqlite_database.execute_sql("DROP TABLE wabot_outbox")
    found, lost = look_at_replies("shop", True, 0, utc_now())
    assert [problem.condition for problem in found.problems] == [Condition.DATABASE_AWAY]
    assert (found.cleared, lost) == ((), None)


def test_a_database_that_can_be_read_but_takes_no_messages(sqlite_database: Any) -> None:
    found, lost = look_at_replies(
        "shop", True, 0, utc_now(), "database away since 10:02, 37 messages kept on disk"
    )
    (problem,) = found.problems
    assert (problem.condition, problem.detail[:13]) == (Condition.DATABASE_AWAY, "database away")
    assert (found.cleared, lost) == ((), 0)
    found, _ = look_at_replies("shop", True, 0, utc_now(), "")
    assert Condition.DATABASE_AWAY in found.cleared


def test_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_at_disk(tmp_path).cleared == [Condition.DISK_LOW]
    assert not look_at_disk(tmp_path / "gone").cleared
    monkeypatch.setattr("wabot.alerts.checks._LOW_BYTES", 1 << 62)
    (problem,) = look_at_disk(tmp_path).problems
    assert problem.condition is Condition.DISK_LOW
    assert int(dict(problem.values)["megabytes"]) > 0
