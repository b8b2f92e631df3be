"""Finds the chat that a message belongs to, or makes it."""

from __future__ import annotations

from datetime import datetime

from wabot.messages import IncomingMessage
from wabot.models import Chat

_REMEMBERED_CHATS = 10_000


class Chats:
    """The chats of one account.

    Args:
        user_id: whose account.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._ids: dict[tuple[str, str, str], int] = {}

    def of(self, message: IncomingMessage, now: datetime) -> Chat:
        """The chat a message belongs to, made now if it is new."""
        remembered = self._ids.get(_key(message))
        chat = Chat.get_or_none(Chat.id == remembered) if remembered else None
        return chat or Chat.get_by_id(self._find_or_make(message, now))

    def id_of(self, message: IncomingMessage, now: datetime) -> int:
        """The number of that chat; of one that is remembered the database is not asked."""
        return self._ids.get(_key(message)) or self._find_or_make(message, now)

    def remember(self, message: IncomingMessage, chat_id: int) -> None:
        """The chat is in the database: what was rolled back must not be remembered."""
        if len(self._ids) >= _REMEMBERED_CHATS:
            self._ids.clear()
        self._ids[_key(message)] = chat_id

    def forget(self) -> None:
        """Look every chat up again, because one may not be there any more."""
        self._ids.clear()

    def _find_or_make(self, message: IncomingMessage, now: datetime) -> int:
        """The row of the chat, with whatever the message says about it that is new."""
        chat = self._find(message) or Chat(
            user_id=self._user_id, contact=message.contact, jid=message.chat, created_at=now
        )
        chat.jid = message.chat
        chat.phone = message.phone or chat.phone
        chat.lid = message.lid or chat.lid
        if chat.phone and not message.is_group:
            chat.contact = message.contact if message.phone else chat.contact
        if message.name and not message.from_me:
            chat.name = message.name[:200]
        chat.save()
        return int(chat.id)

    def _find(self, message: IncomingMessage) -> Chat | None:
        mine = Chat.user_id == self._user_id
        chat = Chat.get_or_none(mine, Chat.contact == message.contact)
        if chat is None and message.lid and message.is_person:
            # The same person seen before under the other address.
            chat = Chat.select().where(mine, Chat.lid == message.lid).order_by(Chat.id).first()
        return chat


def _key(message: IncomingMessage) -> tuple[str, str, str]:
    """What a message says of its chat: as long as it stays the same, the row needs no writing."""
    return (message.contact, message.chat, "" if message.from_me else message.name)
