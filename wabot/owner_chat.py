"""Tells the owner how things stand in chats: in their chat with themselves, where no customer reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from wabot.chat_address import ChatAddress, parse_address
from wabot.chats import find_or_make_chat
from wabot.errors import UsageError
from wabot.models import Chat, Session
from wabot.notices import chat_status_text, none_paused_text, unanswered_text
from wabot.outbox import Outbox
from wabot.quiet import pause_reason
from wabot.settings import Settings
from wabot.sources import Notice

_MOST_CHATS = 20


class OwnerChat:
    """The owner's chat with themselves.

    Args:
        settings: the configuration.
        outbox: where what is said goes.
    """

    def __init__(self, settings: Settings, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox

    def tell_about(self, chats: Sequence[Chat], now: datetime, own_jid: str = "") -> bool:
        """Say how things stand in these chats; without any, that none is paused.

        Args:
            chats: which; only the first twenty are named.
            now: naive UTC.
            own_jid: the account's own address, where it is known better than from its session.

        Returns:
            Whether there is something to send now; not while the account's address is unknown.
        """
        address = self._own_address(own_jid)
        if address is None:
            return False
        account = self._settings.account
        lines = [
            chat_status_text(
                _name_of(chat),
                pause_reason(chat, now),
                chat.paused_until,
                chat.opted_out_at is not None,
                account.language,
                account.zone,
            )
            for chat in chats[:_MOST_CHATS]
        ]
        self._tell(address, "\n".join(lines) or none_paused_text(account.language), now)
        return True

    def tell_unanswered(self, chat: Chat, now: datetime) -> None:
        """Say that a customer asks what the bot cannot answer; nothing while the account is unknown."""
        address = self._own_address("")
        if address is not None:
            self._tell(address, unanswered_text(_name_of(chat), self._settings.account.language), now)

    def _tell(self, address: ChatAddress, text: str, now: datetime) -> None:
        own_chat = find_or_make_chat(self._settings.account.user_id, address, now)
        self._outbox.notify(own_chat.id, text, Notice.STATUS, now)

    def _own_address(self, jid: str) -> ChatAddress | None:
        try:
            return parse_address(jid)
        except UsageError:
            session = Session.get_or_none(Session.user_id == self._settings.account.user_id)
        return ChatAddress(phone=session.phone) if session and session.phone else None


def _name_of(chat: Chat) -> str:
    return str(chat.name or (f"+{chat.phone}" if chat.phone else chat.contact))
