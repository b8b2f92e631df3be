"""Whom a number, a JID or a group means: every chat and every name that it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER, ChatAddress, spellings
from wabot.conversation.chats import find_chats
from wabot.database.models import Chat, Inbound
from wabot.whatsapp.messages import IncomingMessage


@dataclass(frozen=True, slots=True)
class Person:
    """One person, or one group, as one account knows them.

    Attributes:
        user_id: whose account.
        address: what was asked for.
        chats: those with them alone.
        users: every (user, server) they are known by.
    """

    user_id: str
    address: ChatAddress
    chats: Sequence[Chat]
    users: frozenset[tuple[str, str]]

    @property
    def chat_ids(self) -> list[int]:
        """The ids of these chats."""
        return [chat.id for chat in self.chats]

    def messages_in_groups(self) -> list[Inbound]:
        """What they wrote in groups."""
        if self.address.group:
            return []
        senders = [f"{user}@{server}" for user, server in self.users]
        return list(
            Inbound.select()
            .where(
                Inbound.user_id == self.user_id,
                Inbound.sender.in_(senders),
                # True in every group, and what the index is for: in a chat of their own both are the same.
                Inbound.sender != Inbound.jid,
                Inbound.chat.not_in(self.chat_ids),
            )
            .order_by(Inbound.id)
        )

    def is_in(self, message: IncomingMessage) -> bool:
        """Whether a message was written by them, or in a chat with them."""
        jids = {message.chat, message.sender, message.sender_alt}
        jids |= {f"{message.phone}@{PHONE_SERVER}", f"{message.lid}@{LID_SERVER}"}
        return any(f"{user}@{server}" in jids for user, server in self.users)


def find_person(user_id: str, address: ChatAddress) -> Person:
    """Whom an address means to an account; also somebody who has no chat with it."""
    chats = find_chats(user_id, address)
    return Person(user_id, address, chats, _users(address, chats))


def _users(address: ChatAddress, chats: Sequence[Chat]) -> frozenset[tuple[str, str]]:
    group, _, server = address.group.partition("@")
    found = {(address.lid, LID_SERVER), (group, server)}
    for phone in {address.phone, *(chat.phone for chat in chats)}:
        found |= {(spelling, PHONE_SERVER) for spelling in spellings(phone)}
    found |= {(chat.lid, LID_SERVER) for chat in chats}
    return frozenset((user, server) for user, server in found if user)
