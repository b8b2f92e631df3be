"""The inbox: every message is stored before anybody thinks about it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import IntegrityError, fn

from wabot.clock import utc_now
from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER
from wabot.conversation.chats import Chats
from wabot.conversation.files.received_files import withdraw_file_of
from wabot.database.models import Chat, Inbound, database
from wabot.database.statements import Parameter, Statement, select
from wabot.database.states import InboundState, Reason
from wabot.database.transactions import unsynced
from wabot.whatsapp.messages import NOT_RECEIVED_KINDS, IncomingMessage, MessageKind

MOST_AT_ONCE = 100
"""How many messages of one chat are answered together."""
_KEPT_TEXT_CHARACTERS = 20_000  # WhatsApp's own limit is about 65,000; a model needs less

_GIVEN = ["user_id", "jid", "message_id", "sender", "kind", "text", "quoted_text", "mentions", "offline"]
_GIVEN += ["sent_at", "received_at", "state", "reason", "secret"]
_INSERT = Statement(
    lambda: Inbound.insert(
        chat=Parameter("chat_id"),
        **{name: Parameter(name, getattr(Inbound, name).db_value) for name in _GIVEN},
    ).on_conflict_ignore()
)
_PENDING = select(
    Inbound,
    lambda messages: (
        messages.where(
            Inbound.user_id == Parameter("user_id"),
            Inbound.state == InboundState.PENDING,
            Inbound.chat == Parameter("chat_id"),
        )
        .order_by(Inbound.id)
        .limit(Parameter("limit"))
    ),
)
_COUNT_ATTEMPT = Statement(
    lambda: Inbound.update(attempts=Inbound.attempts + 1).where(Inbound.id == Parameter("message"))
)


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

    Attributes:
        chats: what the messages belong to.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self.chats = Chats(user_id)

    def store(
        self,
        message: IncomingMessage,
        now: datetime,
        state: InboundState = InboundState.PENDING,
        reason: str = "",
        chat: Chat | None = None,
    ) -> int | None:
        """Keep a message; the same message twice is kept once.

        Args:
            message: as WhatsApp handed it over.
            now: naive UTC.
            state: what becomes of it.
            reason: why it is not answered, if it is not.
            chat: its chat, where that was looked up already; in the same transaction.

        Returns:
            Its chat, or None when the message was known.
        """
        try:
            return self._store(message, now, state, reason, chat)
        except IntegrityError:
            if database.in_transaction():
                # PostgreSQL takes nothing more in it: who began it begins again.
                raise
            # Another process deleted the chat, whose number is still remembered here, with all it held.
            self.chats.forget()
            return self._store(message, now, state, reason, chat)

    def amend(self, message: IncomingMessage, chat_id: int) -> Inbound | None:
        """Carry out an edit or a deletion.

        Args:
            message: says which message its sender changed or took back.
            chat_id: their chat.

        Returns:
            The changed message as it was before, or None when it is not there.
        """
        row = self.target_of(message, chat_id)
        if row is None:
            return None
        if message.kind is MessageKind.REVOKE:
            changes: dict[str, Any] = {"text": "", "quoted_text": "", "secret": None}
            if row.state in (InboundState.PENDING, InboundState.ANSWERED):
                changes |= {"state": InboundState.IGNORED, "reason": Reason.TAKEN_BACK}
            withdraw_file_of(row.id, utc_now())
        elif message.sealed:
            # Nobody knows what it says now; what it said is not to be answered.
            changes = {"text": "", "kind": MessageKind.OTHER}
        else:
            changes = {"text": message.text[:_KEPT_TEXT_CHARACTERS]}
        Inbound.update(revision=Inbound.revision + 1, **changes).where(Inbound.id == row.id).execute()
        return row

    def reopen(self, chat_id: int, reply: int) -> int:
        """Have everything answered anew that was answered by what is taken back; returns how many messages.

        Args:
            chat_id: the chat.
            reply: number of the answer's first part.
        """
        reopened: int = (
            Inbound.update(state=InboundState.PENDING, reason="", reply=None)
            .where(Inbound.chat == chat_id, Inbound.reply == reply, Inbound.state == InboundState.ANSWERED)
            .execute()
        )
        return reopened

    def ask_anew(self, row: Inbound, message: IncomingMessage) -> None:
        """Have a message that was settled decided anew, as it was edited now."""
        Inbound.update(
            state=InboundState.PENDING, reason="", reply=None, attempts=0, sent_at=message.sent_at
        ).where(Inbound.id == row.id).execute()

    def known(self, message_ids: Iterable[str]) -> dict[str, datetime]:
        """When each of these messages came, naive UTC, of those that are here."""
        rows: Any = (
            Inbound.select(Inbound.message_id, Inbound.received_at)
            .where(Inbound.user_id == self._user_id, Inbound.message_id.in_(list(message_ids)))
            .tuples()
        )
        return dict(rows)

    def number_of(self, message: IncomingMessage) -> int | None:
        """The number of a message's row; None when it is not here."""
        number: int | None = (
            Inbound.select(Inbound.id)
            .where(
                Inbound.user_id == self._user_id,
                Inbound.jid.in_(_addresses(message)),
                Inbound.message_id == message.message_id,
            )
            .scalar()
        )
        return number

    def chat_waiting_with(self, message: IncomingMessage) -> int | None:
        """The chat of a message that is here and still to be answered."""
        row = Inbound.get_or_none(
            Inbound.user_id == self._user_id,
            Inbound.jid == message.chat,
            Inbound.message_id == message.message_id,
            Inbound.state == InboundState.PENDING,
        )
        return row.chat_id if row else None

    def waiting(self) -> list[Waiting]:
        """Every chat with messages still to answer, for a start after a stop or a crash."""
        rows = (
            Inbound.select(Inbound.chat, fn.MIN(Inbound.received_at), fn.MAX(Inbound.received_at))
            .where(Inbound.user_id == self._user_id, Inbound.state == InboundState.PENDING)
            .group_by(Inbound.chat)
            .tuples()
            .execute()
        )
        return [Waiting(*row) for row in rows]

    def pending(self, chat_id: int, limit: int = MOST_AT_ONCE) -> list[Inbound]:
        """The messages of a chat still to answer, in the order they came; the first of them."""
        return _PENDING.rows(user_id=self._user_id, chat_id=chat_id, limit=limit)

    def settle(self, message_ids: Iterable[int], state: InboundState, reason: str) -> int:
        """Take messages out of those to answer, with the reason; returns how many still were."""
        settled: int = (
            Inbound.update(state=state, reason=reason)
            .where(Inbound.id.in_(list(message_ids)), Inbound.state == InboundState.PENDING)
            .execute()
        )
        return settled

    def settle_chat(self, chat_id: int, reason: str) -> int:
        """Answer nothing of what waits in a chat; returns how many messages did."""
        settled: int = (
            Inbound.update(state=InboundState.IGNORED, reason=reason)
            .where(Inbound.chat == chat_id, Inbound.state == InboundState.PENDING)
            .execute()
        )
        return settled

    def count_attempt(self, message_ids: Iterable[int]) -> None:
        """Remember that these are about to be answered, so that one bad message cannot end us for ever."""
        with unsynced():
            for message_id in message_ids:
                _COUNT_ATTEMPT.change(message=message_id)

    def keep_for_later(self, message_ids: Iterable[int]) -> None:
        """Count the next attempt at these as the second: the last one failed through no fault of theirs."""
        Inbound.update(attempts=1).where(Inbound.id.in_(list(message_ids))).execute()

    def pending_count(self) -> int:
        """How many messages wait for an answer."""
        count: int = (
            Inbound.select()
            .where(Inbound.user_id == self._user_id, Inbound.state == InboundState.PENDING)
            .count()
        )
        return count

    def undecryptable_count(self) -> int:
        """How many messages of the history could not be read and have not come again."""
        kinds = NOT_RECEIVED_KINDS - {MessageKind.LOST}
        count: int = Inbound.select().where(Inbound.user_id == self._user_id, Inbound.kind.in_(kinds)).count()
        return count

    def _store(
        self, message: IncomingMessage, now: datetime, state: InboundState, reason: str, chat: Chat | None
    ) -> int | None:
        remembered = self.chats.remembered(message)
        chat_id: int | None = chat.id if chat else remembered
        # One statement is a transaction by itself.
        with nullcontext() if chat_id else database.atomic():
            chat_id = chat_id or self.chats.find_or_make(message, now).id
            came_elsewhere = remembered is None and self._came_under_another_address(message)
            inserted = (
                not came_elsewhere
                and _INSERT.change(
                    user_id=self._user_id,
                    chat_id=chat_id,
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
                    reason=reason,
                    secret=bytes.fromhex(message.secret) or None,
                )
            ) or self._replace_lost(message, now, state, reason)
        # Only now: what was rolled back must not be remembered.
        self.chats.remember(message, chat_id)
        return chat_id if inserted else None

    def _came_under_another_address(self, message: IncomingMessage) -> bool:
        """Whether a message that comes again, or at last, came by the person's other address before."""
        others = _addresses(message) - {message.chat}
        if not others:
            return False
        known = (Inbound.user_id == self._user_id) & (Inbound.message_id == message.message_id)
        return bool(Inbound.select().where(known, Inbound.jid.in_(others)).exists())

    def _replace_lost(self, message: IncomingMessage, now: datetime, state: InboundState, reason: str) -> int:
        """Store a message that had been given up in its own row; returns how many rows there are of it."""
        if message.kind in NOT_RECEIVED_KINDS:
            return 0
        replaced: int = (
            Inbound.update(
                kind=message.kind,
                text=message.text[:_KEPT_TEXT_CHARACTERS],
                quoted_text=message.quoted_text[:_KEPT_TEXT_CHARACTERS],
                mentions=" ".join(message.mentions),
                sent_at=message.sent_at,
                received_at=now,
                state=state,
                reason=reason,
                secret=bytes.fromhex(message.secret) or None,
                reply=None,
                revision=Inbound.revision + 1,
            )
            .where(
                Inbound.user_id == self._user_id,
                Inbound.jid.in_(_addresses(message)),
                Inbound.message_id == message.message_id,
                Inbound.kind.in_(NOT_RECEIVED_KINDS),
            )
            .execute()
        )
        return replaced

    def target_of(self, message: IncomingMessage, chat_id: int) -> Inbound | None:
        """The message that another one changes, if it is there; only its own sender can change it."""
        same_sender = Inbound.sender == message.sender
        if not message.is_group:
            # There is one customer only, whose address may have changed since.
            is_owners = Inbound.state == InboundState.OWNER
            same_sender |= (
                is_owners
                if message.from_me
                else Inbound.state.in_((InboundState.PENDING, InboundState.ANSWERED))
            )
        target: Inbound | None = (
            Inbound.select()
            .where(Inbound.chat == chat_id, Inbound.message_id == message.target_id, same_sender)
            .order_by(Inbound.id.desc())
            .first()
        )
        return target


def _addresses(message: IncomingMessage) -> set[str]:
    """The chat's own, and the other one of a person of whom the message names both."""
    if not (message.is_person and message.phone and message.lid):
        return {message.chat}
    return {message.chat, f"{message.phone}@{PHONE_SERVER}", f"{message.lid}@{LID_SERVER}"}
