"""Knows which chats are receiving several messages at this very moment.

A reply that the client library encrypts while it decrypts a message of the same chat can go out with a key
that was used already, and the customer cannot read it: the two copies of the chat's session overwrite each
other (seen on the wire with neonize 0.5.2).
"""

from __future__ import annotations

from collections import OrderedDict

QUIET_SECONDS = 0.3
"""Silence after which no further message of a burst is expected; also the longest gap within one."""
_KEPT_CHATS = 1000


class Bursts:
    """The last two arrivals of each chat. Told the time; one thread notes, others may ask.

    A single message announces no other, so an answer to it never waits.
    """

    def __init__(self) -> None:
        self._arrivals: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def note(self, chat_id: int, now: float) -> None:
        """A message of this chat came; `now` in monotonic seconds."""
        _, last_at = self._arrivals.pop(chat_id, (0.0, float("-inf")))
        self._arrivals[chat_id] = (last_at, now)
        if len(self._arrivals) > _KEPT_CHATS:
            self._arrivals.popitem(last=False)

    def seconds_left(self, chat_id: int, now: float) -> float:
        """How long to wait before something is sent into this chat; 0 when no burst is under way."""
        before_last_at, last_at = self._arrivals.get(chat_id, (float("-inf"), float("-inf")))
        if last_at - before_last_at > QUIET_SECONDS:
            return 0.0
        return max(0.0, last_at + QUIET_SECONDS - now)
