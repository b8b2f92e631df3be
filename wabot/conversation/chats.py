"""Finds the chat that a message belongs to, or that somebody names, or makes it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from peewee import SqliteDatabase

from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER, ChatAddress, is_near, spellings
from wabot.database.models import Chat, accounts_of, database
from wabot.database.statements import Parameter, select
from wabot.system.masking import mask_phone
from wabot.whatsapp.messages import IncomingMessage

log = logging.getLogger(__name__)

_REMEMBERED_CHATS = 10_000
_MOST_NEAR = 5
_CHAT = select(Chat, lambda chats: chats.where(Chat.id == Parameter("chat_id")))


class Chats:
    """The chats of one account.

    Args:
        user_id: whose account.

    Attributes:
        on_merge: called with a chat that took in another, and so may have more to answer than it had.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._ids: dict[tuple[str, ...], int] = {}
        self.on_merge: Callable[[int], None] = lambda chat_id: None
        self._timers: dict[int, int] = {}
        self._last_jids: dict[int, str] = {}

    def of(self, message: IncomingMessage, now: datetime) -> Chat:
        """The chat a message belongs to, made now if it is new."""
        remembered = self.remembered(message)
        chat = chat_with_id(remembered) if remembered else None
        return chat or self.find_or_make(message, now)

    def remembered(self, message: IncomingMessage) -> int | None:
        """The number of that chat, if its row is known and says all that the message does.

        Where the last message came by the person's other address it is not: this one may have come by that.
        """
        chat_id = self._ids.get(_key(message))
        if chat_id is None or self._last_jids.get(chat_id) != message.chat:
            return None
        seconds = message.expiration_seconds
        return None if seconds is not None and self._timers.get(chat_id) != seconds else chat_id

    def remember(self, message: IncomingMessage, chat_id: int) -> None:
        """Remember the number of a message's chat, once that is committed and cannot be rolled back."""
        if len(self._ids) >= _REMEMBERED_CHATS:
            self.forget()
        self._ids[_key(message)] = chat_id
        self._last_jids[chat_id] = message.chat
        if message.expiration_seconds is not None:
            self._timers[chat_id] = message.expiration_seconds

    def forget(self) -> None:
        """Forget every number that is remembered, because a chat may not be there any more."""
        self._ids.clear()
        self._last_jids.clear()
        self._timers.clear()

    def find_or_make(self, message: IncomingMessage, now: datetime) -> Chat:
        """Find the chat of a message, or make it, and write into its row what the message has new to say.

        In a transaction. Where the message shows that several are with one and the same person, they are one
        from now on.
        """
        found = _with_the_other_side(self._user_id, message)
        if len(found) > 1:
            found = self._merged(found, now)
        chat = found[0] if found else _made(self._user_id, message.contact, jid=message.chat, created_at=now)
        chat.jid = message.chat
        chat.phone = message.phone or chat.phone
        chat.lid = message.lid or chat.lid
        if chat.phone and not message.is_group:
            chat.contact = message.contact if message.phone else chat.contact
        if message.name and not message.from_me:
            chat.name = message.name[:200]
        if message.expiration_seconds is not None:
            chat.expiration_seconds = message.expiration_seconds
        chat.save()
        return chat

    def has(self, jid: str) -> bool:
        """Whether there is a chat with this JID, under whichever of its addresses."""
        user, _, server = jid.rpartition("@")
        known = (Chat.contact == jid) | (Chat.jid == jid)
        if server == LID_SERVER:
            known |= Chat.lid == user
        found: bool = Chat.select().where(Chat.user_id == self._user_id, known).exists()
        return found

    def _merged(self, chats: list[Chat], now: datetime) -> list[Chat]:
        merged = merge_chats([chat.id for chat in chats], now)
        # They may point to rows that are not there any more.
        self.forget()
        if merged is None:
            return []
        database.after_commit(lambda: self.on_merge(int(merged.id)))
        return [merged]


def _with_the_other_side(user_id: str, message: IncomingMessage) -> list[Chat]:
    """Every chat that, by what the message and the rows say, is with the other side of this one."""
    if not message.is_person:
        return _chats(user_id, [Chat.contact == message.contact])
    lids = {message.lid} - {""}
    contacts = {message.contact, *_jids(spellings(message.phone) if message.phone else (), lids)}
    while True:
        found = _chats(user_id, [Chat.contact.in_(contacts)] + ([Chat.lid.in_(lids)] if lids else []))
        lids |= {chat.lid for chat in found} - {""}
        known = contacts | _jids({chat.phone for chat in found} - {""}, lids)
        if known == contacts:
            return found
        contacts = known


def _jids(phones: Iterable[str], lids: Iterable[str]) -> set[str]:
    return {f"{phone}@{PHONE_SERVER}" for phone in phones} | {f"{lid}@{LID_SERVER}" for lid in lids}


def merge_chats(chat_ids: Iterable[int], now: datetime) -> Chat | None:
    """Make one chat of several with the same person; in a transaction.

    All that refers to them refers to the oldest then. What the person or the owner asked for in any of them
    holds: that nothing is written there, and the pause that lasts longest.

    Args:
        chat_ids: which.
        now: naive UTC.

    Returns:
        The chat, or None when there is none left of them.
    """
    query = Chat.select().where(Chat.id.in_(list(chat_ids))).order_by(Chat.id)
    if not isinstance(database.obj, SqliteDatabase):
        # Who puts a message or a reply into one of them at this moment is through with it when this returns,
        # and who comes later waits, and then finds it gone. In their order, so that nobody waits in a circle.
        query = query.for_update()
    chats: list[Chat] = list(query)
    if len(chats) < 2:
        return chats[0] if chats else None
    kept, *others = chats
    gone = [chat.id for chat in others]
    for field, model in Chat._meta.backrefs.items():
        model.update({field: kept.id}).where(field.in_(gone)).execute()
    Chat.delete().where(Chat.id.in_(gone)).execute()
    for name in ("phone", "lid", "name", "language"):
        setattr(kept, name, next((value for chat in chats if (value := getattr(chat, name))), ""))
    if kept.phone:
        kept.contact = f"{kept.phone}@{PHONE_SERVER}"
    paused = [chat for chat in chats if chat.pause_reason and (chat.paused_until or datetime.max) > now]
    if paused:
        longest = max(paused, key=lambda chat: chat.paused_until or datetime.max)
        kept.pause_reason, kept.paused_until = longest.pause_reason, longest.paused_until
    kept.opted_out_at = max((chat.opted_out_at for chat in chats if chat.opted_out_at), default=None)
    kept.away_at = max((chat.away_at for chat in chats if chat.away_at), default=None)
    kept.disclosed_at = max((chat.disclosed_at for chat in chats if chat.disclosed_at), default=None)
    kept.created_at = min(chat.created_at for chat in chats)
    kept.save()
    log.info("%s: %d chat(s) with the same person are part of it now", named(kept), len(gone))
    return kept


def chat_with_id(chat_id: int) -> Chat | None:
    """A chat by its number."""
    found: Chat | None = _CHAT.first(chat_id=chat_id)
    return found


def find_chats(user_id: str, address: ChatAddress) -> list[Chat]:
    """Every chat of an account with that person, or that group."""
    named = [Chat.contact.in_(address.jids), Chat.jid.in_(address.jids)]
    named += [Chat.phone.in_(address.phones)] if address.phone else []
    named += [Chat.lid == address.lid] if address.lid else []
    found = _chats(user_id, named)
    # Of a person who was seen under two addresses before a message named both.
    lids = {chat.lid for chat in found} - {""}
    return _chats(user_id, [*named, Chat.lid.in_(lids), Chat.contact.in_(_jids((), lids))]) if lids else found


def _chats(user_id: str, conditions: Iterable[Any]) -> list[Chat]:
    """An account's chats that meet any of the conditions.

    A query each: each has an index, and one with OR between them is not sure to use any.
    """
    queries = (Chat.select().where(Chat.user_id == user_id, condition) for condition in conditions)
    found = {chat.id: chat for query in queries for chat in query}
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
    """Make a chat; or find the one that another process or thread makes at this moment."""
    Chat.insert(user_id=user_id, contact=contact, **rest).on_conflict_ignore().execute()
    made: Chat = Chat.get(Chat.user_id == user_id, Chat.contact == contact)
    return made


def _key(message: IncomingMessage) -> tuple[str, ...]:
    """What a message says of its chat: as long as it stays the same, the row needs no writing."""
    return (message.contact, message.chat, message.lid, "" if message.from_me else message.name)


def masked(chat: Chat) -> str:
    """The chat as the journal may show it: enough to know whom an owner means."""
    return mask_phone(chat.phone or chat.contact or chat.jid)


def named(chat: Chat) -> str:
    """How a line of the journal about a chat begins."""
    return f"chat {chat.id}, {masked(chat)}"
