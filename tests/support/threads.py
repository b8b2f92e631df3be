"""What threads tell each other, written down for tests."""

from __future__ import annotations

import threading

import pytest

from wabot.database.models import Outbound
from wabot.service.health import Health
from wabot.system.threads import Pulse


class Wakes(threading.Event):
    """Counts how often somebody was woken, who must be able to see what for."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def set(self) -> None:
        assert not Outbound._meta.database.in_transaction(), "the sender would see nothing"
        self.count += 1
        super().set()


class Beats(Pulse):
    """What a thread promised, in order: how many seconds it may take; 0 when it turned idle."""

    def __init__(self, usual_seconds: float = 60.0) -> None:
        super().__init__(usual_seconds)
        self._usual = usual_seconds
        self.told: list[float] = []

    def busy(self, seconds: float | None = None) -> None:
        self.told.append(self._usual if seconds is None else seconds)
        super().busy(seconds)

    def idle(self) -> None:
        self.told.append(0)
        super().idle()


def promise(health: Health, name: str, at: float, seconds: float) -> Pulse:
    """Somebody promises something at a time."""
    pulse = health.pulse(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wabot.system.threads.monotonic", lambda: at)
        pulse.busy(seconds)
    return pulse
