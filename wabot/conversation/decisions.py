"""What the gate can decide."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What is to be done about a message, or about a chat."""

    ANSWER = "answer"
    IGNORE = "ignore"
    MISSED = "missed"
    HAND_OVER = "hand over"
    PAUSE = "pause"
    RESUME = "resume"
    TELL_STATUS = "tell status"
    OPT_OUT = "opt out"
    OPT_IN = "opt in"
    ESCALATE = "escalate"
    REST = "rest"
    SAY_AWAY = "say away"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, and why in a few words; whether the text is any business of wabot's."""

    action: Action
    reason: str = ""
    keeps_text: bool = True


ANSWER = Decision(Action.ANSWER)


def ignore(reason: str, *, keeps_text: bool = True) -> Decision:
    """Not to be answered; of what will never be answered, the text is not even kept."""
    return Decision(Action.IGNORE, reason, keeps_text)
