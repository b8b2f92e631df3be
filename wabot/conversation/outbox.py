"""The outbox: a reply is stored before it is sent, and stays until it is known to be gone.

pending -> sending -> sent, or back to pending where it surely did not leave; in_doubt while nobody knows, and
unsure where that never became clear; dead when WhatsApp refuses it; withdrawn when it must not go any more.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from peewee import IntegrityError, fn

from wabot.brain.knowledge.linked_files import LinkedFile
from wabot.conversation.notices import Notice
from wabot.database.models import Inbound, Outbound, database
from wabot.database.statements import Parameter, Statement
from wabot.database.states import InboundState, OutboundKind, OutboundState
from wabot.database.transactions import transaction
from wabot.whatsapp.uploads import Place

OPEN_STATES = (OutboundState.PENDING, OutboundState.SENDING, OutboundState.IN_DOUBT)
UNDELIVERED_STATES = (OutboundState.DEAD, OutboundState.UNSURE)
SECRET_BYTES = 32
_LONGEST_NOTE = 500

_INSERT = Statement(
    lambda: Outbound.insert(
        user_id=Parameter("user_id"),
        chat=Parameter("chat_id"),
        kind=Parameter("kind"),
        text=Parameter("text"),
        file=Parameter("file"),
        upload=Parameter("upload"),
        source=Parameter("source"),
        first_part=Parameter("first_part"),
        secret=Parameter("secret", Outbound.secret.db_value),
        created_at=Parameter("now"),
        not_before=Parameter("not_before"),
    ).returning(Outbound.id)
)
_MARK_ANSWERED = Statement(
    lambda: Inbound.update(
        state=InboundState.ANSWERED, reason=Parameter("source"), reply=Parameter("reply")
    ).where(
        Inbound.id == Parameter("message"),
        Inbound.revision == Parameter("revision"),
        Inbound.state == InboundState.PENDING,
    )
)


@dataclass(frozen=True, slots=True)
class Part:
    """One message of an answer.

    Attributes:
        text: what it says; of a file its caption, of a place its name.
        not_before: the earliest time to send it, naive UTC.
        kind: one of `OutboundKind`.
        file: of a file that is still to be uploaded, its path in the folder of texts.
        upload: of one that WhatsApp keeps, or of a place: what `whatsapp.uploads` makes of it.
    """

    text: str = field(repr=False)
    not_before: datetime
    kind: str = OutboundKind.TEXT
    file: str = ""
    upload: str = field(default="", repr=False)

    @classmethod
    def with_file(cls, file: LinkedFile, not_before: datetime) -> Self:
        """A file or a place that the texts link to."""
        upload = Place(*file.place).to_json() if file.place else ""
        return cls(file.name, not_before, file.kind, file.path, upload)


class _Changed(Exception):
    """Undoes the transaction: what was to be answered, or taken back, is not what it was."""


class Outbox:
    """The replies of one account: what puts them in and takes them back; how they leave is `SendQueue`'s.

    Args:
        user_id: whose account.
        wakeup: set when something was put in, and can be seen by others; that of the `SendQueue`.
    """

    def __init__(self, user_id: str, wakeup: threading.Event | None = None) -> None:
        self._user_id = user_id
        self._wakeup = wakeup or threading.Event()

    def put(
        self,
        chat_id: int,
        parts: Sequence[Part],
        source: str,
        answered: Sequence[Inbound],
        now: datetime,
    ) -> int:
        """Store an answer and mark what it answers, in one transaction.

        A power cut may undo it, as if nothing had been answered yet; `begin`, which comes before the answer
        leaves, takes it to the disk.

        Args:
            chat_id: where it goes.
            parts: its messages, in order.
            source: who composed it, for status and logs.
            answered: inbox rows this answers, as they were read.
            now: naive UTC.

        Returns:
            How many inbox rows were answered; 0 when one of them was edited, taken back or settled meanwhile:
            nothing is stored then, and what is left has to be answered anew.
        """
        try:
            with transaction(survives_power_cut=False):
                reply = self._store(chat_id, parts, source, now)
                for row in answered:
                    if not _MARK_ANSWERED.change(
                        message=row.id, revision=row.revision, source=source, reply=reply or None
                    ):
                        raise _Changed
        except (_Changed, IntegrityError):
            # IntegrityError: the chat was erased, with all it held.
            return 0
        return len(answered)

    def notify(
        self,
        chat_id: int,
        text: str,
        notice: Notice,
        now: datetime,
        not_before: datetime | None = None,
        kind: str = OutboundKind.TEXT,
        upload: str = "",
    ) -> int:
        """Store what answers no message, to be sent now or not before a time; returns its number."""
        return self._store(chat_id, [Part(text, not_before or now, kind, upload=upload)], notice, now)

    def note_held_back(self, chat_id: int, what: str) -> None:
        """Note with a chat's latest answer what a model claimed before it, for the owner to look at."""
        latest = Outbound.select(fn.MAX(Outbound.id)).where(Outbound.chat == chat_id)
        Outbound.update(held_back=what[:_LONGEST_NOTE]).where(Outbound.id.in_(latest)).execute()

    def expire(self, composed_before: datetime) -> int:
        """Give up replies nobody waits for any more; returns how many."""
        # In a query of its own: all others are older still, and an index would lead to them.
        waiting = Outbound.select(Outbound.id).where(
            Outbound.user_id == self._user_id, Outbound.state == OutboundState.PENDING
        )
        expired: int = (
            Outbound.update(state=OutboundState.DEAD, error="too old to be worth sending")
            .where(
                Outbound.id.in_(waiting),
                Outbound.state == OutboundState.PENDING,
                Outbound.created_at < composed_before,
            )
            .execute()
        )
        return expired

    def withdraw(self, chat_id: int, reason: str, but: Sequence[str] = ()) -> int:
        """Take back what has not left yet, and the next copy of what may have.

        Args:
            chat_id: where it would go.
            reason: why, for the row.
            but: sources of what may still go.

        Returns:
            How many were withdrawn.
        """
        here = (Outbound.chat == chat_id) & Outbound.state.in_(
            (OutboundState.PENDING, OutboundState.IN_DOUBT)
        )
        return withdraw(here & Outbound.source.not_in(but), chat_id, reason)

    def recall(self, reply: int) -> bool:
        """Take a whole answer back, unless some of it has left already or may have."""
        parts = (Outbound.id == reply) | (Outbound.first_part == reply)
        try:
            with database.atomic():
                waiting = (Outbound.state == OutboundState.PENDING) & (Outbound.copies == 0)
                recalled = (
                    Outbound.update(state=OutboundState.WITHDRAWN, error="the customer changed the question")
                    .where(parts, waiting)
                    .execute()
                )
                if recalled < Outbound.select().where(parts).count():
                    raise _Changed
        except _Changed:
            return False
        return True

    def count(self, states: Iterable[OutboundState]) -> int:
        """How many replies are in these states."""
        count: int = (
            Outbound.select()
            .where(Outbound.user_id == self._user_id, Outbound.state.in_(list(states)))
            .count()
        )
        return count

    def last_sent_at(self) -> datetime | None:
        """When WhatsApp took the reply that was the last to leave, naive UTC."""
        last = (
            Outbound.select(Outbound.sent_at)
            .where(
                Outbound.user_id == self._user_id,
                Outbound.sending_at.is_null(False),
                Outbound.sent_at.is_null(False),
            )
            .order_by(Outbound.sending_at.desc())
            .first()
        )
        return last.sent_at if last else None

    def _store(self, chat_id: int, parts: Sequence[Part], source: str, now: datetime) -> int:
        """Store the parts of one answer; the number of the first, 0 without any."""
        first_part = 0
        for part in parts:
            (number,) = _INSERT.first(
                user_id=self._user_id,
                chat_id=chat_id,
                kind=part.kind,
                text=part.text,
                file=part.file,
                upload=part.upload,
                source=source,
                first_part=first_part or None,
                secret=new_secret(),
                now=now,
                not_before=part.not_before,
            )
            first_part = first_part or number
        if first_part:
            # Before it is committed the sender would see nothing, and lie down again for a minute.
            database.after_commit(self._wakeup.set)
        return first_part


def withdraw(which: Any, chat_id: int, reason: str) -> int:
    """Take replies back, and say of the messages they answered that those got no answer.

    Args:
        which: a condition for rows of the outbox.
        chat_id: their chat.
        reason: why, for the rows.

    Returns:
        How many were withdrawn.
    """
    with database.atomic():
        withdrawn: int = Outbound.update(state=OutboundState.WITHDRAWN, error=reason).where(which).execute()
        if withdrawn:
            unsaid = Outbound.select(Outbound.id).where(
                Outbound.chat == chat_id, Outbound.state == OutboundState.WITHDRAWN
            )
            Inbound.update(state=InboundState.IGNORED, reason=reason).where(
                Inbound.chat == chat_id, Inbound.state == InboundState.ANSWERED, Inbound.reply.in_(unsaid)
            ).execute()
    return withdrawn


def new_secret() -> bytes:
    """A new secret, which is planted into one copy of a message to find it by."""
    return secrets.token_bytes(SECRET_BYTES)
