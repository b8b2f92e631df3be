"""Takes messages over from the client library: stores each one, then wakes who answers."""

from __future__ import annotations

import logging
import threading
import time

import peewee

from wabot.bursts import Bursts
from wabot.messages import IncomingMessage
from wabot.models import database, utc_now
from wabot.reception import Reception
from wabot.schedule import ChatSchedule
from wabot.session_record import SessionRecord

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class Intake:
    """The way in, on the library's only callback thread: everything else waits behind it.

    Args:
        reception: where messages are stored, with what becomes of them.
        schedule: told which chat has something to answer.
        record: told when the last message came.

    Attributes:
        bursts: which chats are receiving at this moment.
        dropped: how many messages were given up because the database stayed away until the end.
    """

    def __init__(self, reception: Reception, schedule: ChatSchedule, record: SessionRecord) -> None:
        self._reception = reception
        self._schedule = schedule
        self._record = record
        self._closed = threading.Event()
        self._last_at = time.monotonic()
        self.bursts = Bursts()
        self.dropped = 0

    def take(self, message: IncomingMessage) -> None:
        """Store a message. While the database is away the library waits, and then so does WhatsApp.

        The library has acknowledged about a hundred messages at most that it could not hand over; every
        later one WhatsApp keeps, and delivers again (measured with neonize 0.5.2).
        """
        self._last_at = time.monotonic()
        now = utc_now()
        while True:
            try:
                chat_id = self._reception.receive(message, now)
                break
            except (peewee.OperationalError, peewee.InterfaceError) as error:
                database.close()
                log.error("database: %s; a message waits to be stored, and all others behind it", error)
                if self._closed.wait(_RETRY_SECONDS):
                    self.dropped += 1
                    raise
        if chat_id is not None:
            self.bursts.note(chat_id, self._last_at)
            self._schedule.touch(chat_id)
        if not message.from_me:
            self._record.update(last_inbound_at=now)

    def take_lost(self, message: IncomingMessage) -> None:
        """Take in a message that the library lost; on a thread that deals with the database itself."""
        chat_id = self._reception.receive(message, utc_now())
        if chat_id is not None:
            self._schedule.touch(chat_id)

    def close(self) -> None:
        """Wait for the database no longer."""
        self._closed.set()

    def seconds_since_message(self) -> float:
        """How long ago the library handed over a message."""
        return time.monotonic() - self._last_at
