"""A link without a network, to which signals happen at given seconds."""

from __future__ import annotations

from collections.abc import Iterable

from wabot.link.connection import Command, Connection, Limits
from wabot.link.states import State
from wabot.whatsapp.signals import Signal

S, E = State, Signal
START = 1_000.0
LIMITS = Limits()

# How a link gets into each state.
WAYS: dict[State, tuple[Signal, ...]] = {
    S.STARTING: (),
    S.CONNECTING: (E.STARTED,),
    S.PAIRING: (E.STARTED, E.QR_SHOWN),
    S.CONNECTED: (E.STARTED, E.CONNECTED),
    S.RECONNECTING: (E.STARTED, E.CONNECTED, E.DISCONNECTED),
    S.BACKOFF: (E.STARTED, E.DIAL_FAILED),
    S.BANNED: (E.STARTED, E.TEMPORARY_BAN),
    S.COOLDOWN: (E.STARTED, E.CONNECTED, E.TOO_UNSTABLE),
    S.NO_ROOM: (E.STARTED, E.CONNECTED, E.DISK_FULL),
    S.STOPPING: (E.STARTED, E.STOP_REQUESTED),
    S.REPLACED: (E.STARTED, E.REPLACED),
    S.LOGGED_OUT: (E.STARTED, E.LOGGED_OUT),
    S.OUTDATED: (E.STARTED, E.CLIENT_OUTDATED),
    S.PAIRING_EXPIRED: (E.STARTED, E.PAIRING_FAILED),
    S.FAILED: (E.STARTED, E.STORE_FAILED),
}


def no_jitter() -> float:
    return 0.0


def a_link(*signals: Signal, limits: Limits = LIMITS) -> Connection:
    """A link to which all of this happened at the start."""
    connection = Connection(limits, START, no_jitter)
    for signal in signals:
        connection.apply(signal, START, f"on {signal}", wait_seconds=600)
    return connection


def ticks(connection: Connection, seconds: Iterable[int]) -> list[tuple[int, Command]]:
    """What the link wants done, looking once a second as the main loop does, and when."""
    commands = [(second, connection.tick(START + second)) for second in seconds]
    return [(second, command) for second, command in commands if command is not None]
