"""What a customer sees before the answer comes: blue ticks, and "typing…"."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import Protocol

from wabot.system.threads import Pulse

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
        """Show that somebody is answering, and again every 10 s, at most until then."""
        with self._lock:
            self._until[jid] = until

    def end(self, jid: str) -> None:
        """Take the sign back if it is shown: no answer will come after all."""
        with self._lock:
            self._until.pop(jid, None)
            if self._shown_at.pop(jid, None) is not None:
                self._ended.append(jid)

    def message_sent(self, jid: str, now: float) -> None:
        """Take note that a message took the sign away; it is shown again where another part follows."""
        with self._lock:
            self._shown_at.pop(jid, None)
            if self._until.get(jid, now) <= now:
                self._until.pop(jid, None)

    def link_lost(self) -> None:
        """Forget what was shown, as WhatsApp does."""
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


_MOST_WAITING = 1000


class PresenceMessenger(Protocol):
    """What showing needs of the WhatsApp client."""

    def announce(self, available: bool) -> bool:
        """Tell the account's presence; False when the library cannot do it yet."""

    def show_typing(self, jid: str, typing: bool) -> None:
        """Show or end "typing…"."""

    def mark_read(self, jid: str, sender: str, message_ids: list[str]) -> None:
        """Give messages their blue ticks."""


_ANNOUNCE_AGAIN_SECONDS = 60.0


class ChatPresence:
    """Takes wishes from any thread; only the sender's carries them out.

    Args:
        wakeup: set when there is something to show.
        available: the account's own presence, announced whenever the link came up.
    """

    def __init__(self, wakeup: threading.Event, available: bool = False) -> None:
        self._wakeup = wakeup
        self._available = available
        self._announce_at: float | None = None
        self._lock = threading.Lock()
        self._reads: deque[tuple[str, str, list[str]]] = deque(maxlen=_MOST_WAITING)
        self._answered: OrderedDict[str, list[tuple[str, list[str]]]] = OrderedDict()
        self._typing = TypingIndicator()
        self._link_is_up = False

    def mark_read_when_answered(self, jid: str, sender: str, message_ids: list[str]) -> None:
        """Give messages of one sender their blue ticks as soon as something has left for their chat.

        Before that it may still be withdrawn, or refused: ticks without an answer say that nobody cares.
        """
        with self._lock:
            if len(self._answered) >= _MOST_WAITING:
                self._answered.popitem(last=False)
            self._answered.setdefault(jid, []).append((sender, message_ids))

    def begin_typing(self, jid: str, until: float) -> None:
        """Show "typing…" in a chat while its answer is made, at most until then (monotonic seconds)."""
        self._typing.begin(jid, until)
        self._wakeup.set()

    def end_typing(self, jid: str) -> None:
        """Take "typing…" back: no answer will come."""
        self._typing.end(jid)
        self._wakeup.set()

    def answer_withdrawn(self, jid: str) -> None:
        """Give no blue ticks, and show that nobody is writing: what was to be said in a chat is not said."""
        with self._lock:
            self._answered.pop(jid, None)
        self.end_typing(jid)

    def link_up(self) -> None:
        """Show from now on what there is to show, and announce the account's presence first."""
        with self._lock:
            self._link_is_up = True
        self._announce_at = _LONG_AGO

    def link_down(self) -> None:
        """Forget what was shown, and what could not be: WhatsApp has forgotten it as well."""
        with self._lock:
            self._link_is_up = False
            self._reads.clear()
        self._typing.link_lost()

    def message_sent(self, jid: str, now: float) -> None:
        """Give what waits for its ticks those: a message has left, which also took "typing…" away."""
        self._typing.message_sent(jid, now)
        with self._lock:
            answered = self._answered.pop(jid, [])
            if self._link_is_up:
                self._reads.extend((jid, *read) for read in answered)

    def show(self, messenger: PresenceMessenger, now: float, pulse: Pulse) -> None:
        """Carry out what waits.

        Args:
            messenger: the WhatsApp client.
            now: monotonic seconds.
            pulse: of this thread; each call may hang.
        """
        if self._announce_at is not None and now >= self._announce_at:
            self._announce_at = now + _ANNOUNCE_AGAIN_SECONDS
            pulse.busy()
            # Right after pairing the library has no name to announce yet.
            if messenger.announce(self._available):
                self._announce_at = None
        while self._reads:
            read = self._reads.popleft()
            pulse.busy()
            messenger.mark_read(*read)
        for jid, typing in self._typing.due(now):
            pulse.busy()
            messenger.show_typing(jid, typing)

    def next_at(self) -> float | None:
        """When there will be something to show, without anybody asking; None = never."""
        times = (self._announce_at, self._typing.next_at())
        return min((each for each in times if each is not None), default=None)
