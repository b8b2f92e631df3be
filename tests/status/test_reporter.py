from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from wabot.clock import utc_now
from wabot.link.connection import Connection, Limits
from wabot.status.reporter import Reporter
from wabot.system.notify import ServiceNotifier
from wabot.whatsapp.signals import Signal
from wabot.whatsapp.store import Account

HOUR_SECONDS = 3600.0


class Record:
    """Keeps what it is told."""

    backlog = ""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}

    def update(self, **fields: Any) -> None:
        self.fields.update(fields)


class StatusLine(ServiceNotifier):
    """The last one."""

    text = ""

    def status(self, text: str) -> None:
        self.text = text


class Scene:
    """A link whose life began so many seconds ago."""

    def __init__(self, seconds_ago: float) -> None:
        self.now, self.wall = time.monotonic(), datetime.now().astimezone()
        self.connection = Connection(Limits(), self.now - seconds_ago, lambda: 0.0)
        self.record, self.line = Record(), StatusLine({})
        self.reporter = Reporter(self.connection, Account(), self.line, self.record)  # type: ignore[arg-type]

    def happens(self, signal: Signal, seconds_ago: float) -> str:
        """The status line after it."""
        self.connection.apply(signal, self.now - seconds_ago, "no network")
        self.reporter.show_state()
        self.reporter.show_status(None)
        return self.line.text

    def since(self, seconds_ago: float) -> str:
        """How the status line ends for a state that began then."""
        return f" since {self.wall - timedelta(seconds=seconds_ago):%d %b %H:%M}"


def test_the_status_line_tells_since_when_there_is_no_link_however_often_it_was_tried() -> None:
    scene = Scene(9 * HOUR_SECONDS)
    for signal, ago in [
        (Signal.STARTED, 9 * HOUR_SECONDS),
        (Signal.DIAL_FAILED, 8 * HOUR_SECONDS),
        (Signal.WAIT_OVER, 7 * HOUR_SECONDS),
    ]:
        assert scene.happens(signal, ago).endswith(scene.since(9 * HOUR_SECONDS))
    assert scene.happens(Signal.CONNECTED, 6 * HOUR_SECONDS).endswith(scene.since(6 * HOUR_SECONDS))
    for signal, ago in [(Signal.DISCONNECTED, 5 * HOUR_SECONDS), (Signal.LINK_BROKEN, 4 * HOUR_SECONDS)]:
        assert scene.happens(signal, ago).endswith(scene.since(5 * HOUR_SECONDS))


def test_a_state_that_is_no_search_for_the_link_has_a_time_of_its_own() -> None:
    scene = Scene(9 * HOUR_SECONDS)
    scene.happens(Signal.STARTED, 9 * HOUR_SECONDS)
    assert scene.happens(Signal.TEMPORARY_BAN, 2 * HOUR_SECONDS).endswith(scene.since(2 * HOUR_SECONDS))


def test_what_keeps_messages_from_being_stored_stands_in_the_status_line() -> None:
    scene = Scene(HOUR_SECONDS)
    scene.record.backlog = "3 chats today; all answered; outbox empty"
    assert scene.happens(Signal.STARTED, HOUR_SECONDS).endswith("; 3 chats today; all answered; outbox empty")
    scene.reporter.show_status(None, "database away since 10:02, 37 messages kept on disk")
    assert scene.line.text.endswith("; database away since 10:02, 37 messages kept on disk")


def test_that_no_model_answers_stands_in_the_status_line_and_in_the_row() -> None:
    scene = Scene(HOUR_SECONDS)
    scene.record.backlog = "3 chats today; all answered; outbox empty"
    scene.happens(Signal.STARTED, HOUR_SECONDS)
    assert scene.record.fields["models_trouble"] == ""
    trouble = "no model answers since 30 Nov 11:05 (provider gpt: it answered 402: …)"
    scene.reporter.show_status(None, "", trouble)
    assert f"; {trouble}; " in scene.line.text
    assert scene.record.fields["models_trouble"] == trouble
    scene.reporter.show_status(None)
    assert "no model" not in scene.line.text
    assert scene.record.fields["models_trouble"] == ""


def test_the_row_keeps_the_time_of_the_state() -> None:
    scene = Scene(9 * HOUR_SECONDS)
    scene.happens(Signal.STARTED, 9 * HOUR_SECONDS)
    scene.happens(Signal.DIAL_FAILED, 8 * HOUR_SECONDS)
    assert scene.record.fields["state"] == "backoff"
    hours = (utc_now() - scene.record.fields["since"]) / timedelta(hours=1)
    assert 7.9 < hours < 8.1
