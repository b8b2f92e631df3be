"""When replies may leave: how many in a minute, to one chat in an hour, and never into a burst.

Told monotonic seconds with every call.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from wabot.clock import HOUR
from wabot.config.settings import ReplySettings
from wabot.conversation.bursts import Bursts
from wabot.conversation.chats import named
from wabot.database.models import Outbound

log = logging.getLogger(__name__)

_MINUTE_SECONDS, _HOUR_SECONDS = 60.0, 3600.0
_MANY_CHATS = 10_000
_NEVER = float("-inf")


class Rates:
    """Counts what left; replies beyond a rate wait for their turn, none is dropped.

    A quarter of a minute's replies is kept for chats that were answered before: many strangers at once would
    otherwise make them wait.

    Args:
        per_minute: replies to everybody in any minute; 0 = no limit.
        per_chat_per_hour: replies to one chat in any hour; 0 = no limit.
    """

    def __init__(self, per_minute: int, per_chat_per_hour: int) -> None:
        self._per_minute = per_minute
        self._per_chat_per_hour = per_chat_per_hour
        self._all: deque[float] = deque(maxlen=per_minute)
        self._firsts: deque[float] = deque(maxlen=max(per_minute - per_minute // 4, 0))
        self._by_chat: dict[int, deque[float]] = {}

    @property
    def distinguishes(self) -> bool:
        """Whether it matters who was answered before."""
        return self._per_minute > 0

    def count(self, chat_id: int, at: float, is_first: bool = False) -> None:
        """Count a reply that left; `is_first` tells that its chat was never answered before."""
        self._all.append(at)
        if is_first:
            self._firsts.append(at)
        if not self._per_chat_per_hour:
            return
        if len(self._by_chat) >= _MANY_CHATS:
            self._by_chat = {
                chat: sent for chat, sent in self._by_chat.items() if at - sent[-1] < _HOUR_SECONDS
            }
        self._by_chat.setdefault(chat_id, deque(maxlen=self._per_chat_per_hour)).append(at)

    def opens_at(self) -> float | None:
        """When the next reply may leave at all; None = at any time."""
        is_full = bool(self._per_minute) and len(self._all) == self._per_minute
        return self._all[0] + _MINUTE_SECONDS if is_full else None

    def firsts_open_at(self) -> float | None:
        """When the next reply to a chat that was never answered may leave; None = at any time."""
        is_full = bool(self._per_minute) and len(self._firsts) == self._firsts.maxlen
        return self._firsts[0] + _MINUTE_SECONDS if is_full else None

    def unasked_open_at(self) -> float | None:
        """When the next message may leave that answers none; None = at any time.

        Half of a minute's messages is kept for replies.
        """
        half = (self._per_minute + 1) // 2
        is_full = bool(half) and len(self._all) >= half
        return self._all[-half] + _MINUTE_SECONDS if is_full else None

    def chat_opens_at(self, chat_id: int) -> float | None:
        """When the next reply to this chat may leave; None = at any time."""
        sent = self._by_chat.get(chat_id)
        is_full = sent is not None and len(sent) == self._per_chat_per_hour
        return sent[0] + _HOUR_SECONDS if sent and is_full else None


def rates_so_far(user_id: str, replies: ReplySettings, now: datetime) -> Rates:
    """The rates of an account, in monotonic seconds, with what has left already counted in.

    Where the newest lies ahead the clock was set back meanwhile: it left just now at the latest, and the
    others as long before it as they say.
    """
    rates = Rates(replies.per_minute, replies.per_chat_per_hour)
    left: Any = (
        Outbound.select(Outbound.chat, Outbound.sending_at)
        .where(Outbound.user_id == user_id, Outbound.sending_at >= now - HOUR)
        .order_by(Outbound.sending_at)
        .tuples()
    )
    left = list(left)
    latest = max(now, left[-1][1]) if left else now
    moment = time.monotonic()
    for chat_id, at in left:
        rates.count(chat_id, moment - (latest - at).total_seconds())
    return rates


class Incoming(Protocol):
    """What brings messages into the database that it did not take when they came."""

    @property
    def is_behind(self) -> bool:
        """Whether there are messages that the database does not have."""


# A refusal that passes: the pauses double.
_BUSY_SECONDS, _LONGEST_BUSY_SECONDS = 5.0, 600.0


def growing_pause(refusals: int) -> float:
    """For how many seconds to try nothing after one more refusal that passes."""
    return min(_BUSY_SECONDS * 2.0 ** min(refusals, 30), _LONGEST_BUSY_SECONDS)


class Pacing:
    """Says when a reply may leave; for the sender alone.

    Args:
        rates: how many in what time.
        bursts: which chats must not be written to at this very moment.
        incoming: brings messages of which one may take a reply back, so nothing is sent until they are there;
            it wakes the sender then.
    """

    def __init__(self, rates: Rates, bursts: Bursts, incoming: Incoming) -> None:
        self._rates = rates
        self._bursts = bursts
        self._incoming = incoming
        self._throttles = 0
        self._throttled_until = _NEVER

    @property
    def is_shut(self) -> bool:
        """Whether nothing may leave before somebody wakes the sender."""
        return self._incoming.is_behind

    @property
    def distinguishes(self) -> bool:
        """Whether it matters who was answered before."""
        return self._rates.distinguishes

    def all_held_until(self, now: float) -> float | None:
        """Until when nothing may leave at all; None: it may now."""
        opens_at = max(self._rates.opens_at() or _NEVER, self._throttled_until)
        return opens_at if opens_at > now else None

    def firsts_held_until(self, now: float) -> float | None:
        """Until when nothing may leave for chats that were never answered; None: it may now."""
        opens_at = self._rates.firsts_open_at()
        return opens_at if opens_at is not None and opens_at > now else None

    def unasked_held_until(self, now: float) -> float | None:
        """Until when nothing may leave that answers no message; None: it may now."""
        opens_at = self._rates.unasked_open_at()
        return opens_at if opens_at is not None and opens_at > now else None

    def held_until(self, row: Outbound, now: float) -> float | None:
        """Until when this reply has to wait, which all others need not; None: it may leave now."""
        opens_at = self._rates.chat_opens_at(row.chat_id)
        if opens_at is not None and opens_at > now:
            log.info("%s has had its messages of this hour; reply %d waits", named(row.chat), row.id)
            return opens_at
        addresses = {row.chat.jid, row.chat.contact}
        hold_seconds = max(self._bursts.seconds_to_hold(jid, now) for jid in addresses)
        return now + hold_seconds if hold_seconds else None

    def sent(self, chat_id: int, at: float, is_first: bool) -> None:
        """Count a reply that left."""
        self._rates.count(chat_id, at, is_first)
        self._throttles = 0

    def doubtful(self, chat_id: int, at: float, is_first: bool) -> None:
        """Count a reply that may have left."""
        self._rates.count(chat_id, at, is_first)

    def throttled(self, now: float) -> float:
        """Hold everything, longer each time, because WhatsApp wants nothing now; for how many seconds."""
        wait_seconds = growing_pause(self._throttles)
        self._throttles += 1
        self._throttled_until = now + wait_seconds
        return wait_seconds


LONGEST_TYPING_SECONDS = 20.0


def paced(
    parts: Sequence[str], arrived_at: datetime, now: datetime, settings: ReplySettings
) -> list[datetime]:
    """The earliest time for each part to leave.

    The pace counts from the customer's message, so that the time a model takes is not added to it.

    Args:
        parts: the messages, in order.
        arrived_at: when the last message they answer came, naive UTC.
        now: naive UTC.
        settings: `delay_message` and `time_per_char`; without `typing` everything leaves at once.
    """
    if not settings.typing:
        return [now for _ in parts]
    times = []
    # A message that came later than now came before the clock was set back.
    at = min(arrived_at, now)
    for part in parts:
        typing_seconds = min(len(part) * settings.time_per_char_seconds, LONGEST_TYPING_SECONDS)
        at = max(at + timedelta(seconds=settings.delay_message_seconds + typing_seconds), now)
        times.append(at)
    return times
