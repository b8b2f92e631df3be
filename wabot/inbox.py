"""The inbox: every message is stored before anybody thinks about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import IntegrityError, fn

from wabot.messages import IncomingMessage, Kind
from wabot.models import Chat, Inbound, Outbound, database

_KEPT_TEXT_CHARACTERS = 20_000  # WhatsApp's own limit is about 65,000; a model needs less
_REMEMBERED_CHATS = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A chat that has messages to answer, and when the first and the last of them came."""

    chat_id: int
    first_at: datetime
    last_at: datetime


class Inbox:
    """The messages of one account.

    Args:
        user_id: whose account.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._chat_ids: dict[tuple[str, str, str], int] = {}

    def store(self, message: IncomingMessage, now: datetime) -> int | None:
        """Keep a message; the same message twice is kept once.

        Args:
            message: as WhatsApp handed it over.
            now: naive UTC.

        Returns:
            The chat that has something new to answer, or None.
        """
        if message.kind is Kind.PROTOCOL:
            # Keys and settings that the account's own devices tell each other.
            return None
        try:
            return self._store(message, now)
        except IntegrityError:
            # Another process deleted the chat, whose number is still remembered here, with all it held.
            self._chat_ids.clear()
            return self._store(message, now)

    def waiting(self) -> list[Waiting]:
        """Every chat with messages still to answer, for a start after a stop or a crash."""
        rows = (
            Inbound.select(Inbound.chat, fn.MIN(Inbound.received_at), fn.MAX(Inbound.received_at))
            .where(Inbound.user_id == self._user_id, Inbound.state == "pending")
            .group_by(Inbound.chat)
            .tuples()
            .execute()
        )
        return [Waiting(*row) for row in rows]

    def pending(self, chat_id: int, limit: int = 100) -> list[Inbound]:
        """The messages of a chat still to answer, in the order they came."""
        return list(
            Inbound.select()
            .where(
                Inbound.user_id == self._user_id,
                Inbound.state == "pending",
                Inbound.chat == chat_id,
            )
            .order_by(Inbound.id)
            .limit(limit)
        )

    def settle(self, message_ids: Iterable[int], state: str, reason: str) -> int:
        """Take messages out of those to answer, with the reason; returns how many still were."""
        settled: int = (
            Inbound.update(state=state, reason=reason)
            .where(Inbound.id.in_(list(message_ids)), Inbound.state == "pending")
            .execute()
        )
        return settled

    def count_attempt(self, message_ids: Iterable[int]) -> None:
        """Remember that answering these failed, so that one bad message cannot keep a worker for ever."""
        Inbound.update(attempts=Inbound.attempts + 1).where(Inbound.id.in_(list(message_ids))).execute()

    def pending_count(self) -> int:
        """How many messages wait for an answer."""
        count: int = (
            Inbound.select().where(Inbound.user_id == self._user_id, Inbound.state == "pending").count()
        )
        return count

    def history(
        self, chat_id: int, before_id: int, since: datetime, limit: int
    ) -> list[tuple[datetime, str, str]]:
        """What was said in a chat before a message: (time, "user" or "assistant", text), oldest first.

        The owner's own messages count as the assistant's: the customer saw one and the same sender.
        """
        if limit <= 0:
            return []
        said = [
            (row.received_at, "assistant" if row.state == "owner" else "user", row.text)
            for row in Inbound.select(Inbound.received_at, Inbound.state, Inbound.text)
            .where(
                Inbound.chat == chat_id,
                Inbound.id < before_id,
                Inbound.received_at >= since,
                Inbound.state.in_(("answered", "owner")),
                Inbound.text != "",
            )
            .order_by(Inbound.id.desc())
            .limit(limit)
        ]
        said += [
            (row.created_at, "assistant", row.text)
            for row in Outbound.select(Outbound.created_at, Outbound.text)
            .where(
                Outbound.chat == chat_id,
                Outbound.created_at >= since,
                Outbound.state.not_in(("withdrawn", "dead")),
            )
            .order_by(Outbound.id.desc())
            .limit(limit)
        ]
        return sorted(said, key=lambda turn: turn[0])[-limit:]

    def _store(self, message: IncomingMessage, now: datetime) -> int | None:
        with database.atomic():
            chat_id = self._chat_id(message, now)
            if message.kind in (Kind.EDIT, Kind.REVOKE):
                self._amend(message, chat_id)
            state = "owner" if message.from_me else "pending"
            if message.kind in (Kind.EDIT, Kind.REVOKE, Kind.REACTION):
                state = "ignored"
            inserted = (
                Inbound.insert(
                    user_id=self._user_id,
                    chat=chat_id,
                    jid=message.chat,
                    message_id=message.message_id,
                    sender=message.sender,
                    kind=message.kind,
                    text=message.text[:_KEPT_TEXT_CHARACTERS],
                    quoted_text=message.quoted_text[:_KEPT_TEXT_CHARACTERS],
                    mentions=" ".join(message.mentions),
                    offline=message.offline,
                    sent_at=message.sent_at,
                    received_at=now,
                    state=state,
                    reason=message.kind if state == "ignored" else "",
                )
                .on_conflict_ignore()
                .as_rowcount()
                .execute()
            )
        # Only now: what was rolled back must not be remembered.
        self._remember_chat(message, chat_id)
        return chat_id if inserted and state == "pending" else None

    def _chat_id(self, message: IncomingMessage, now: datetime) -> int:
        """The row of the chat; written only when something about it is new."""
        known = self._chat_ids.get(_chat_key(message))
        if known is not None:
            return known
        chat = self._find_chat(message) or Chat(
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

    def _remember_chat(self, message: IncomingMessage, chat_id: int) -> None:
        if len(self._chat_ids) >= _REMEMBERED_CHATS:
            self._chat_ids.clear()
        self._chat_ids[_chat_key(message)] = chat_id

    def _find_chat(self, message: IncomingMessage) -> Chat | None:
        mine = Chat.user_id == self._user_id
        chat = Chat.get_or_none(mine, Chat.contact == message.contact)
        if chat is None and message.lid and message.is_person:
            # The same person seen before under the other address.
            chat = Chat.select().where(mine, Chat.lid == message.lid).order_by(Chat.id).first()
        return chat

    def _amend(self, message: IncomingMessage, chat_id: int) -> None:
        """The customer edited or took back a message that has no answer yet."""
        mine = (
            (Inbound.chat == chat_id)
            & (Inbound.message_id == message.target_id)
            & (Inbound.state == "pending")
        )
        if message.is_group:
            # Elsewhere there is one customer only, whose address may have changed since.
            mine &= Inbound.sender == message.sender
        if message.kind is Kind.REVOKE:
            Inbound.update(state="ignored", reason="taken back by the customer", text="").where(
                mine
            ).execute()
        elif message.text:
            Inbound.update(text=message.text[:_KEPT_TEXT_CHARACTERS]).where(mine).execute()

    @staticmethod
    def horizon(now: datetime, age_seconds: float) -> datetime:
        """The oldest time that counts, without leaving the calendar."""
        return now - timedelta(seconds=min(age_seconds, 100 * 365 * 86_400))


def _chat_key(message: IncomingMessage) -> tuple[str, str, str]:
    """What a message says of its chat: as long as it stays the same, the row needs no writing."""
    return (message.contact, message.chat, "" if message.from_me else message.name)
