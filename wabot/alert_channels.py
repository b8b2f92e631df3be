"""What every way to the owner has in common: it tries once, and says why when it fails."""

from __future__ import annotations

from typing import Protocol

from wabot.alert_notices import Notice


class NotDelivered(Exception):
    """A notice did not arrive; the text says why, without addresses that may hold secrets."""


class Channel(Protocol):
    """One way to the owner."""

    name: str

    def send(self, notice: Notice) -> None:
        """Deliver, or raise NotDelivered."""
