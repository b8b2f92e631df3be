"""How many replies may leave in a minute, and to one chat in an hour. Pure: it is told the time."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
_MANY_CHATS = 10_000


class Rates:
    """Counts what left; replies beyond a rate wait for their turn, none is dropped.

    Args:
        per_minute: replies to everybody in any minute; 0 = no limit.
        per_chat_per_hour: replies to one chat in any hour; 0 = no limit.
    """

    def __init__(self, per_minute: int, per_chat_per_hour: int) -> None:
        self._per_minute = per_minute
        self._per_chat_per_hour = per_chat_per_hour
        self._all: deque[datetime] = deque(maxlen=per_minute)
        self._by_chat: dict[int, deque[datetime]] = {}

    def count(self, chat_id: int, at: datetime) -> None:
        """A reply left."""
        self._all.append(at)
        if not self._per_chat_per_hour:
            return
        if len(self._by_chat) >= _MANY_CHATS:
            self._by_chat = {chat: sent for chat, sent in self._by_chat.items() if at - sent[-1] < HOUR}
        self._by_chat.setdefault(chat_id, deque(maxlen=self._per_chat_per_hour)).append(at)

    def opens_at(self) -> datetime | None:
        """When the next reply may leave at all; None = at any time."""
        return self._all[0] + MINUTE if self._per_minute and len(self._all) == self._per_minute else None

    def chat_opens_at(self, chat_id: int) -> datetime | None:
        """When the next reply to this chat may leave; None = at any time."""
        sent = self._by_chat.get(chat_id)
        return sent[0] + HOUR if sent is not None and len(sent) == self._per_chat_per_hour else None
