"""The gate's rules about a chat that is to be answered; `gate.py` has their order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from wabot.config.business_hours import away_since, parse_span
from wabot.config.phrases import has_phrase
from wabot.config.settings import Settings
from wabot.config.triggers import is_triggered
from wabot.conversation.decisions import Action, Decision, ignore

NOT_BEGUN = "nothing began the chat"
"""Why a message is not answered that does not begin a chat as it has to be."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What the gate looks at before a chat is answered.

    Attributes:
        texts: of the messages to answer, oldest first.
        opted_out: the customer asked not to be written to.
        pause: why the chat is paused now, or "".
        last_answer_at: naive UTC, or None when there is none the gate could need.
        answers: how many the chat got within the last hour, as far as the gate could need them.
        repetitions: how many of these were to the very text that is to be answered now.
        calls: of models that were made for it within the last hour.
        away_at: when the customer was last told that nobody is there.
    """

    texts: tuple[str, ...] = field(repr=False)
    opted_out: bool = False
    pause: str = ""
    last_answer_at: datetime | None = None
    answers: int = 0
    repetitions: int = 0
    calls: int = 0
    away_at: datetime | None = None


def opted_out(burst: Burst, settings: Settings, now: datetime) -> Decision | None:
    """Who has opted out is not written to."""
    return ignore("opted out") if burst.opted_out else None


def paused(burst: Burst, settings: Settings, now: datetime) -> Decision | None:
    """A paused chat is left to the owner."""
    return ignore(f"paused: {burst.pause}") if burst.pause else None


def not_begun(burst: Burst, settings: Settings, now: datetime) -> Decision | None:
    """A chat has to be begun as `trigger_type` says, and goes on until it rested for `expire`."""
    chats = settings.chats
    if burst.last_answer_at and (now - burst.last_answer_at).total_seconds() < chats.expire:
        return None
    for text in burst.texts:
        if is_triggered(text, chats.trigger_type, chats.trigger_operator, chats.trigger_values):
            return None
    return ignore(NOT_BEGUN)


def escalation(burst: Burst, settings: Settings, now: datetime) -> Decision | None:
    """A message with one of `escalation_words` is left to a person: the customer is told, the chat paused."""
    if any(has_phrase(text, settings.chats.escalation_words) for text in burst.texts):
        return Decision(Action.ESCALATE, "asked for a person")
    return None


def ceiling(burst: Burst, settings: Settings, now: datetime) -> Decision | None:
    """Who got `loop_ceiling` answers within an hour is taken for another bot; the chat rests for an hour."""
    ceiling = settings.chats.loop_ceiling
    if ceiling and burst.answers >= ceiling:
        return Decision(Action.REST, f"{ceiling} answers within an hour")
    return None


def repetition(burst: Burst, settings: Settings, now: datetime) -> Decision | None:
    """So is who sends again what has got `loop_repetitions` answers in a row within an hour."""
    most = settings.chats.loop_repetitions if settings.chats.loop_ceiling else 0
    if most and burst.repetitions >= most:
        return Decision(Action.REST, f"the same message {most + 1} times within an hour")
    return None


def calls(burst: Burst, settings: Settings, now: datetime) -> Decision | None:
    """So is who made models be asked `ai.calls_per_chat_per_hour` times within an hour, answered or not."""
    most = settings.ai.calls_per_chat_per_hour
    if most and burst.calls >= most:
        return Decision(Action.REST, f"{most} calls of models within an hour")
    return None


def closed(burst: Burst, settings: Settings, now: datetime) -> Decision | None:
    """Outside `business_hours` a customer is told once that nobody is there, and not answered."""
    spans = [parse_span(text) for text in settings.chats.business_hours]
    since = away_since(spans, settings.account.zone, now)
    if since is None:
        return None
    told = burst.away_at is not None and since <= burst.away_at <= now
    return ignore("closed") if told else Decision(Action.SAY_AWAY, "closed")
