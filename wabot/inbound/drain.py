"""Brings messages from the disk into the database when it is back, in the order they came."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import peewee

from wabot.clock import local_now
from wabot.conversation.schedule import ChatSchedule
from wabot.database.errors import concerns_what_was_stored, one_line
from wabot.database.models import database
from wabot.database.refusals import refusal
from wabot.database.tables import suspect
from wabot.database.workers import DatabaseWorker
from wabot.inbound.reception import Reception
from wabot.inbound.spool import Spool, Spooled, encode
from wabot.system.threads import Pulse
from wabot.system.units import own_command

log = logging.getLogger(__name__)


class DatabaseOutage:
    """Since when the database takes no messages, as the status line says it; told by whoever stores them."""

    def __init__(self) -> None:
        self._began_at: float | None = None
        self._is_answering = True
        self._obstacle = ""
        self._cause = ""

    @property
    def lasts(self) -> bool:
        """Whether messages cannot be stored as they come."""
        return self._began_at is not None

    def began(self, error: Exception) -> None:
        """Note that the database did not take a message."""
        if self._began_at is None:
            self._began_at = time.monotonic()
            log.error("messages cannot be stored (%s); until they can they are kept on disk", one_line(error))
        elif self._is_answering:
            log.error("messages cannot be stored (%s); the others stay on disk", one_line(error))
        self._is_answering = False
        suspect(error)
        refused = refusal(error)
        self._cause = f" ({refused.cause}; see {own_command('doctor')})" if refused else ""

    def blocked(self, error: Exception) -> None:
        """Note that the disk did not take it either: it is held, and WhatsApp keeps those that follow."""
        if not self._obstacle:
            log.error("%s; a message waits to be stored, and all others behind it", one_line(error))
        self._obstacle = one_line(error)

    def unblocked(self) -> None:
        """Note that a message that was held is safe."""
        self._obstacle = ""

    def answers(self) -> None:
        """Note that the database takes messages again, while some are still on the disk."""
        self._is_answering = True

    def ended(self, stored: int) -> None:
        """Note that nothing is left on the disk.

        Args:
            stored: how many messages the database has taken from there.
        """
        if self._began_at is not None:
            seconds = time.monotonic() - self._began_at
            log.info("messages are stored again after %.0f s; %d had been kept on disk", seconds, stored)
        self._began_at = None
        self._is_answering = True

    def text(self, kept: int) -> str:
        """What the status line says of it; "" while all is well.

        Args:
            kept: how many messages are on the disk.
        """
        began_at, held = self._began_at, ""
        if began_at is None and not kept:
            return ""
        messages = f"{kept} message{'' if kept == 1 else 's'} kept on disk"
        if began_at is None or self._is_answering:
            return f"database back, {messages} still to be stored"
        now = local_now()
        since = now - timedelta(seconds=time.monotonic() - began_at)
        day = "" if since.date() == now.date() else "%d %b "
        if self._obstacle:
            held = f", the others wait at WhatsApp: {self._obstacle}"
        return f"database away since {since:{day}%H:%M}{self._cause}, {messages}{held}"


_RETRY_SECONDS = 1.0
_BATCH_MESSAGES = 100
_LONGEST_SECONDS = 60.0


class SpoolDrain(DatabaseWorker):
    """Owns the spool and the thread that empties it.

    Args:
        spool: the messages on the disk; also those an earlier process left.
        reception: where messages are stored; knows each that it has already.
        schedule: told which chat has something to answer.
        wakeup: set when nothing is left; until then no reply leaves, because the word that takes it back may
            still be on the disk.
        pulse: of the thread.

    Attributes:
        outage: since when the database is away.
    """

    def __init__(
        self,
        spool: Spool,
        reception: Reception,
        schedule: ChatSchedule,
        wakeup: threading.Event | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        super().__init__("spool")
        self._spool = spool
        self._reception = reception
        self._schedule = schedule
        self._sender_wakeup = wakeup or threading.Event()
        self._pulse = pulse or Pulse()
        self._stored = 0
        # Of this process; those of an earlier one are found at the start with all that wait.
        self._kept: set[tuple[str, str]] = set()
        self.outage = DatabaseOutage()

    def start(self) -> None:
        """Start the thread; what is on the disk at its end stays there, for the next start."""
        if self.is_behind:
            log.warning("%d messages on disk are still to be stored", len(self._spool))
        super().start()

    @property
    def is_behind(self) -> bool:
        """Whether there are messages that the database does not have."""
        return len(self._spool) > 0

    @property
    def trouble(self) -> str:
        """What people should know of messages on the disk; "" while all is well."""
        return self.outage.text(len(self._spool))

    def keep(self, spooled: Spooled) -> bool:
        """Write a message to the disk, behind the others; whether it is safe there."""
        self._kept.add(_key(spooled))
        try:
            self._spool.append(spooled)
        except OSError as error:
            self.outage.blocked(error)
            return False
        self.outage.unblocked()
        self.rouse()
        return True

    def set_aside(self, spooled: Spooled) -> None:
        """Keep a message that no database will ever take, for people to look at."""
        try:
            self._spool.set_aside(encode(spooled))
        except OSError as error:
            log.error("a message that cannot be stored cannot be set aside either: %s", error)

    def work(self) -> float | None:
        """Bring some messages into the database; the seconds until the next, None when none is left."""
        if not self.is_behind:
            return None
        return 0.0 if self._move() else _RETRY_SECONDS

    def _move(self) -> bool:
        """Bring some messages into the database; whether that went well."""
        self._pulse.busy(_LONGEST_SECONDS)
        try:
            with self._spool.batch(_BATCH_MESSAGES) as messages:
                chats = self._store(messages)
        except (peewee.DatabaseError, peewee.InterfaceError, OSError) as error:
            database.close()
            # Chats that were made for these messages went back with them.
            self._reception.forget_remembered_chats()
            self.outage.began(error)
            return False
        finally:
            self._pulse.idle()
        self._stored += len(messages)
        self.outage.answers()
        for chat_id in chats:
            self._schedule.touch(chat_id)
        if not self.is_behind:
            self.outage.ended(self._stored)
            self._stored = 0
            self._kept.clear()
            self._sender_wakeup.set()
        return True

    def _store(self, messages: list[Spooled]) -> list[int]:
        """Store them, all or none; return the chats that have something to answer."""
        chats = []
        with database.atomic():
            for spooled in messages:
                try:
                    with database.atomic():
                        chat_id = self._reception.receive(spooled.message, spooled.received_at)
                        # Perhaps the database had stored it when it went away before it could say so: then
                        # nobody was told of it.
                        if chat_id is None and _key(spooled) in self._kept:
                            chat_id = self._reception.chat_waiting_with(spooled.message)
                except Exception as error:
                    if not concerns_what_was_stored(error):
                        raise
                    log.exception("a message kept on disk cannot be stored")
                    self.set_aside(spooled)
                    continue
                if chat_id is not None:
                    chats.append(chat_id)
        return chats


def _key(spooled: Spooled) -> tuple[str, str]:
    return spooled.message.chat, spooled.message.message_id
