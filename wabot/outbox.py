"""The outbox: a reply is stored before it is sent, and stays until it is known to be gone.

pending -> sending -> sent, or back to pending where it surely did not leave; in_doubt while nobody knows, and
unsure where that never became clear; dead when WhatsApp refuses it; withdrawn when it must not go any more.
"""

from __future__ import annotations

import operator
import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from peewee import Case, IntegrityError, fn

from wabot.models import Chat, Inbound, Outbound, database
from wabot.sources import Notice, chat_that_may_be_told

OPEN_STATES = ("pending", "sending", "in_doubt")
MAX_COPIES = 2
MAX_REFUSALS = 3
SECRET_BYTES = 32
_LAST = 2**62
_SAME_MOMENT = timedelta(seconds=1)


# What the sender needs: to compile a query with every column takes longer than to run it (measured).
_TO_SEND = (
    Outbound.id,
    Outbound.chat,
    Outbound.text,
    Outbound.source,
    Outbound.secret,
    Outbound.copies,
    Outbound.refusals,
    Outbound.created_at,
    Outbound.not_before,
    Chat.id,
    Chat.jid,
)


class _Changed(Exception):
    """What was to be answered is not what it was; undoes the transaction."""


class Outbox:
    """The replies of one account.

    Args:
        user_id: whose account.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id

    def put(
        self,
        chat_id: int,
        parts: Sequence[tuple[str, datetime]],
        source: str,
        answered: Sequence[Inbound],
        now: datetime,
    ) -> int:
        """Store an answer and mark what it answers, in one transaction.

        Args:
            chat_id: where it goes.
            parts: each message's text and the earliest time to send it.
            source: who composed it, for status and logs.
            answered: inbox rows this answers, as they were read.
            now: naive UTC.

        Returns:
            How many inbox rows were answered; 0 when one of them was edited, taken back or settled meanwhile:
            nothing is stored then, and what is left has to be answered anew.
        """
        as_read = reduce(
            operator.or_, [(Inbound.id == row.id) & (Inbound.revision == row.revision) for row in answered]
        )
        try:
            with database.atomic():
                reply = self._store(chat_id, parts, source, now)
                marked: int = (
                    Inbound.update(state="answered", reason=source, reply=reply)
                    .where(as_read, Inbound.state == "pending")
                    .execute()
                )
                if marked < len(answered):
                    raise _Changed
        except (_Changed, IntegrityError):
            # IntegrityError: the chat was erased, with all it held.
            return 0
        return marked

    def notify(self, chat_id: int, text: str, notice: Notice, now: datetime) -> None:
        """Store something to say that answers nothing."""
        self._store(chat_id, [(text, now)], notice, now)

    def next(
        self, now: datetime, composed_after: datetime | None = None
    ) -> tuple[Outbound | None, datetime | None]:
        """The reply to send now, and failing that, when the next one is due.

        Only the oldest open reply of each chat counts, so that a chat's replies keep their order: one that is
        on its way, or in doubt, holds the later ones.

        Args:
            now: naive UTC.
            composed_after: leave out replies composed before this time (they wait for a stable link).
        """
        heads = (
            Outbound.select(fn.MIN(Outbound.id))
            .where(Outbound.user_id == self._user_id, Outbound.state.in_(OPEN_STATES))
            .group_by(Outbound.chat)
        )
        mine = Outbound.select(*_TO_SEND).join(Chat)
        mine = mine.where(Outbound.id.in_(heads), Outbound.state == "pending")
        if composed_after is not None:
            mine = mine.where(Outbound.created_at >= composed_after)
        is_due = Outbound.not_before <= now
        # The oldest that is due, else the one that will be due first.
        order = (Case(None, [(is_due, Outbound.id)], _LAST), Outbound.not_before)
        row = mine.order_by(*order).first()
        if row is None or row.not_before > now:
            return None, row.not_before if row else None
        return row, now

    def defer(self, row: Outbound, not_before: datetime) -> None:
        """Not now."""
        Outbound.update(not_before=not_before).where(Outbound.id == row.id).execute()

    def begin(self, row: Outbound, now: datetime) -> bool:
        """Write down that this reply is about to leave; from here on a crash leaves it in doubt.

        Each copy gets a secret of its own, so that the library's store tells which of them left.

        Returns:
            False when it must not leave any more: it was withdrawn, the customer opted out, the chat is
            paused, or its data was erased.
        """
        mine = (Outbound.id == row.id) & (Outbound.state == "pending")
        secret = secrets.token_bytes(SECRET_BYTES)
        begun = (
            Outbound.update(state="sending", copies=row.copies + 1, sending_at=now, secret=secret)
            .where(mine, fn.EXISTS(chat_that_may_be_told(row.chat_id, row.source, now)))
            .execute()
        )
        if begun:
            row.copies += 1
            row.state, row.sending_at, row.secret = "sending", now, secret
            return True
        self._withdraw(mine, row.chat_id, "the chat is paused, or the customer opted out")
        return False

    def mark_sent(self, row: Outbound, message_id: str, now: datetime) -> None:
        """WhatsApp took it."""
        Outbound.update(state="sent", message_id=message_id, sent_at=now, error="").where(
            Outbound.id == row.id
        ).execute()

    def put_back(self, row: Outbound, error: str, not_before: datetime) -> None:
        """It surely did not leave: send it again."""
        Outbound.update(
            state="pending", copies=row.copies - 1, error=error[:500], not_before=not_before
        ).where(Outbound.id == row.id).execute()

    def mark_in_doubt(self, row: Outbound, error: str, message_id: str = "") -> None:
        """It may have left; `message_id` is what it left as, where that is known already."""
        row.state, row.message_id = "in_doubt", message_id
        Outbound.update(state="in_doubt", message_id=message_id, error=error[:500]).where(
            Outbound.id == row.id
        ).execute()

    def leave_in_doubt(self, row: Outbound, resend: bool, not_before: datetime) -> str:
        """Nothing more will be known: one more copy, if wanted, then only the record of the doubt.

        Returns:
            The new state.
        """
        state = "pending" if resend and row.copies < MAX_COPIES else "unsure"
        Outbound.update(state=state, not_before=not_before).where(Outbound.id == row.id).execute()
        return state

    def confirm(self, message_ids: Collection[str], now: datetime) -> None:
        """A device of the customer has these messages; that settles every doubt about them."""
        mine = (Outbound.user_id == self._user_id) & Outbound.message_id.in_(list(message_ids))
        with database.atomic():
            Outbound.update(delivered_at=now).where(mine, Outbound.delivered_at.is_null()).execute()
            Outbound.update(state="sent", sent_at=Outbound.sending_at, error="").where(
                mine, Outbound.state.in_(("in_doubt", "unsure", "pending"))
            ).execute()

    def mark_refused(self, row: Outbound, error: str, not_before: datetime) -> str:
        """WhatsApp refused it: try a few times more, far apart. Returns the new state."""
        refusals = row.refusals + 1
        state = "pending" if refusals < MAX_REFUSALS else "dead"
        Outbound.update(
            state=state, refusals=refusals, copies=row.copies - 1, error=error[:500], not_before=not_before
        ).where(Outbound.id == row.id).execute()
        return state

    def send_again(self, message_id: str, in_race: bool, now: datetime) -> bool:
        """WhatsApp took it, and the customer's phone cannot read it: send it once more, and only once.

        Not where the chat went on meanwhile: then the reply would answer what nobody asks any more.

        Args:
            message_id: what it was sent as.
            in_race: only if it was sent at the very moment a message of the same chat came.
            now: naive UTC.

        Returns:
            Whether it will be sent.
        """
        row = Outbound.get_or_none(Outbound.user_id == self._user_id, Outbound.message_id == message_id)
        if row is None or row.state != "sent" or row.delivered_at or row.copies >= MAX_COPIES:
            return False
        sent_at = row.sent_at or now
        heard = Inbound.select().where(Inbound.chat == row.chat)
        if heard.where(Inbound.received_at > sent_at + _SAME_MOMENT).exists():
            return False
        if in_race and not heard.where(Inbound.received_at >= sent_at - _SAME_MOMENT).exists():
            return False
        changed: int = (
            Outbound.update(state="pending", not_before=now, error="the customer cannot read it")
            .where(Outbound.id == row.id, Outbound.state == "sent", Outbound.delivered_at.is_null())
            .execute()
        )
        return bool(changed)

    def unsettled(self) -> list[Outbound]:
        """Replies that began to leave, and of which nobody knows whether they did."""
        return list(
            Outbound.select()
            .where(Outbound.user_id == self._user_id, Outbound.state.in_(("sending", "in_doubt")))
            .order_by(Outbound.id)
        )

    def expire(self, composed_before: datetime) -> int:
        """Give up replies nobody waits for any more; returns how many."""
        expired: int = (
            Outbound.update(state="dead", error="too old to be worth sending")
            .where(
                Outbound.user_id == self._user_id,
                Outbound.state == "pending",
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
        here = (Outbound.chat == chat_id) & Outbound.state.in_(("pending", "in_doubt"))
        return self._withdraw(here & Outbound.source.not_in(but), chat_id, reason)

    def recall(self, reply: int) -> bool:
        """Take a whole answer back, unless some of it has left already or may have."""
        parts = (Outbound.id == reply) | (Outbound.first_part == reply)
        try:
            with database.atomic():
                waiting = (Outbound.state == "pending") & (Outbound.copies == 0)
                recalled = (
                    Outbound.update(state="withdrawn", error="the customer changed the question")
                    .where(parts, waiting)
                    .execute()
                )
                if recalled < Outbound.select().where(parts).count():
                    raise _Changed
        except _Changed:
            return False
        return True

    def _withdraw(self, which: Any, chat_id: int, reason: str) -> int:
        """Withdraw replies, and say of the messages they answered that those got no answer."""
        with database.atomic():
            withdrawn: int = Outbound.update(state="withdrawn", error=reason).where(which).execute()
            if withdrawn:
                unsaid = Outbound.select(Outbound.id).where(
                    Outbound.chat == chat_id, Outbound.state == "withdrawn"
                )
                Inbound.update(state="ignored", reason=reason).where(
                    Inbound.chat == chat_id, Inbound.state == "answered", Inbound.reply.in_(unsaid)
                ).execute()
        return withdrawn

    def _store(
        self, chat_id: int, parts: Sequence[tuple[str, datetime]], source: str, now: datetime
    ) -> int | None:
        """Store the parts of one answer; the number of the first."""
        first_part: int | None = None
        for text, not_before in parts:
            row = Outbound.create(
                user_id=self._user_id,
                chat=chat_id,
                text=text,
                source=source,
                first_part=first_part,
                secret=secrets.token_bytes(SECRET_BYTES),
                created_at=now,
                not_before=not_before,
            )
            first_part = first_part or row.id
        return first_part

    def count(self, states: Iterable[str]) -> int:
        """How many replies are in these states."""
        count: int = (
            Outbound.select()
            .where(Outbound.user_id == self._user_id, Outbound.state.in_(list(states)))
            .count()
        )
        return count


def retry_at(now: datetime, seconds: float) -> datetime:
    """The time to try again."""
    return now + timedelta(seconds=seconds)
