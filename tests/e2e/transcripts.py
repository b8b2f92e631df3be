"""What the emulator's transcript tells of a bot."""

from __future__ import annotations

from wabot.emulator.server.emulator import Emulator


def count_logins(emulator: Emulator) -> int:
    """How many the service has taken, also those whose questions it has not answered."""
    return sum(event.kind == "login" for event in emulator.transcript)


def retries(emulator: Emulator, message_id: str) -> int:
    """How often the bot has asked for a message again."""
    return sum(event.kind == "retry" and event.detail == message_id for event in emulator.transcript)
