"""Finds the chat that a message belongs to, or that somebody names, or makes it."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from wabot.chat_address import ChatAddress
from wabot.masking import mask_phone
from wabot.messages import LID_SERVER, IncomingMessage
from wabot.models import Chat, accounts_of
from wabot.phone_numbers import is_near
from wabot.statements import Parameter, select

_REMEMBERED_CHATS = 10_000
_MOST_NEAR = 5
_CHAT = select(Chat, lambda chats: chats.where(Chat.id == Parameter("chat_id")))


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
        remembered = self.remembered(message)
        chat = chat_with_id(remembered) if remembered else None
        return chat or Chat.get_by_id(self.find_or_make(message, now))

    def remembered(self, message: IncomingMessage) -> int | None:
        """The number of that chat, if its row is known and says all that the message does."""
        return self._ids.get(_key(message))

    def remember(self, message: IncomingMessage, chat_id: int) -> None:
        """The chat is in the database: what was rolled back must not be remembered."""
        if len(self._ids) >= _REMEMBERED_CHATS:
            self._ids.clear()
        self._ids[_key(message)] = chat_id

    def forget(self) -> None:
        """Look every chat up again, because one may not be there any more."""
        self._ids.clear()

    def find_or_make(self, message: IncomingMessage, now: datetime) -> int:
        """The number of the chat, whose row then says whatever is new in the message."""
        chat = self._find(message) or _made(self._user_id, message.contact, jid=message.chat, created_at=now)
        chat.jid = message.chat
        chat.phone = message.phone or chat.phone
        chat.lid = message.lid or chat.lid
        if chat.phone and not message.is_group:
            chat.contact = message.contact if message.phone else chat.contact
        if message.name and not message.from_me:
            chat.name = message.name[:200]
        chat.save()
        return int(chat.id)

    def has(self, jid: str) -> bool:
        """Whether there is a chat with this JID, under whichever of its addresses."""
        user, _, server = jid.rpartition("@")
        known = (Chat.contact == jid) | (Chat.jid == jid)
        if server == LID_SERVER:
            known |= Chat.lid == user
        found: bool = Chat.select().where(Chat.user_id == self._user_id, known).exists()
        return found

    def _find(self, message: IncomingMessage) -> Chat | None:
        mine = Chat.user_id == self._user_id
        chat = Chat.get_or_none(mine, Chat.contact == message.contact)
        if chat is None and message.lid and message.is_person:
            # The same person seen before under the other address.
            chat = Chat.select().where(mine, Chat.lid == message.lid).order_by(Chat.id).first()
        return chat


def chat_with_id(chat_id: int) -> Chat | None:
    """A chat by its number."""
    found: Chat | None = _CHAT.first(chat_id=chat_id)
    return found


def find_chats(user_id: str, address: ChatAddress) -> list[Chat]:
    """Every chat of an account with that person, or that group."""
    named = [Chat.contact.in_(address.jids), Chat.jid.in_(address.jids)]
    named += [Chat.phone.in_(address.phones)] if address.phone else []
    named += [Chat.lid == address.lid] if address.lid else []
    # A query each: each has an index, and one with OR between them is not sure to use any.
    found = {
        chat.id: chat
        for condition in named
        for chat in Chat.select().where(Chat.user_id == user_id, condition)
    }
    return [found[number] for number in sorted(found)]


def near_numbers(user_id: str, address: ChatAddress) -> list[str]:
    """Phone numbers of an account's chats that somebody may have meant who named another; a few at most."""
    known = Chat.select(Chat.phone).where(Chat.user_id == user_id, Chat.phone != "").distinct().tuples()
    numbers = (phone for (phone,) in known.iterator() if any(is_near(each, phone) for each in address.phones))
    return list(islice(numbers, _MOST_NEAR))


def others_with(user_id: str, address: ChatAddress) -> list[str]:
    """The other accounts on this database that have a chat with that person, or that group."""
    # One by one: of an address alone there is no index.
    return [other for other in accounts_of(Chat) if other != user_id and find_chats(other, address)]


def find_or_make_chat(user_id: str, address: ChatAddress, now: datetime) -> Chat:
    """The chat, made now if nobody has written there yet."""
    chats = find_chats(user_id, address)
    if chats:
        return chats[0]
    return _made(
        user_id,
        address.jid,
        jid=address.jid,
        phone=address.phone,
        lid=address.lid,
        created_at=now,
    )


def _made(user_id: str, contact: str, **rest: Any) -> Chat:
    """A new chat; the other's, where another process or thread makes it at this moment."""
    Chat.insert(user_id=user_id, contact=contact, **rest).on_conflict_ignore().execute()
    made: Chat = Chat.get(Chat.user_id == user_id, Chat.contact == contact)
    return made


def _key(message: IncomingMessage) -> tuple[str, str, str]:
    """What a message says of its chat: as long as it stays the same, the row needs no writing."""
    return (message.contact, message.chat, "" if message.from_me else message.name)


def masked(chat: Chat) -> str:
    """The chat as the journal may show it: enough to know whom an owner means."""
    return mask_phone(chat.phone or chat.jid)
