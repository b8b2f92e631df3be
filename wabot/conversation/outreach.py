"""What is sent without being asked for: it waits here for its time, and for a moment without replies."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import IntegrityError, fn

from wabot.config.settings import Settings
from wabot.conversation.chats import masked
from wabot.conversation.consent import Consent, Purpose, Rule, RuleRefusal
from wabot.conversation.outbox import new_secret
from wabot.database.models import Chat, Outbound
from wabot.database.states import OutboundState
from wabot.database.transactions import transaction

log = logging.getLogger(__name__)

LONGEST_KEY_CHARACTERS = 200
_LOOK_AGAIN = timedelta(minutes=5)
_NEWS_SECONDS = 60.0
_LOOKED_AT_ONCE = 20
_WORTH_SENDING = timedelta(days=1)
_PASSING = frozenset({Rule.HOURS, Rule.PAUSED, Rule.SHUT_OUT, Rule.PER_CHAT_PER_DAY, Rule.PER_DAY})
"""Rules that forbid it now, and may not in some hours."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants sent.

    Attributes:
        text: what it says.
        purpose: what it is for.
        at: when it may leave, naive UTC.
        key: the same twice is one message; "": each is one of its own.
        content: further columns of its row, as of a file.
    """

    text: str
    purpose: Purpose
    at: datetime
    key: str = ""
    content: Mapping[str, Any] | None = None


class Outreach:
    """The messages of one account that answer none.

    Args:
        user_id: whose account.
        consent: the rules.
    """

    def __init__(self, user_id: str, consent: Consent) -> None:
        self._user_id = user_id
        self._consent = consent
        self._looked_at = float("-inf")
        self._next_at: datetime | None = None

    def schedule(self, chat: Chat | None, order: Order, now: datetime) -> Outbound | RuleRefusal:
        """Keep a message until it may leave.

        Args:
            chat: where to; None: there is no such chat.
            order: what.
            now: naive UTC.

        Returns:
            Its row, or that of the first with its key; or why it must not be sent.
        """
        if order.key and (first := self.with_key(order.key)):
            return first
        try:
            with transaction():
                at = max(order.at, now)
                refusal = self._consent.refusal(chat, order.purpose, at, now)
                if refusal is not None or chat is None:
                    return refusal or RuleRefusal(Rule.NO_CHAT, "there is no such chat")
                row: Outbound = Outbound.create(
                    user_id=self._user_id,
                    chat=chat,
                    text=order.text,
                    source=order.purpose,
                    key=order.key or None,
                    state=OutboundState.SCHEDULED,
                    secret=new_secret(),
                    # As if it were composed when it is to leave: what is older than a day is not sent.
                    created_at=at,
                    not_before=at,
                    **(order.content or {}),
                )
                return row
        except IntegrityError:
            # Somebody else had the same key sent at this very moment.
            first = self.with_key(order.key) if order.key else None
            if first is None:
                raise
            return first

    def with_key(self, key: str) -> Outbound | None:
        """The message that was sent with this key."""
        row: Outbound | None = Outbound.get_or_none(Outbound.user_id == self._user_id, Outbound.key == key)
        return row

    def look_again(self) -> None:
        """Have the next look go to the database: another process has put something there."""
        self._looked_at = float("-inf")

    def next_at(self) -> datetime | None:
        """When the next one may leave, naive UTC; None where none waits.

        As of the last minute: each look of the sender would otherwise cost a query.
        """
        if time.monotonic() - self._looked_at > _NEWS_SECONDS:
            self._looked_at = time.monotonic()
            self._next_at = Outbound.select(fn.MIN(Outbound.not_before)).where(*self._waiting).scalar()
        return self._next_at

    def release(self, now: datetime) -> bool:
        """Let the next one leave that may, through the queue of replies; whether there was one.

        What the rules forbid for good by now is withdrawn; what they may allow in hours waits, for a day.
        """
        next_at = self.next_at()
        if next_at is None or next_at > now:
            return False
        self.look_again()
        due = (
            Outbound.select(Outbound, Chat)
            .join(Chat)
            .where(*self._waiting, Outbound.not_before <= now)
            .order_by(Outbound.not_before, Outbound.id)
            .limit(_LOOKED_AT_ONCE)
        )
        return any(self._let_go(row, now) for row in due)

    def _let_go(self, row: Outbound, now: datetime) -> bool:
        refusal = self._consent.refusal(row.chat, Purpose(row.source), now, now, row.id)
        if refusal is None:
            # It is as old as a reply that was composed now.
            return self._change(row, state=OutboundState.PENDING, created_at=now)
        if refusal.rule in _PASSING and now - row.created_at < _WORTH_SENDING:
            self._change(row, not_before=now + _LOOK_AGAIN)
        elif self._change(row, state=OutboundState.WITHDRAWN, error=f"{refusal.rule}: {refusal.reason}"):
            log.warning("message %d to %s is not sent: %s", row.id, masked(row.chat), refusal.reason)
        return False

    @property
    def _waiting(self) -> tuple[Any, ...]:
        return Outbound.user_id == self._user_id, Outbound.state == OutboundState.SCHEDULED

    def _change(self, row: Outbound, **changes: Any) -> bool:
        changed: int = (
            Outbound.update(**changes)
            .where(Outbound.id == row.id, Outbound.state == OutboundState.SCHEDULED)
            .execute()
        )
        return bool(changed)


def outreach_of(settings: Settings) -> Outreach:
    """The messages of the account of a configuration that answer none."""
    account = settings.account
    return Outreach(account.user_id, Consent(account.user_id, settings.outreach, account.zone))
