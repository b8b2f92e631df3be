"""The ways to the owner. Each tries once, and says why when it fails."""

from __future__ import annotations

import socket
from typing import Protocol

from wabot.alert_notices import Notice
from wabot.settings import AlertSettings


class NotDelivered(Exception):
    """A notice did not arrive; the text says why, without addresses that may hold secrets."""


class Channel(Protocol):
    """One way to the owner."""

    name: str

    def send(self, notice: Notice) -> None:
        """Deliver, or raise NotDelivered."""


def channels(settings: AlertSettings) -> list[Channel]:
    """The channels that are configured.

    Each is imported where there is one: both speak through requests' errors, which take 30 ms of a start.
    """
    found: list[Channel] = []
    if settings.webhook_url:
        from wabot.alert_webhook import Webhook

        found.append(Webhook(settings.webhook_url, settings.webhook_secret))
    if settings.smtp_url and settings.to:
        from wabot.alert_mail import Mail

        found.append(Mail(settings.smtp_url, settings.to, settings.sender))
    return found


def own_host() -> str:
    """The name of this machine."""
    return socket.gethostname()
