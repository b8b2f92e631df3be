"""What every way to the owner has in common: it tries once, and says why when it fails."""

from __future__ import annotations

from typing import Protocol

from wabot.alerts.notice import Notice


class NotDelivered(Exception):
    """A notice did not arrive; the text says why, without addresses that may hold secrets.

    Attributes:
        permanent: it will be so until somebody changes something, as with a wrong password.
    """

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class Channel(Protocol):
    """One way to the owner."""

    name: str

    def send(self, notice: Notice) -> None:
        """Deliver, or raise NotDelivered."""
