"""Chats the bot must not write to: paused ones, and those of customers who opted out.

Whatever begins it also takes back, in the same transaction, what is being composed or waits to be sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import SENT_ALTHOUGH_OPTED_OUT, SENT_ALTHOUGH_PAUSED
from wabot.conversation.outbox import Outbox
from wabot.database.models import Chat, database
from wabot.database.states import PauseReason, Reason, because_paused


class Pauses:
    """Begins and ends pauses and opt-outs of one account's chats.

    Args:
        inbox, outbox: where what was to be answered and sent is taken back from.
    """

    def __init__(self, inbox: Inbox, outbox: Outbox) -> None:
        self._inbox = inbox
        self._outbox = outbox

    def pause(self, chat: Chat, reason: str, until: datetime | None) -> int:
        """Answer nothing in a chat.

        Args:
            chat: the chat, which says so afterwards as its row does.
            reason: why, one of PauseReason.
            until: when it ends by itself, naive UTC; None = only when it is resumed.

        Returns:
            How many replies were withdrawn.
        """
        with database.atomic():
            _write(chat, pause_reason=reason, paused_until=until)
            self._inbox.settle_chat(chat.id, because_paused(reason))
            return self._outbox.withdraw(chat.id, because_paused(reason), but=SENT_ALTHOUGH_PAUSED)

    def hand_over(self, chat: Chat, until: datetime) -> int:
        """Leave a chat to the owner, who wrote there, for a while. A pause that lasts longer stays as it is.

        Args:
            chat: the chat, which says so afterwards as its row does.
            until: naive UTC.

        Returns:
            How many replies were withdrawn.
        """
        if pause_reason(chat, until):
            return self.pause(chat, chat.pause_reason, chat.paused_until)
        return self.pause(chat, PauseReason.OWNER, until)

    def resume(self, chat: Chat) -> bool:
        """Answer again in a chat; returns whether there was a pause."""
        was_paused = chat.pause_reason != ""
        _write(chat, pause_reason="", paused_until=None)
        return was_paused

    def opt_out(self, chat: Chat, now: datetime) -> int:
        """Write nothing more to a customer who asked for that; returns how many replies were withdrawn."""
        with database.atomic():
            _write(chat, opted_out_at=now)
            self._inbox.settle_chat(chat.id, Reason.OPTED_OUT)
            return self._outbox.withdraw(chat.id, Reason.OPTED_OUT, but=SENT_ALTHOUGH_OPTED_OUT)

    def opt_in(self, chat: Chat) -> None:
        """Write again to a customer who asked for that."""
        _write(chat, opted_out_at=None)


def _write(chat: Chat, **changes: Any) -> None:
    """Change a chat, and its row in just this."""
    Chat.update(**changes).where(Chat.id == chat.id).execute()
    for name, value in changes.items():
        setattr(chat, name, value)


def pauses_of(user_id: str) -> Pauses:
    """The pauses of an account, for a process that does nothing else with its messages."""
    return Pauses(Inbox(user_id), Outbox(user_id))


def pause_reason(chat: Chat, now: datetime) -> str:
    """Why a chat is paused at a time, "" when it is not."""
    over = chat.paused_until is not None and chat.paused_until <= now
    return "" if over else str(chat.pause_reason)


def paused_chats(user_id: str, now: datetime) -> list[Chat]:
    """An account's chats that are paused at a time, the latest created first."""
    lasting = Chat.paused_until.is_null() | (Chat.paused_until > now)
    return list(
        Chat.select()
        # Not "!=": no index leads to what is different.
        .where(Chat.user_id == user_id, Chat.pause_reason > "", lasting)
        .order_by(Chat.id.desc())
    )
