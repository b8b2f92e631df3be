"""Knows which chats are receiving several messages at this very moment.

A reply that the client library encrypts while it decrypts a message of the same chat can go out with a key
that was used already, and the customer cannot read it: the two copies of the chat's session overwrite each
other (seen on the wire with neonize 0.5.2).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

QUIET_SECONDS = 0.3
"""Silence after which no further message of a burst is expected; also the longest gap within one."""
LONGEST_HOLD_SECONDS = 3.0
"""A burst without end does not hold a reply for ever."""
_KEPT_CHATS = 1000
_NEVER = float("-inf")


@dataclass(slots=True)
class _Chat:
    # One value, so that who asks never sees half of what is noted.
    arrivals: tuple[float, float] = (_NEVER, _NEVER)
    held_since: float | None = None


class Bursts:
    """The last two arrivals of each chat, by its JID. Told the time; one thread notes, another asks.

    A single message announces no other, so an answer to it never waits. Should the next one come at the very
    moment it leaves, the customer's phone asks for it again (`outbound.receipts`).
    """

    def __init__(self) -> None:
        self._chats: OrderedDict[str, _Chat] = OrderedDict()

    def note(self, jid: str, now: float) -> None:
        """Note that a message of this chat came; `now` in monotonic seconds."""
        chat = self._chats.setdefault(jid, _Chat())
        self._chats.move_to_end(jid)
        last_at = chat.arrivals[1]
        if now - last_at > QUIET_SECONDS:
            chat.held_since = None
        chat.arrivals = (last_at, now)
        if len(self._chats) > _KEPT_CHATS:
            self._chats.popitem(last=False)

    def seconds_to_hold(self, jid: str, now: float) -> float:
        """How long to wait before the chat's next reply is sent; 0 when no burst is under way."""
        chat = self._chats.get(jid)
        if chat is None:
            return 0.0
        before_last_at, last_at = chat.arrivals
        if last_at - before_last_at > QUIET_SECONDS or now >= last_at + QUIET_SECONDS:
            return 0.0
        # Read once: `note` may forget it meanwhile.
        held_since = chat.held_since
        if held_since is None:
            chat.held_since = held_since = now
        if now - held_since >= LONGEST_HOLD_SECONDS:
            # The next reply has patience of its own.
            chat.held_since = None
            return 0.0
        return last_at + QUIET_SECONDS - now
