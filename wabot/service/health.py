"""Decides whether the watchdog may be fed: pure, told the time with every call; called by main only."""

from __future__ import annotations

from dataclasses import dataclass

from wabot.system.threads import Pulse


@dataclass(frozen=True, slots=True)
class HealthVerdict:
    """Whether the process does its work; `reason` names everything that does not, or is empty."""

    healthy: bool
    reason: str


class Health:
    """What was promised, and by when.

    Whoever begins something that can hang says in its pulse how long it may take, and turns idle when it is
    done. The link is judged by what the state machine says of it: live, or a declared wait.

    Args:
        link_slack_seconds: how far a declared wait may be overdue; the state machine acts on it first.
    """

    def __init__(self, link_slack_seconds: float = 10) -> None:
        self._link_slack_seconds = link_slack_seconds
        self._link_deadline: float | None = None
        self._link_text = ""
        self._pulses: dict[str, Pulse] = {}

    def pulse(self, name: str, usual_seconds: float = 60.0) -> Pulse:
        """Make a pulse, and watch it from now on.

        Args:
            name: whose, for people.
            usual_seconds: how long what it does may take, where it does not say so.
        """
        pulse = self._pulses[name] = Pulse(usual_seconds)
        return pulse

    def link_is_live(self) -> None:
        """Expect nothing of the link: it is up, or not this process's business."""
        self._link_deadline = None

    def link_waits(self, deadline: float, text: str) -> None:
        """Expect of a link that is down that something else will have been tried at `deadline`.

        Args:
            deadline: on the clock of `now`.
            text: what is being waited for, for people.
        """
        self._link_deadline = deadline
        self._link_text = text

    def overdue_seconds(self, name: str, now: float) -> float:
        """How far `name` is past its own deadline; 0 when it is not, or is idle."""
        pulse = self._pulses.get(name)
        silent_seconds, allowed_seconds = pulse.silence(now) if pulse else (0.0, 0.0)
        return max(0.0, silent_seconds - allowed_seconds)

    def verdict(self, now: float) -> HealthVerdict:
        """Judge everything that was promised."""
        reasons = []
        for name, pulse in sorted(self._pulses.items()):
            silent_seconds, allowed_seconds = pulse.silence(now)
            if silent_seconds > allowed_seconds:
                reasons.append(
                    f"{name} silent for {silent_seconds:.0f} s, allowed are {allowed_seconds:.0f} s"
                )
        deadline = self._link_deadline
        if deadline is not None and now > deadline + self._link_slack_seconds:
            reasons.append(f"link {self._link_text}, {now - deadline:.0f} s past its deadline")
        return HealthVerdict(not reasons, "; ".join(reasons))
