"""Whom the bot may write to without having been asked: one function decides, and in doubt it says no.

It binds what `wabot send` puts into the outbox, and is asked twice: when it is put there, and when it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from peewee import fn

from wabot.config.business_hours import away_since, parse_span
from wabot.config.settings import OutreachSettings
from wabot.conversation.pauses import pause_reason
from wabot.database.models import Chat, Inbound, Outbound, Session
from wabot.database.states import InboundState, OutboundState, PauseReason, Reason

_ANSWERED_WITHIN = timedelta(days=1)
_MOST_SHUT_OUT = 1
_UNSAID = (OutboundState.WITHDRAWN, OutboundState.DEAD)
# Known to come from the chat itself, or to have been made up by nobody.
_NOT_THE_CUSTOMERS = (Reason.OWN_ECHO, Reason.OWNERS_COMMAND, Reason.OWN_NOTES, Reason.NO_CONVERSATION)


class Purpose(StrEnum):
    """What a message is for that answers none, as the source of its row in the outbox.

    REPLY answers by hand what a customer wrote within a day, and is not counted with the others.
    """

    REPLY = "send:reply"
    ORDER = "send:order"
    REMINDER = "send:reminder"


PURPOSES = tuple(Purpose)


class Rule(StrEnum):
    """What forbids a message, by the name that `wabot send` gives it."""

    NO_CHAT = "no-chat"
    GROUP = "group"
    OWN_NUMBER = "own-number"
    OPTED_OUT = "opted-out"
    PAUSED = "paused"
    SHUT_OUT = "shut-out"
    PURPOSE = "purpose"
    WINDOW = "window"
    PER_CHAT_PER_DAY = "per-chat-per-day"
    PER_DAY = "per-day"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class RuleRefusal:
    """Why a message must not leave.

    Attributes:
        rule: which rule forbids it.
        reason: the same in a sentence, for people.
    """

    rule: Rule
    reason: str


@dataclass(frozen=True, slots=True)
class Consent:
    """The rules of one account.

    Attributes:
        user_id: whose.
        outreach: the settings.
        zone: where its days begin; None is the machine's own zone.
    """

    user_id: str
    outreach: OutreachSettings
    zone: ZoneInfo | None = None

    def refusal(
        self, chat: Chat | None, purpose: Purpose, at: datetime, now: datetime, row: int = 0
    ) -> RuleRefusal | None:
        """Why a message must not leave; None: it may.

        Args:
            chat: where to; None: there is no such chat.
            purpose: what it is for.
            at: when it is to leave, naive UTC.
            now: naive UTC.
            row: its own in the outbox, which does not count; 0: it has none yet.
        """
        if chat is None:
            return RuleRefusal(Rule.NO_CHAT, "they never wrote to this number")
        return (
            self._by_chat(chat, now)
            or self._by_what_was_heard(chat, purpose, at)
            or (None if purpose is Purpose.REPLY else self._by_count(chat, at, row))
            or self._by_hours(purpose, at)
        )

    def _by_chat(self, chat: Chat, now: datetime) -> RuleRefusal | None:
        if chat.jid.endswith("@g.us"):
            return RuleRefusal(Rule.GROUP, "it is a group, and only persons are written to")
        own = Session.get_or_none(Session.user_id == self.user_id)
        if own is not None and own.phone and own.phone == chat.phone:
            return RuleRefusal(Rule.OWN_NUMBER, "it is the number of the bot itself")
        if chat.opted_out_at is not None:
            return RuleRefusal(Rule.OPTED_OUT, "they asked not to be written to")
        paused = pause_reason(chat, now)
        if paused == PauseReason.SHUT_OUT:
            return RuleRefusal(Rule.SHUT_OUT, "WhatsApp does not let this number write there (463)")
        if paused:
            return RuleRefusal(Rule.PAUSED, f"the chat is paused: {paused}")
        if self._count_of_shut_out(now) > _MOST_SHUT_OUT:
            return RuleRefusal(
                Rule.SHUT_OUT,
                "WhatsApp refuses several chats (463): until these are resumed nobody is written to",
            )
        return None

    def _count_of_shut_out(self, now: datetime) -> int:
        lasting = Chat.paused_until.is_null() | (Chat.paused_until > now)
        count: int = (
            Chat.select()
            .where(Chat.user_id == self.user_id, Chat.pause_reason == PauseReason.SHUT_OUT, lasting)
            .count()
        )
        return count

    def _by_what_was_heard(self, chat: Chat, purpose: Purpose, at: datetime) -> RuleRefusal | None:
        if purpose is Purpose.REMINDER:
            return RuleRefusal(Rule.PURPOSE, "they never agreed to be reminded")
        heard_at = _heard_at(chat)
        if heard_at is None:
            return RuleRefusal(Rule.WINDOW, "they never wrote to this number")
        window = (
            _ANSWERED_WITHIN if purpose is Purpose.REPLY else timedelta(seconds=self.outreach.window_seconds)
        )
        if heard_at < at - window:
            days = window / timedelta(days=1)
            return RuleRefusal(Rule.WINDOW, f"they did not write within {days:g} day(s) before that time")
        return None

    def _by_count(self, chat: Chat, at: datetime, row: int) -> RuleRefusal | None:
        begins, ends = self._day_of(at)
        counted = Outbound.select(fn.COUNT(Outbound.id)).where(
            Outbound.user_id == self.user_id,
            Outbound.source.in_([each for each in PURPOSES if each is not Purpose.REPLY]),
            Outbound.state.not_in(_UNSAID),
            Outbound.id != row,
            Outbound.not_before >= begins,
            Outbound.not_before < ends,
        )
        if counted.where(Outbound.chat == chat.id).scalar() >= self.outreach.per_chat_per_day:
            most = self.outreach.per_chat_per_day
            return RuleRefusal(Rule.PER_CHAT_PER_DAY, f"{most} message(s) a day to one chat are the most")
        if counted.scalar() >= self.outreach.per_day:
            return RuleRefusal(Rule.PER_DAY, f"{self.outreach.per_day} message(s) a day are the most")
        return None

    def _by_hours(self, purpose: Purpose, at: datetime) -> RuleRefusal | None:
        spans = [parse_span(span) for span in self.outreach.hours]
        if purpose is Purpose.REPLY or away_since(spans, self.zone, at) is None:
            return None
        return RuleRefusal(Rule.HOURS, f"that is outside {', '.join(self.outreach.hours)}")

    def _day_of(self, at: datetime) -> tuple[datetime, datetime]:
        """When the business's day of a moment begins, and the next; naive UTC."""
        day = at.replace(tzinfo=UTC).astimezone(self.zone).date()

        def begins(date: Any) -> datetime:
            midnight = datetime.combine(date, time.min)
            local = midnight.replace(tzinfo=self.zone) if self.zone else midnight.astimezone()
            return local.astimezone(UTC).replace(tzinfo=None)

        return begins(day), begins(day + timedelta(days=1))


def _heard_at(chat: Chat) -> datetime | None:
    """When the customer last wrote, naive UTC; None: never."""
    at: datetime | None = (
        Inbound.select(fn.MAX(Inbound.sent_at))
        .where(
            Inbound.chat == chat.id,
            Inbound.state != InboundState.OWNER,
            Inbound.reason.not_in(_NOT_THE_CUSTOMERS),
        )
        .scalar()
    )
    return at
