"""Writes the metrics where node_exporter's textfile collector finds them, on a thread nobody waits for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from peewee import fn
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest

from wabot.brain.providers.counts import CallCounts
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import OPEN_STATES, UNDELIVERED_STATES, Outbox
from wabot.database.kept_figures import KeptFigure
from wabot.database.models import Inbound, Outbound, Session
from wabot.database.states import OutboundState
from wabot.database.workers import DatabaseWorker, while_away
from wabot.link.states import State
from wabot.status.metrics import LATENCY, LATENCY_BUCKETS, AccountCollector, Depths, Snapshot
from wabot.system.files import replace_file
from wabot.system.logs import unhandled_errors

_IDS_AT_ONCE = 500
log = logging.getLogger(__name__)

INTERVAL_SECONDS = 15.0


class ReplyLatency:
    """Finds the messages whose answers have left since the last look.

    Replies are looked up by their ids: those that were open at the last look, and those written since; so a
    look costs no more with years of history.

    Args:
        user_id: whose account.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._newest: int | None = None
        self._open: set[int] = set()

    def look(self) -> Iterator[float]:
        """The seconds that each message waited from its arrival to the first part of its answer.

        Raises:
            peewee.OperationalError, peewee.InterfaceError: the database is away; the next look makes up.
        """
        mine = Outbound.user_id == self._user_id
        # Of all accounts: of one there is no index.
        newest = Outbound.select(fn.MAX(Outbound.id)).scalar() or 0
        of_open = Outbound.select(Outbound.id).where(
            mine, Outbound.state.in_(OPEN_STATES), Outbound.id <= newest
        )
        still_open = {row.id for row in of_open}
        waits: list[float] = []
        if self._newest is not None:
            # What is sent while this looks was open a moment ago, and is the next look's.
            candidates = sorted(self._open - still_open)
            for first in range(0, len(candidates), _IDS_AT_ONCE):
                waits += self._waits(Outbound.id.in_(candidates[first : first + _IDS_AT_ONCE]), set())
            waits += self._waits((Outbound.id > self._newest) & (Outbound.id <= newest), still_open)
        self._newest, self._open = newest, still_open
        yield from waits

    def _waits(self, condition: Any, left_out: set[int]) -> list[float]:
        answered = (
            Inbound.select(Outbound.id, Inbound.received_at, Outbound.sent_at)
            # Of one chat: that is what there is an index for.
            .join(Outbound, on=(Inbound.chat == Outbound.chat) & (Inbound.reply == Outbound.id))
            .where(Outbound.user_id == self._user_id, Outbound.state == OutboundState.SENT, condition)
        )
        return [
            _seconds(received_at, sent_at)
            for reply, received_at, sent_at in answered.tuples()
            if sent_at and reply not in left_out
        ]


def _seconds(received_at: datetime, sent_at: datetime) -> float:
    return max(0.0, (sent_at - received_at).total_seconds())


class MetricsFile(DatabaseWorker):
    """Keeps the file true.

    Args:
        path: the file; its directory must exist.
        user_id: whose account.
        counts: what the models do.
        transcriptions: what the transcribers do; None: there are none.
        files: that came with messages; None: what becomes of them is not counted.
    """

    def __init__(
        self,
        path: Path,
        user_id: str,
        counts: CallCounts,
        transcriptions: CallCounts | None = None,
        files: ReceivedFiles | None = None,
    ) -> None:
        super().__init__("metrics")
        self._path = path
        self._user_id = user_id
        self._counts = counts
        self._transcriptions = transcriptions or CallCounts()
        self._files = files or ReceivedFiles(user_id)
        self._collector = AccountCollector(user_id)
        # wabot_start_time_seconds says as much.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._registry.register(self._collector)
        self._latency = Histogram(
            LATENCY.name, LATENCY.meaning, ("account",), registry=self._registry, buckets=LATENCY_BUCKETS
        ).labels(user_id)
        self._replies = ReplyLatency(user_id)
        self._depths = KeptFigure(self._count_depths)
        self._state = State.STARTING
        self._times_up = 0
        self._trouble = ""

    def link_changed(self, state: State) -> None:
        """Take note that the link is in another state; called by main only, and never waits."""
        if state is State.CONNECTED and self._state is not state:
            self._times_up += 1
        self._state = state

    def work(self) -> float:
        """Write the file; the seconds until it is to be written again."""
        self._observe()
        self._write(generate_latest(self._registry))
        return INTERVAL_SECONDS

    def finish(self) -> None:
        """Write the last word."""
        self.work()

    def _observe(self) -> None:
        self._collector.snapshot = Snapshot(
            self._state,
            max(0, self._times_up - 1),
            self._known_depths(),
            self._counts.providers(),
            unhandled_errors(),
            self._transcriptions.providers(),
            self._files.outcomes(),
        )

    def _known_depths(self) -> Depths | None:
        with while_away("metrics leave out what is to be counted", level=logging.DEBUG):
            return self._depths.get(is_last=self.is_stopping)
        return None

    def _count_depths(self) -> Depths:
        inbox, outbox = Inbox(self._user_id), Outbox(self._user_id)
        for seconds in self._replies.look():
            self._latency.observe(seconds)
        session = Session.get_or_none(Session.user_id == self._user_id)
        return Depths(
            inbox.pending_count(),
            inbox.undecryptable_count(),
            outbox.count(OPEN_STATES),
            outbox.count(UNDELIVERED_STATES),
            self._files.pending_count(),
            session.last_inbound_at if session else None,
            session.last_reply_at if session else None,
        )

    def _write(self, content: bytes) -> None:
        try:
            # The one file that others may read: node_exporter runs as a user of its own.
            replace_file(self._path, content, mode=0o644)
        except OSError as error:
            self._tell(f"{self._path} cannot be written: {error.strerror}")
        else:
            self._tell("")

    def _tell(self, trouble: str) -> None:
        """Log a trouble when it begins, and its end."""
        if trouble and trouble != self._trouble:
            log.warning("metrics: %s", trouble)
        elif self._trouble and not trouble:
            log.info("metrics: %s is written again", self._path)
        self._trouble = trouble
