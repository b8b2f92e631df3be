"""Takes messages over from the client library: stores each one, then wakes who answers."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from typing import Protocol

from wabot.clock import utc_now
from wabot.conversation.bursts import Bursts
from wabot.conversation.files.albums import Albums
from wabot.conversation.schedule import ChatSchedule
from wabot.database.errors import concerns_what_was_stored, patience
from wabot.database.lent_connections import rest
from wabot.database.models import database
from wabot.inbound.drain import SpoolDrain
from wabot.inbound.reception import Reception
from wabot.inbound.spool import Spooled
from wabot.system.threads import Pulse
from wabot.whatsapp.messages import IncomingMessage

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
# A message asks the database a handful of questions, each with its own limit.
_LONGEST_SECONDS = 60.0


class InboundRecord(Protocol):
    """The record of when the last message came."""

    def update(self, *, last_inbound_at: datetime) -> None:
        """Write it soon; never wait."""


class Intake:
    """The way in, on the library's only callback thread: everything else waits behind it.

    Args:
        reception: where messages are stored, with what becomes of them.
        schedule: told which chat has something to answer.
        record: told when the last message came.
        drain: takes what the database does not, and brings it there later.
        pulse: of the library's thread, while it is here.

    Attributes:
        bursts: which chats are receiving at this moment.
        dropped: how many messages were given up because neither database nor disk took them until the end.
    """

    def __init__(
        self,
        reception: Reception,
        schedule: ChatSchedule,
        record: InboundRecord,
        drain: SpoolDrain,
        pulse: Pulse | None = None,
    ) -> None:
        self._reception = reception
        self._schedule = schedule
        self._record = record
        self._drain = drain
        self._pulse = pulse or Pulse()
        self._closed = threading.Event()
        self._is_taking = False
        self._last_at = time.monotonic()
        self._albums = Albums()
        self.bursts = Bursts()
        self.dropped = 0

    def take(self, message: IncomingMessage) -> None:
        """Make a message safe: in the database, else on the disk; else the library waits, and WhatsApp too.

        As long as messages are on the disk all others go there as well, so that none overtakes another.

        The library has acknowledged about a hundred messages at most that it could not hand over; every
        later one WhatsApp keeps, and delivers again (measured with neonize 0.5.2).
        """
        self._last_at = time.monotonic()
        self._is_taking = True
        if not message.from_me:
            self._note_album(message)
            # Here, not where it is stored: what goes to the disk comes in bursts as well. WhatsApp may use
            # one address of a person now and the other then, and the chat's row has but one.
            for jid in {message.chat, message.contact}:
                self.bursts.note(jid, self._last_at)
        spooled = Spooled(message, utc_now())
        try:
            while not self._is_safe(spooled):
                if self._closed.wait(_RETRY_SECONDS):
                    self.dropped += 1
                    raise TimeoutError("a message could not be stored before the end")
        finally:
            self._is_taking = False
            self._pulse.idle()
            rest()
        if not message.from_me:
            self._record.update(last_inbound_at=spooled.received_at)

    def take_lost(self, message: IncomingMessage) -> None:
        """Take in a message that the library lost; on a thread that deals with the database itself."""
        chat_id = self._reception.receive(message, utc_now())
        if chat_id is not None:
            self._schedule.touch(chat_id)

    def close(self) -> None:
        """Wait for the database no longer."""
        self._closed.set()

    @property
    def is_taking(self) -> bool:
        """Whether a message is being made safe at this moment."""
        return self._is_taking

    def seconds_since_message(self) -> float:
        """How long ago the library handed over a message; 0 while one is being stored."""
        return 0.0 if self._is_taking else time.monotonic() - self._last_at

    def _note_album(self, message: IncomingMessage) -> None:
        if message.album_size:
            self._albums.announce(message.chat, message.message_id, message.album_size, self._last_at)
        elif message.album_id:
            self._albums.note(message.chat, message.album_id, message.message_id, self._last_at)

    def _is_safe(self, spooled: Spooled) -> bool:
        self._pulse.busy(_LONGEST_SECONDS)
        return (not self._drain.is_behind and self._store(spooled)) or self._drain.keep(spooled)

    def _store(self, spooled: Spooled) -> bool:
        try:
            with patience(_ANSWER_SECONDS):
                chat_id = self._reception.receive(spooled.message, spooled.received_at)
        except Exception as error:
            if concerns_what_was_stored(error):
                self._drain.set_aside(spooled)
                raise
            database.close()
            self._drain.outage.began(error)
            return False
        if chat_id is not None:
            self._schedule.touch(chat_id)
            if seconds := self._albums.seconds_to_wait(spooled.message.chat, self._last_at):
                self._schedule.postpone(chat_id, seconds)
        if self._drain.outage.lasts:
            self._drain.outage.ended(0)
        return True
