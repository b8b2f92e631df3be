"""What customers' devices say about the replies they got, and what follows from it."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from wabot.clock import utc_now
from wabot.conversation.send_queue import SendQueue
from wabot.database.errors import AWAY
from wabot.database.workers import DatabaseWorker, while_away
from wabot.outbound.receipt_file import ReceiptFile
from wabot.whatsapp.messages import Receipt

_REMEMBERED = 5000
_FORGOTTEN_AFTER_SECONDS = 3600.0
_NEVER = float("-inf")


class Evidence(StrEnum):
    """What speaks for a reply being unreadable, though WhatsApp took it."""

    ASKED_AGAIN = "the phone asked for it again, and the client library no longer had it"
    OVERTAKEN = "the phone has a later one"
    OTHERS_ONLY = "other phones have later ones"


# A phone that can read a message says so within a second; the client library answers one that cannot at once.
_PATIENCE_SECONDS = {
    Evidence.ASKED_AGAIN: 10.0,
    Evidence.OVERTAKEN: 5.0,
    Evidence.OTHERS_ONLY: 30.0,
}


@dataclass(slots=True)
class _Sent:
    chat_id: int | None
    at: float
    asked_again_at: float | None = None
    overtaken_at: float | None = None


class AwaitedReceipts:
    """The replies that WhatsApp took lately and no phone has confirmed yet.

    Only what this process sent is judged by silence: what an earlier one heard before its end is not known.
    """

    def __init__(self) -> None:
        self._sent: OrderedDict[str, _Sent] = OrderedDict()
        self._newest_in_chat: OrderedDict[int, float] = OrderedDict()
        self._newest = _NEVER

    def sent(self, message_id: str, chat_id: int, now: float) -> None:
        """Await a receipt for a reply that WhatsApp took."""
        self._remember(message_id, _Sent(chat_id, now))

    def confirmed(self, message_id: str) -> None:
        """Await none any more: a phone has the reply and can read it."""
        sent = self._sent.pop(message_id, None)
        if sent is None or sent.chat_id is None:
            return
        self._newest = max(self._newest, sent.at)
        newest_in_chat = self._newest_in_chat.pop(sent.chat_id, sent.at)
        self._newest_in_chat[sent.chat_id] = max(newest_in_chat, sent.at)
        if len(self._newest_in_chat) > _REMEMBERED:
            self._newest_in_chat.popitem(last=False)

    def asked_again(self, message_id: str, now: float) -> None:
        """Remember that a phone got a reply and cannot read it. It may be one of an earlier process."""
        sent = self._sent.get(message_id)
        if sent is None:
            sent = _Sent(None, now)
            self._remember(message_id, sent)
        sent.asked_again_at = sent.asked_again_at or now

    def forget(self) -> None:
        """Await none: receipts were lost, and silence proves nothing any more."""
        self._sent.clear()

    def take_unreadable(self, now: float) -> tuple[list[tuple[str, Evidence]], float | None]:
        """The replies that must be taken for unreadable, each once, and when to look again."""
        found = []
        due_at = []
        for message_id, sent in list(self._sent.items()):
            due, evidence = self._evidence(sent, now)
            if evidence is not None and due <= now:
                found.append((message_id, evidence))
            elif evidence is not None:
                due_at.append(due)
            if due <= now or now - sent.at > _FORGOTTEN_AFTER_SECONDS:
                del self._sent[message_id]
        return found, min(due_at, default=None)

    def _evidence(self, sent: _Sent, now: float) -> tuple[float, Evidence | None]:
        """What speaks against this reply first, and when it counts."""
        if sent.chat_id is not None and self._newest_in_chat.get(sent.chat_id, _NEVER) > sent.at:
            sent.overtaken_at = sent.overtaken_at or now
        since = {
            Evidence.ASKED_AGAIN: sent.asked_again_at,
            Evidence.OVERTAKEN: sent.overtaken_at,
            Evidence.OTHERS_ONLY: sent.at if self._newest > sent.at else None,
        }
        return min(
            ((at + _PATIENCE_SECONDS[each], each) for each, at in since.items() if at is not None),
            default=(float("inf"), None),
        )

    def _remember(self, message_id: str, sent: _Sent) -> None:
        self._sent[message_id] = sent
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)


log = logging.getLogger(__name__)

# Receipts come in bursts, and nobody waits for their being written down.
_WRITE_EVERY_SECONDS = 1.0
_IDS_AT_ONCE = 500
_REMEMBERED_IDS = 5000


class Receipts(DatabaseWorker):
    """Hears receipts on the library's thread, writes them down on one of its own.

    Args:
        queue: the replies they are about; its sender is woken when there may be something to do.
        file: keeps what is not written down yet; None: only the memory does.
    """

    waits = "receipts are written later"

    def __init__(self, queue: SendQueue, file: ReceiptFile | None = None) -> None:
        super().__init__("receipts")
        self._file = file
        self._queue = queue
        self._lock = threading.Lock()
        self._arrived: OrderedDict[str, None] = OrderedDict()
        self._asked: set[str] = set()
        self._awaited = AwaitedReceipts()
        self._look_at: float | None = None
        self._write_at: float | None = None
        self._unwritten: list[str] = []
        self._unreadable: list[tuple[str, Evidence]] = []

    def start(self) -> None:
        """Start writing; what an earlier process had no time to write comes first."""
        if self._file is not None:
            self._unwritten = self._file.load()
            self._arrived.update(dict.fromkeys(self._unwritten))
        super().start()

    def take(self, receipt: Receipt) -> None:
        """Take a receipt that came; returns at once."""
        with self._lock:
            if not receipt.arrived:
                self._look_at = time.monotonic()
                for message_id in receipt.message_ids:
                    self._awaited.asked_again(message_id, self._look_at)
                self.rouse()
                return
            for message_id in receipt.message_ids:
                self._arrived[message_id] = None
                self._awaited.confirmed(message_id)
            while len(self._arrived) > _REMEMBERED_IDS:
                self._arrived.popitem(last=False)
            if not self._unwritten:
                self.rouse()
            if self._file is not None:
                self._file.append(receipt.message_ids)
            self._unwritten += receipt.message_ids
            del self._unwritten[:-_REMEMBERED_IDS]
            was_asked = not self._asked.isdisjoint(receipt.message_ids)
            self._asked.difference_update(receipt.message_ids)
        if was_asked:
            self._queue.wakeup.set()

    def expect(self, message_id: str, chat_id: int, now: float) -> None:
        """Await a receipt for a reply that WhatsApp took at `now`, unless it is here already."""
        with self._lock:
            self._awaited.sent(message_id, chat_id, now)
            if message_id in self._arrived:
                self._awaited.confirmed(message_id)

    def were_lost(self) -> None:
        """Take silence for no evidence: the library handed over no events for a while."""
        with self._lock:
            self._awaited.forget()

    def arrived(self, message_id: str) -> bool:
        """Whether a device of the customer has this message; if not, tell when it has."""
        with self._lock:
            if message_id in self._arrived:
                return True
            self._asked.add(message_id)
            return False

    def work(self) -> float | None:
        """Write down what came, a second after the first of it; the seconds until there is more to do."""
        now = time.monotonic()
        with self._lock:
            is_time = self._look_at is not None and self._look_at <= now
            if self._write_at is None and (self._unwritten or is_time):
                # What comes within the next second is written with it, after the reply's own row.
                self._write_at = now + _WRITE_EVERY_SECONDS
            due = self._look_at if self._write_at is None else self._write_at
        if due is None or due > now:
            return None if due is None else due - now
        self._write_what_came(now)
        return 0.0

    def finish(self) -> None:
        """Write down what there is."""
        with while_away("receipts are written by the next process"):
            self._write_what_came(time.monotonic())

    def _write_what_came(self, now: float) -> None:
        with self._lock:
            self._write_at = None
            arrived, self._unwritten = self._unwritten, []
            found, self._look_at = self._awaited.take_unreadable(now)
            unreadable, self._unreadable = self._unreadable + found, []
        try:
            self._write(arrived)
            with self._lock:
                if self._file is not None and arrived and not self._unwritten:
                    self._file.clear()
            self._send_again(unreadable)
        except AWAY:
            with self._lock:
                self._write_at = now
                self._unwritten = arrived + self._unwritten
                self._unreadable = unreadable
            raise

    def _write(self, message_ids: list[str]) -> None:
        for start in range(0, len(message_ids), _IDS_AT_ONCE):
            self._queue.confirm(message_ids[start : start + _IDS_AT_ONCE], utc_now())

    def _send_again(self, unreadable: list[tuple[str, Evidence]]) -> None:
        for message_id, evidence in unreadable:
            if self._queue.send_again(message_id, evidence is Evidence.OTHERS_ONLY, utc_now()):
                log.warning("the customer cannot read %s (%s); it is sent again", message_id, evidence)
                self._queue.wakeup.set()
