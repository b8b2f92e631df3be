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
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from wabot.clock import utc_now
from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER
from wabot.conversation.inbox import Inbox
from wabot.database.errors import AWAY, one_line
from wabot.database.lent_connections import rest
from wabot.database.models import Fact, database
from wabot.inbound.drain import SpoolDrain
from wabot.inbound.intake import Intake
from wabot.system.files import read_json
from wabot.whatsapp.messages import IncomingMessage, MessageKind, Trace
from wabot.whatsapp.store import Traces, read_traces
from wabot.whatsapp.store_query import OpenStore, StoreSilent

Task = Callable[[], None]


class DelayedTasks:
    """The tasks and their thread; anybody may add to them.

    Args:
        name: of the thread.
        is_done: carries a task out; whether that could be done now.
        retry_seconds: when to try again where it could not.
    """

    def __init__(self, name: str, is_done: Callable[[Task], bool], retry_seconds: float) -> None:
        self._is_done = is_done
        self._retry_seconds = retry_seconds
        self._changed = threading.Condition()
        self._tasks: list[tuple[float, Task]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def put(self, delay_seconds: float, task: Task) -> None:
        """Add one, also before the start."""
        with self._changed:
            self._tasks.append((time.monotonic() + delay_seconds, task))
            self._changed.notify()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Try what is left once more, now; whether nothing is left."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive() and not self._tasks

    def _run(self) -> None:
        while True:
            rest()
            with self._changed:
                while not self._stopping and self._seconds_left() != 0:
                    self._changed.wait(self._seconds_left())
                due, task = min(self._tasks, key=lambda each: each[0], default=(0.0, None))
                if task is None:
                    break
                self._tasks.remove((due, task))
            if not self._is_done(task):
                self.put(self._retry_seconds, task)
                if self._stopping:
                    break
        database.close()

    def _seconds_left(self) -> float | None:
        """Until the next task; None when there is none."""
        if not self._tasks:
            return None
        return max(0.0, min(due for due, _ in self._tasks) - time.monotonic())


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


class LostMessages:
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
        self._user_id = user_id
        self._store = store
        self._inbox = inbox
        self._intake = intake
        self._drain = drain
        self._mark = StoreCursor("", 0, utc_now())
        self._tasks = DelayedTasks("lost-messages", self._is_done, _DATABASE_RETRY_SECONDS)
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
            self._tasks.put(0.0, partial(self._account_for, traces, mark.at, utc_now()))
        else:
            self._advance(traces)

    def start(self) -> None:
        """Start the thread."""
        self._tasks.start()

    def stop(self, timeout_seconds: float, in_order: bool) -> None:
        """Finish.

        Args:
            timeout_seconds: how long to wait for what is being done.
            in_order: the library has handed over everything it had.
        """
        if self._tasks.stop(timeout_seconds) and in_order:
            try:
                save_mark(self._user_id, dataclasses.replace(self._mark, in_order=True))
            except AWAY as error:
                log.warning("database: %s; the next start looks for lost messages", one_line(error))

    def ignored(self, trace: Trace) -> None:
        """The library ignored a message as an old one. It may be on its way to the inbox at this moment."""
        with self._lock:
            if not self._ignored:
                self._tasks.put(_STILL_COMING_SECONDS, self._account_for_ignored)
            if len(self._ignored) < 10 * MOST_LOST:
                self._ignored[trace.message_id] = trace

    def start_over(self) -> None:
        """What the store holds now is no loss: the account was linked, or told its history."""
        with self._lock:
            if not self._starts_over:
                self._starts_over = True
                self._tasks.put(_STILL_COMING_SECONDS, self._skip)

    def link_ended(self) -> None:
        """The client was stopped, which drops what it had not handed over; before it connects again."""
        ended_at = utc_now()
        try:
            traces = OpenStore(self._store).traces(self._mark.position)
        except StoreSilent as error:
            log.warning("%s; messages may have been lost unnoticed", error)
            return
        self._tasks.put(_STILL_COMING_SECONDS, partial(self._account_for, traces, ended_at, ended_at))

    def _is_done(self, task: Task) -> bool:
        """Carry a task out, unless the database is away or does not have all messages yet."""
        try:
            if self._drain.is_behind:
                return False
            task()
        except AWAY as error:
            database.close()
            log.warning("database: %s; lost messages are looked for later", one_line(error))
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
        """All of this is accounted for."""
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
