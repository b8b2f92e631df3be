"""Follows replies from WhatsApp's server to the customer's phone, and finds those that cannot be read there.

Pure: told the time, in monotonic seconds, with every call. Not thread-safe: its caller holds a lock.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

_REMEMBERED = 5000
_FORGOTTEN_AFTER_SECONDS = 3600.0
_NEVER = float("-inf")


class Evidence(StrEnum):
    """What speaks for a reply being unreadable, though WhatsApp took it."""

    ASKED_AGAIN = "the phone asked for it again, and the client library no longer had it"
    OVERTAKEN = "the phone has a later one"
    OTHERS_ONLY = "other phones have later ones"


# A phone that can read a message says so within a second; the client library answers one that cannot at once.
_PATIENCE_SECONDS = {
    Evidence.ASKED_AGAIN: 10.0,
    Evidence.OVERTAKEN: 5.0,
    Evidence.OTHERS_ONLY: 30.0,
}


@dataclass(slots=True)
class _Sent:
    chat_id: int | None
    at: float
    asked_again_at: float | None = None
    overtaken_at: float | None = None


class Deliveries:
    """The replies that WhatsApp took lately and no phone has confirmed yet.

    Only what this process sent is judged by silence: what an earlier one heard before its end is not known.
    """

    def __init__(self) -> None:
        self._sent: OrderedDict[str, _Sent] = OrderedDict()
        self._newest_in_chat: OrderedDict[int, float] = OrderedDict()
        self._newest = _NEVER

    def sent(self, message_id: str, chat_id: int, now: float) -> None:
        """WhatsApp took a reply."""
        self._remember(message_id, _Sent(chat_id, now))

    def confirmed(self, message_id: str) -> None:
        """A phone has a reply and can read it."""
        sent = self._sent.pop(message_id, None)
        if sent is None or sent.chat_id is None:
            return
        self._newest = max(self._newest, sent.at)
        newest_in_chat = self._newest_in_chat.pop(sent.chat_id, sent.at)
        self._newest_in_chat[sent.chat_id] = max(newest_in_chat, sent.at)
        if len(self._newest_in_chat) > _REMEMBERED:
            self._newest_in_chat.popitem(last=False)

    def asked_again(self, message_id: str, now: float) -> None:
        """A phone got a reply and cannot read it. It may be one of an earlier process."""
        sent = self._sent.get(message_id)
        if sent is None:
            sent = _Sent(None, now)
            self._remember(message_id, sent)
        sent.asked_again_at = sent.asked_again_at or now

    def forget(self) -> None:
        """Receipts were lost: silence proves nothing any more."""
        self._sent.clear()

    def take_unreadable(self, now: float) -> tuple[list[tuple[str, Evidence]], float | None]:
        """The replies that must be taken for unreadable, each once, and when to look again."""
        found = []
        due_at = []
        for message_id, sent in list(self._sent.items()):
            due, evidence = self._evidence(sent, now)
            if evidence is not None and due <= now:
                found.append((message_id, evidence))
            elif evidence is not None:
                due_at.append(due)
            if due <= now or now - sent.at > _FORGOTTEN_AFTER_SECONDS:
                del self._sent[message_id]
        return found, min(due_at, default=None)

    def _evidence(self, sent: _Sent, now: float) -> tuple[float, Evidence | None]:
        """What speaks against this reply first, and when it counts."""
        if sent.chat_id is not None and self._newest_in_chat.get(sent.chat_id, _NEVER) > sent.at:
            sent.overtaken_at = sent.overtaken_at or now
        since = {
            Evidence.ASKED_AGAIN: sent.asked_again_at,
            Evidence.OVERTAKEN: sent.overtaken_at,
            Evidence.OTHERS_ONLY: sent.at if self._newest > sent.at else None,
        }
        return min(
            ((at + _PATIENCE_SECONDS[each], each) for each, at in since.items() if at is not None),
            default=(float("inf"), None),
        )

    def _remember(self, message_id: str, sent: _Sent) -> None:
        self._sent[message_id] = sent
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
