"""Every deadline of the link, in one place, as the configuration wants it."""

from __future__ import annotations

from dataclasses import dataclass

from wabot.config.settings import ConnectionSettings

# whatsmeow asks two questions after a login, of up to 75 s each, before it says that it is connected.
_QUERIES_PER_CONNECT = 3
# How much longer each further pause after a refused login is than the first: 5, 15 and 60 minutes.
_REFUSAL_STEPS = (1, 3, 12)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, and how long they are waited for, in seconds."""

    connect_seconds: float = 60
    queries_seconds: float = 180
    pairing_seconds: float = 160
    reconnect_seconds: float = 360  # twice the 3 minutes after which whatsmeow itself forces a redial
    stable_seconds: float = 60
    cut_seconds: float = 5
    max_unstable_cycles: int = 3
    stop_when_unstable: bool = False
    cooldown_seconds: float = 900
    cooldown_max_seconds: float = 7200
    backoff_seconds: float = 2
    backoff_max_seconds: float = 300
    refused_seconds: tuple[float, ...] = (300, 900, 3600)
    repeated_ban_seconds: float = 60
    repeated_ban_max_seconds: float = 7200
    kick_memory_seconds: float = 3600
    # neonize 0.5.2 never closes the store of a dial that ended: each leaves a descriptor and 0.2 MB (measured
    # over 400), and without a network there are some 400 a day.
    dials_of_one_process: int = 500
    # A kick leaves more, 3.2 descriptors and 0.5 MB: the store, its journal, its index (measured over 10).
    kicks_of_one_process: int = 10


def limits_from(settings: ConnectionSettings) -> Limits:
    """The deadlines that these settings ask for."""
    return Limits(
        connect_seconds=settings.connect_timeout,
        queries_seconds=_QUERIES_PER_CONNECT * settings.connect_timeout,
        pairing_seconds=settings.pairing_timeout,
        reconnect_seconds=settings.reconnect_timeout,
        max_unstable_cycles=settings.max_unstable_cycles,
        stop_when_unstable=settings.on_unstable == "stop",
        cooldown_seconds=settings.cooldown,
        refused_seconds=tuple(step * settings.refusal_pause for step in _REFUSAL_STEPS),
    )
