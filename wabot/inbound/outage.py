"""Knows since when the database is away and says so, once in the journal and always in the status line."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from wabot.clock import local_now
from wabot.database.own_tables import suspect
from wabot.database.refusals import refusal
from wabot.system.units import own_command

log = logging.getLogger(__name__)


class Outage:
    """Told by whoever stores messages how that went."""

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
        """The database did not take a message."""
        if self._began_at is None:
            self._began_at = time.monotonic()
            log.error(
                "messages cannot be stored (%s); until they can they are kept on disk", _one_line(error)
            )
        elif self._is_answering:
            log.error("messages cannot be stored (%s); the others stay on disk", _one_line(error))
        self._is_answering = False
        suspect(error)
        refused = refusal(error)
        self._cause = f" ({refused.cause}; see {own_command('doctor')})" if refused else ""

    def blocked(self, error: Exception) -> None:
        """The disk did not take a message either; it is held, and WhatsApp keeps those that follow."""
        if not self._obstacle:
            log.error("%s; a message waits to be stored, and all others behind it", _one_line(error))
        self._obstacle = _one_line(error)

    def unblocked(self) -> None:
        """A message that was held is safe."""
        self._obstacle = ""

    def answers(self) -> None:
        """The database takes messages again; some are still on the disk."""
        self._is_answering = True

    def ended(self, stored: int) -> None:
        """Nothing is left on the disk.

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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
