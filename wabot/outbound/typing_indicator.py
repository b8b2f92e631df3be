"""Keeps "typing…" on the customer's screen while an answer is being made.

It is told the time, in monotonic seconds.
"""

from __future__ import annotations

import threading

# WhatsApp takes the sign away by itself some 25 s after it was last told.
REFRESH_SECONDS = 10.0
_LONG_AGO = float("-inf")


class TypingIndicator:
    """Says when to show "typing…" in which chat, and when to take it back. Safe to share by threads.

    Chats are named by their JIDs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self._shown_at: dict[str, float] = {}
        self._ended: list[str] = []

    def begin(self, jid: str, until: float) -> None:
        """Somebody is answering: show it, and again every 10 s, at most until then."""
        with self._lock:
            self._until[jid] = until

    def end(self, jid: str) -> None:
        """No answer will come after all: take the sign back if it is shown."""
        with self._lock:
            self._until.pop(jid, None)
            if self._shown_at.pop(jid, None) is not None:
                self._ended.append(jid)

    def message_sent(self, jid: str, now: float) -> None:
        """A message took the sign away; it is shown again where another part follows."""
        with self._lock:
            self._shown_at.pop(jid, None)
            if self._until.get(jid, now) <= now:
                self._until.pop(jid, None)

    def link_lost(self) -> None:
        """Whatever was shown is forgotten by WhatsApp."""
        with self._lock:
            self._shown_at.clear()
            self._ended.clear()

    def due(self, now: float) -> list[tuple[str, bool]]:
        """What to tell WhatsApp now: chats, each with whether somebody types there."""
        with self._lock:
            told = [(jid, False) for jid in self._ended]
            self._ended.clear()
            for jid, until in list(self._until.items()):
                if until <= now:
                    del self._until[jid]
                    self._shown_at.pop(jid, None)
                elif now - self._shown_at.get(jid, _LONG_AGO) >= REFRESH_SECONDS:
                    self._shown_at[jid] = now
                    told.append((jid, True))
            return told

    def next_at(self) -> float | None:
        """When something will be due; None when nobody is answered."""
        with self._lock:
            if self._ended:
                return _LONG_AGO
            return min(
                (
                    self._shown_at[jid] + REFRESH_SECONDS if jid in self._shown_at else _LONG_AGO
                    for jid in self._until
                ),
                default=None,
            )
