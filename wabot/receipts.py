"""What customers' devices say about the replies they got."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

import peewee

from wabot.messages import Receipt
from wabot.models import database, utc_now
from wabot.outbox import Outbox

log = logging.getLogger(__name__)

# Receipts come in bursts, and nobody waits for their being written down.
_WRITE_EVERY_SECONDS = 1.0
_IDS_AT_ONCE = 500
_REMEMBERED_IDS = 5000


class Receipts:
    """Hears receipts on the library's thread, writes them down on one of its own.

    Args:
        outbox: where the replies are.
        on_arrival: called for a message somebody asked about with `arrived`, when it is confirmed.
    """

    def __init__(self, outbox: Outbox, on_arrival: Callable[[], None]) -> None:
        self._outbox = outbox
        self._on_arrival = on_arrival
        self._changed = threading.Condition()
        self._arrived: OrderedDict[str, None] = OrderedDict()
        self._asked: set[str] = set()
        self._unwritten: list[str] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Write down what there is, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def take(self, receipt: Receipt) -> None:
        """A receipt came; returns at once."""
        if not receipt.arrived:
            return
        with self._changed:
            for message_id in receipt.message_ids:
                self._arrived[message_id] = None
            while len(self._arrived) > _REMEMBERED_IDS:
                self._arrived.popitem(last=False)
            if not self._unwritten:
                self._changed.notify()
            self._unwritten += receipt.message_ids
            del self._unwritten[:-_REMEMBERED_IDS]
            was_asked = not self._asked.isdisjoint(receipt.message_ids)
            self._asked.difference_update(receipt.message_ids)
        if was_asked:
            self._on_arrival()

    def arrived(self, message_id: str) -> bool:
        """Whether a device of the customer has this message; if not, tell when it has."""
        with self._changed:
            if message_id in self._arrived:
                return True
            self._asked.add(message_id)
            return False

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._unwritten or self._stopping)
                # What comes within the next second is written with it, after the reply's own row.
                self._changed.wait_for(lambda: self._stopping, _WRITE_EVERY_SECONDS)
                stopping, batch = self._stopping, self._unwritten[:_IDS_AT_ONCE]
                self._unwritten = self._unwritten[_IDS_AT_ONCE:]
            if batch and not self._write(batch):
                with self._changed:
                    self._unwritten = batch + self._unwritten
                if stopping:
                    break
            if stopping and not batch:
                break
        database.close()

    def _write(self, message_ids: list[str]) -> bool:
        try:
            self._outbox.confirm(message_ids, utc_now())
        except (peewee.OperationalError, peewee.InterfaceError) as error:
            database.close()
            log.warning("database: %s; receipts are written later", error)
            return False
        return True
