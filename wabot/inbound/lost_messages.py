"""Finds messages that the client library acknowledged but never handed over, and has them asked for again.

The library confirms a message to WhatsApp before Python sees it (measured with neonize 0.5.2: up to about a
hundred of them). Nobody delivers those again after a kill. But the library leaves traces: the secret of each
message it has decrypted, in its own store; and of a message it had decrypted and not yet confirmed, which
WhatsApp does deliver again, a line in its log that it ignores an old one.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sqlite3
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from wabot.clock import utc_now
from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER
from wabot.conversation.inbox import Inbox
from wabot.database.errors import AWAY
from wabot.database.models import Fact
from wabot.database.workers import DatabaseWorker, while_away
from wabot.inbound.drain import SpoolDrain
from wabot.inbound.intake import Intake
from wabot.system.files import read_json
from wabot.whatsapp.messages import IncomingMessage, MessageKind, Trace
from wabot.whatsapp.store import Traces, read_traces
from wabot.whatsapp.store_query import OpenStore, StoreSilent

Task = Callable[[], None]


class DelayedTasks(DatabaseWorker):
    """Tasks and their thread; anybody may add to them.

    Args:
        name: of the thread.
        retry_seconds: when to try again what could not be done.
    """

    def __init__(self, name: str, retry_seconds: float) -> None:
        super().__init__(name)
        self._retry_seconds = retry_seconds
        self._tasks_lock = threading.Lock()
        self._tasks: list[tuple[float, Task]] = []

    @abstractmethod
    def is_done(self, task: Task) -> bool:
        """Carry a task out; whether that could be done now."""

    def put(self, delay_seconds: float, task: Task) -> None:
        """Add a task, also before the start."""
        with self._tasks_lock:
            self._tasks.append((time.monotonic() + delay_seconds, task))
        self.rouse()

    def work(self) -> float | None:
        """Carry out what is due; the seconds until the next, None when there is none."""
        while not self.is_stopping:
            due, task = self._next()
            if task is None:
                return None
            if due > time.monotonic():
                return due - time.monotonic()
            if not self._try(due, task):
                return 0.0
        return None

    def finish(self) -> None:
        """Try what is left once more, now."""
        due, task = self._next()
        while task is not None and self._try(due, task):
            due, task = self._next()

    def stop(self, timeout_seconds: float = 0.0) -> bool:
        """Try what is left once more, and end; whether nothing is left."""
        return super().stop(timeout_seconds) and not self._tasks

    def _next(self) -> tuple[float, Task | None]:
        with self._tasks_lock:
            return min(self._tasks, key=lambda each: each[0], default=(0.0, None))

    def _try(self, due: float, task: Task) -> bool:
        with self._tasks_lock:
            self._tasks.remove((due, task))
        done = self.is_done(task)
        if not done:
            self.put(self._retry_seconds, task)
        return done


@dataclass(frozen=True, slots=True)
class StoreCursor:
    """Where the last look at the client library's store ended.

    Attributes:
        device: JID of the account the store was linked to, or "".
        position: everything up to here in the store is accounted for.
        at: when that was found, naive UTC.
        in_order: the process that made the mark has ended in order: it left nothing behind.
    """

    device: str
    position: int
    at: datetime
    in_order: bool = False


def load_mark(user_id: str) -> StoreCursor | None:
    """The mark of this user's session, if there is one that can be understood."""
    fact = Fact.get_or_none(Fact.key == _key(user_id))
    if fact is None:
        return None
    try:
        return read_json(fact.value, _mark_of)
    except ValueError:
        return None


def _mark_of(kept: Any) -> StoreCursor:
    at = datetime.fromisoformat(kept["at"])
    return StoreCursor(str(kept["device"]), int(kept["position"]), at, kept["in_order"] is True)


def save_mark(user_id: str, mark: StoreCursor) -> None:
    """Keep a mark in place of the last."""
    value = json.dumps({**asdict(mark), "at": mark.at.isoformat()})
    Fact.insert(key=_key(user_id), value=value).on_conflict(
        conflict_target=[Fact.key], update={Fact.value: value}
    ).execute()


def _key(user_id: str) -> str:
    return f"intake:{user_id}"


log = logging.getLogger(__name__)

MOST_LOST = 300
"""More cannot be lost at once: the library keeps a hundred and lets WhatsApp wait with the rest."""
_STILL_COMING_SECONDS = 5.0
_DATABASE_RETRY_SECONDS = 2.0
_SHORTEST_HISTORY = timedelta(days=1)


class LostMessages(DelayedTasks):
    """Searches where messages can have been lost, on a thread of its own.

    Args:
        user_id: whose session.
        store: the client library's store.
        inbox: what was handed over.
        intake: takes messages of the kind LOST in.
        drain: knows whether there are messages that are safe, but not in the inbox yet.
    """

    def __init__(
        self,
        user_id: str,
        store: Path,
        inbox: Inbox,
        intake: Intake,
        drain: SpoolDrain,
    ) -> None:
        super().__init__("lost-messages", _DATABASE_RETRY_SECONDS)
        self._user_id = user_id
        self._store = store
        self._inbox = inbox
        self._intake = intake
        self._drain = drain
        self._mark = StoreCursor("", 0, utc_now())
        self._lock = threading.Lock()
        self._ignored: dict[str, Trace] = {}
        self._starts_over = False

    def begin(self) -> None:
        """Look at what the last process left behind; before the client opens its store."""
        mark = load_mark(self._user_id)
        try:
            traces = read_traces(self._store, mark.position if mark else 0)
        except sqlite3.Error as error:
            log.warning("the session store cannot be searched for lost messages (%s)", error)
            return
        if mark is not None and mark.device == traces.device and not mark.in_order:
            self._mark = mark
            self.put(0.0, partial(self._account_for, traces, mark.at, utc_now()))
        else:
            self._advance(traces)

    def stop(self, timeout_seconds: float = 0.0, in_order: bool = False) -> bool:
        """Try what is left once more, and end; whether nothing is left.

        Args:
            timeout_seconds: how long to wait for what is being done.
            in_order: the library has handed over everything it had.
        """
        nothing_is_left = super().stop(timeout_seconds)
        if nothing_is_left and in_order:
            with while_away("the next start looks for lost messages"):
                save_mark(self._user_id, dataclasses.replace(self._mark, in_order=True))
        return nothing_is_left

    def ignored(self, trace: Trace) -> None:
        """Note that the library ignored a message as an old one; it may be on its way to the inbox now."""
        with self._lock:
            if not self._ignored:
                self.put(_STILL_COMING_SECONDS, self._account_for_ignored)
            if len(self._ignored) < 10 * MOST_LOST:
                self._ignored[trace.message_id] = trace

    def start_over(self) -> None:
        """Take all that the store holds now for no loss: the account was linked, or told its history."""
        with self._lock:
            if not self._starts_over:
                self._starts_over = True
                self.put(_STILL_COMING_SECONDS, self._skip)

    def link_ended(self) -> None:
        """Look for what the client dropped when it was stopped; before it connects again."""
        ended_at = utc_now()
        try:
            traces = OpenStore(self._store).traces(self._mark.position)
        except StoreSilent as error:
            log.warning("%s; messages may have been lost unnoticed", error)
            return
        self.put(_STILL_COMING_SECONDS, partial(self._account_for, traces, ended_at, ended_at))

    def is_done(self, task: Task) -> bool:
        """Carry a task out, unless the database is away or does not have all messages yet."""
        try:
            with while_away("lost messages are looked for later"):
                if self._drain.is_behind:
                    return False
                task()
                return True
            return False
        except Exception:
            log.exception("the search for lost messages failed")
        return True

    def _account_for(self, traces: Traces, since: datetime, until: datetime) -> None:
        """Find what came last and is not in the inbox: messages are handed over in the order they came.

        One that is there because it came once more afterwards says nothing about those before it.

        Args:
            traces: what came.
            since: when the search before this one was.
            until: when the traces were read.
        """
        known = self._inbox.known(trace.message_id for trace in traces.newest_first)
        lost: list[Trace] = []
        for trace in traces.newest_first:
            received_at = known.get(trace.message_id)
            if received_at is None:
                lost.append(trace)
            elif received_at <= until:
                break
        if len(lost) >= MOST_LOST or (not known and utc_now() - since > _SHORTEST_HISTORY):
            # Rather the history of a newly linked account, or messages that the janitor deleted since.
            log.warning("%d messages are not in the inbox, but they cannot have been lost lately", len(lost))
        else:
            self._ask_for(reversed(lost))
        self._advance(traces)

    def _account_for_ignored(self) -> None:
        with self._lock:
            ignored, self._ignored = self._ignored, {}
        try:
            known = self._inbox.known(ignored)
            # A line of a log is no proof that somebody wrote: who has no chat is not written to.
            self._ask_for(
                trace
                for trace in ignored.values()
                if trace.message_id not in known and self._inbox.chats.has(trace.chat)
            )
        except AWAY:
            with self._lock:
                self._ignored = ignored | self._ignored
            raise

    def _skip(self) -> None:
        self._starts_over = False
        try:
            self._advance(OpenStore(self._store).traces(self._mark.position))
        except StoreSilent:
            self.start_over()

    def _ask_for(self, lost: Iterable[Trace]) -> None:
        count = 0
        for trace in lost:
            self._intake.take_lost(_as_message(trace))
            count += 1
        if count:
            log.warning(
                "%d messages were acknowledged by the client library and lost; their customers are asked to "
                "write again",
                count,
            )

    def _advance(self, traces: Traces) -> None:
        """Move the mark past these traces: all of them are accounted for."""
        self._mark = StoreCursor(traces.device, traces.position, utc_now())
        save_mark(self._user_id, self._mark)


def _as_message(trace: Trace) -> IncomingMessage:
    user, _, server = trace.sender.partition("@")
    return IncomingMessage(
        chat=trace.chat,
        message_id=trace.message_id,
        sender=trace.sender,
        phone=user if server == PHONE_SERVER else trace.phone,
        lid=user if server == LID_SERVER else "",
        from_me=False,
        kind=MessageKind.LOST,
        text="",
        sent_at=utc_now(),
    )
