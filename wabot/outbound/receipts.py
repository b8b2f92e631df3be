"""What customers' devices say about the replies they got, and what follows from it."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from wabot.clock import utc_now
from wabot.conversation.send_queue import Departures
from wabot.database.errors import AWAY, one_line
from wabot.database.lent_connections import rest
from wabot.database.models import database
from wabot.database.own_tables import suspect
from wabot.outbound.deliveries import Deliveries, Evidence
from wabot.outbound.receipt_file import ReceiptFile
from wabot.whatsapp.messages import Receipt

log = logging.getLogger(__name__)

# Receipts come in bursts, and nobody waits for their being written down.
_WRITE_EVERY_SECONDS = 1.0
_IDS_AT_ONCE = 500
_REMEMBERED_IDS = 5000


class Receipts:
    """Hears receipts on the library's thread, writes them down on one of its own.

    Args:
        replies: where they are.
        wake_sender: called when there may be something to do for the sender.
        file: keeps what is not written down yet; None: only the memory does.
    """

    def __init__(
        self, replies: Departures, wake_sender: Callable[[], None], file: ReceiptFile | None = None
    ) -> None:
        self._file = file
        self._replies = replies
        self._wake_sender = wake_sender
        self._changed = threading.Condition()
        self._arrived: OrderedDict[str, None] = OrderedDict()
        self._asked: set[str] = set()
        self._deliveries = Deliveries()
        self._look_at: float | None = None
        self._unwritten: list[str] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)

    def start(self) -> None:
        """Start writing; what an earlier process had no time to write comes first."""
        if self._file is not None:
            self._unwritten = self._file.load()
            self._arrived.update(dict.fromkeys(self._unwritten))
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Write down what there is, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def take(self, receipt: Receipt) -> None:
        """A receipt came; returns at once."""
        with self._changed:
            if not receipt.arrived:
                self._look_at = time.monotonic()
                for message_id in receipt.message_ids:
                    self._deliveries.asked_again(message_id, self._look_at)
                self._changed.notify()
                return
            for message_id in receipt.message_ids:
                self._arrived[message_id] = None
                self._deliveries.confirmed(message_id)
            while len(self._arrived) > _REMEMBERED_IDS:
                self._arrived.popitem(last=False)
            if not self._unwritten:
                self._changed.notify()
            if self._file is not None:
                self._file.append(receipt.message_ids)
            self._unwritten += receipt.message_ids
            del self._unwritten[:-_REMEMBERED_IDS]
            was_asked = not self._asked.isdisjoint(receipt.message_ids)
            self._asked.difference_update(receipt.message_ids)
        if was_asked:
            self._wake_sender()

    def expect(self, message_id: str, chat_id: int, now: float) -> None:
        """WhatsApp took a reply, at so many monotonic seconds; a receipt should follow, if it is not here."""
        with self._changed:
            self._deliveries.sent(message_id, chat_id, now)
            if message_id in self._arrived:
                self._deliveries.confirmed(message_id)

    def were_lost(self) -> None:
        """The library handed over no events for a while."""
        with self._changed:
            self._deliveries.forget()

    def arrived(self, message_id: str) -> bool:
        """Whether a device of the customer has this message; if not, tell when it has."""
        with self._changed:
            if message_id in self._arrived:
                return True
            self._asked.add(message_id)
            return False

    def _run(self) -> None:
        stopping = False
        unreadable: list[tuple[str, Evidence]] = []
        while not stopping:
            rest()
            with self._changed:
                self._changed.wait_for(self._has_work, self._idle_seconds())
                # What comes within the next second is written with it, after the reply's own row.
                self._changed.wait_for(lambda: self._stopping, _WRITE_EVERY_SECONDS)
                stopping = self._stopping
                arrived, self._unwritten = self._unwritten, []
                found, self._look_at = self._deliveries.take_unreadable(time.monotonic())
                unreadable += found
            try:
                self._write(arrived)
                with self._changed:
                    if self._file is not None and arrived and not self._unwritten:
                        self._file.clear()
                self._send_again(unreadable)
                unreadable = []
            except AWAY as error:
                suspect(error)
                database.close()
                log.warning("database: %s; receipts are written later", one_line(error))
                with self._changed:
                    self._unwritten = arrived + self._unwritten
                    if unreadable:
                        self._look_at = time.monotonic()
            except Exception:
                log.exception("receipts could not be written down")
                unreadable = []
        database.close()

    def _has_work(self) -> bool:
        is_time = self._look_at is not None and self._look_at <= time.monotonic()
        return bool(self._unwritten) or is_time or self._stopping

    def _idle_seconds(self) -> float | None:
        return None if self._look_at is None else max(0.0, self._look_at - time.monotonic())

    def _write(self, message_ids: list[str]) -> None:
        for start in range(0, len(message_ids), _IDS_AT_ONCE):
            self._replies.confirm(message_ids[start : start + _IDS_AT_ONCE], utc_now())

    def _send_again(self, unreadable: list[tuple[str, Evidence]]) -> None:
        for message_id, evidence in unreadable:
            if self._replies.send_again(message_id, evidence is Evidence.OTHERS_ONLY, utc_now()):
                log.warning("the customer cannot read %s (%s); it is sent again", message_id, evidence)
                self._wake_sender()
