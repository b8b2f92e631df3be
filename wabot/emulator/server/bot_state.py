"""What the service knows of the bot."""

from __future__ import annotations

from wabot.emulator.world.service import Service


class BotState:
    """What the service knows of the bot at this moment."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def paired(self) -> bool:
        """Whether a device is linked to the account."""
        return self._service.account.device is not None

    @property
    def connected(self) -> bool:
        """Whether it is logged in and has said that it takes messages."""
        return self._service.active

    @property
    def dials(self) -> int:
        """How many connections were made to the service, also those that led to nothing."""
        return self._service.dials

    @property
    def logins(self) -> int:
        """How often it was logged in and ready to take messages."""
        return self._service.logins

    @property
    def jid(self) -> str:
        """Its address by number, with the device; "" before it is linked."""
        device = self._service.account.device
        return str(device.jid) if device else ""

    @property
    def phone(self) -> str:
        """The digits of the account's number."""
        return self._service.account.phone

    @property
    def lid(self) -> str:
        """The digits of the account's LID."""
        return self._service.account.lid

    @property
    def prekeys(self) -> int:
        """How many of its one-time prekeys the service has left."""
        device = self._service.account.device
        return len(device.prekeys) if device else 0

    @property
    def presence(self) -> str:
        """The presence it sent last: "available", "unavailable" or ""."""
        return self._service.presence

    @property
    def backlog(self) -> int:
        """How many messages to it are not confirmed yet."""
        return len(self.waiting)

    @property
    def waiting(self) -> list[str]:
        """The ids of the messages to it that are not confirmed yet, oldest first."""
        with self._service.lock:
            return [stanza.text("id") for stanza in self._service.mailbox if stanza.tag == "message"]
