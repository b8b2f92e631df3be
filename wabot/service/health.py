"""Decides whether the watchdog may be fed: pure, told the time with every call, open to every thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the process does its work; `reason` names everything that does not, or is empty."""

    healthy: bool
    reason: str


class _Beat(NamedTuple):
    at: float
    deadline_seconds: float


class Health:
    """What was promised, and by when.

    Whoever begins something that can hang beats with the longest time it may take, and beats again or turns
    idle when it is done. The link is judged by what the state machine says of it: live, or a declared wait.

    Args:
        link_slack_seconds: how far a declared wait may be overdue; the state machine acts on it first.
    """

    def __init__(self, link_slack_seconds: float = 10) -> None:
        self._link_slack_seconds = link_slack_seconds
        self._link_deadline: float | None = None
        self._link_text = ""
        self._beats: dict[str, _Beat] = {}
        self._lock = threading.Lock()

    def beat(self, name: str, now: float, deadline_seconds: float) -> None:
        """`name` is alive, and will be heard of again within `deadline_seconds`."""
        with self._lock:
            self._beats[name] = _Beat(now, deadline_seconds)

    def idle(self, name: str) -> None:
        """`name` has nothing to do, for as long as it likes."""
        with self._lock:
            self._beats.pop(name, None)

    def link_is_live(self) -> None:
        """The link is up, or not this process's business: it cannot make the process unhealthy."""
        with self._lock:
            self._link_deadline = None

    def link_waits(self, deadline: float, text: str) -> None:
        """The link is down, and something else will have been tried at `deadline`.

        Args:
            deadline: on the clock of `now`.
            text: what is being waited for, for people.
        """
        with self._lock:
            self._link_deadline = deadline
            self._link_text = text

    def overdue_seconds(self, name: str, now: float) -> float:
        """How far `name` is past its own deadline; 0 when it is not, or is idle."""
        with self._lock:
            beat = self._beats.get(name)
        return _overdue_seconds(beat, now) if beat else 0.0

    def verdict(self, now: float) -> Verdict:
        """Judge everything that was promised."""
        with self._lock:
            beats = sorted(self._beats.items())
            link_deadline, link_text = self._link_deadline, self._link_text
        reasons = [
            f"{name} silent for {now - beat.at:.0f} s, allowed are {beat.deadline_seconds:.0f} s"
            for name, beat in beats
            if _overdue_seconds(beat, now) > 0
        ]
        if link_deadline is not None and now > link_deadline + self._link_slack_seconds:
            reasons.append(f"link {link_text}, {now - link_deadline:.0f} s past its deadline")
        return Verdict(not reasons, "; ".join(reasons))


def _overdue_seconds(beat: _Beat, now: float) -> float:
    return max(0.0, now - beat.at - beat.deadline_seconds)
