"""The outbox as a queue, for the sender: which reply leaves next, and what became of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from peewee import SQL, Case, fn

from wabot.conversation.notices import TO_OWNER, MayPass, chat_that_may_be_told, may_pass
from wabot.conversation.outbox import OPEN_STATES, new_secret, withdraw
from wabot.conversation.outreach import Outreach
from wabot.conversation.owner_chat import text_of
from wabot.database.models import Chat, Inbound, Outbound
from wabot.database.statements import Parameter, Statement, is_one_of
from wabot.database.states import InboundState, OutboundState, Reason
from wabot.database.transactions import transaction, unsynced

COPIES_WITHOUT_EVIDENCE, MAX_COPIES = 2, 5
"""A phone that is not known to be there may have got any copy; one that is, and confirms none, has none."""
_THERE = timedelta(minutes=2)
_WORTH_SENDING = timedelta(days=1)
_LAST = 2**62
_SAME_MOMENT = timedelta(seconds=1)
_LATEST = datetime.max - _SAME_MOMENT


def _was_answered(chat: Any, first_part: Any) -> Any:
    """The condition that a chat got an answer before the one that begins with this part."""
    earlier = Outbound.alias("earlier")
    return fn.EXISTS(
        earlier.select(earlier.id).where(
            earlier.chat == chat, earlier.id < first_part, earlier.state == OutboundState.SENT
        )
    )


@cache
def _next_statement(only_known: bool, with_uploads: bool) -> Statement:
    return Statement(partial(_next, only_known, with_uploads), _to_send)


def _next(only_known: bool, with_uploads: bool) -> Any:
    """The oldest reply that is due, else the one that will be due first; of each chat's only the oldest.

    One that was stored, or last tried, at a time that is still to come is due as well: the clock was set back
    since, and how long it was to wait cannot be told any more.

    Args:
        only_known: only to chats that were answered before.
        with_uploads: also those whose file has to be uploaded first.
    """
    heads = (
        Outbound.select(fn.MIN(Outbound.id))
        .where(Outbound.user_id == Parameter("user_id"), Outbound.state.in_(OPEN_STATES))
        .group_by(Outbound.chat)
    )
    is_due = (
        (Outbound.not_before <= Parameter("now"))
        | (Outbound.created_at > Parameter("soon"))
        | (Outbound.sending_at > Parameter("soon"))
    )
    return (
        Outbound.select(
            Outbound.id,
            Outbound.chat,
            Chat.jid,
            Chat.contact,
            Chat.expiration_seconds,
            Outbound.kind,
            Outbound.text,
            Outbound.file,
            Outbound.upload,
            Outbound.source,
            Outbound.secret,
            Outbound.copies,
            Outbound.refusals,
            Outbound.created_at,
            Outbound.not_before,
            Case(None, [(is_due, 1)], 0),
        )
        .join(Chat)
        .where(
            Outbound.id.in_(heads),
            Outbound.state == OutboundState.PENDING,
            Outbound.created_at >= Parameter("composed_after"),
            _was_answered(Outbound.chat, fn.COALESCE(Outbound.first_part, Outbound.id))
            if only_known
            else SQL("1 = 1"),
            SQL("1 = 1") if with_uploads else (Outbound.file == "") | (Outbound.upload != ""),
        )
        .order_by(Case(None, [(is_due, Outbound.id)], _LAST), Outbound.not_before)
        .limit(1)
    )


def _to_send(reply_id: int, chat_id: int, jid: str, contact: str, *columns: Any) -> tuple[Outbound, bool]:
    expiration_seconds, kind, text, file, upload, *rest = columns
    source, secret, copies, refusals, created_at, not_before, is_due = rest
    row = Outbound(
        id=reply_id,
        chat=Chat(id=chat_id, jid=jid, contact=contact, expiration_seconds=expiration_seconds),
        kind=kind,
        text=text,
        file=file,
        upload=upload,
        source=source,
        secret=secret,
        copies=copies,
        refusals=refusals,
        created_at=created_at,
        not_before=not_before,
    )
    return row, bool(is_due)


_FIRST_ANSWER = Statement(
    lambda: (
        Outbound.select(Outbound.id)
        .where(
            Outbound.id == Parameter("reply_id"),
            ~_was_answered(Outbound.chat, fn.COALESCE(Outbound.first_part, Outbound.id)),
        )
        .limit(1)
    )
)
_MARK_SENT = Statement(
    lambda: Outbound.update(
        state=OutboundState.SENT, message_id=Parameter("message_id"), sent_at=Parameter("now"), error=""
    ).where(Outbound.id == Parameter("reply_id"))
)


def _named() -> Any:
    return (Outbound.user_id == Parameter("user_id")) & is_one_of(Outbound.message_id, "message_ids")


_MARK_DELIVERED = Statement(
    lambda: Outbound.update(delivered_at=Parameter("now")).where(_named(), Outbound.delivered_at.is_null())
)
_SETTLE_DELIVERED = Statement(
    lambda: Outbound.update(state=OutboundState.SENT, sent_at=Outbound.sending_at, error="").where(
        _named(), Outbound.state.in_((OutboundState.IN_DOUBT, OutboundState.UNSURE, OutboundState.PENDING))
    )
)


@cache
def _begin(passes: MayPass) -> Statement:
    chat = chat_that_may_be_told(Parameter("chat_id"), passes, Parameter("now"))
    return Statement(
        lambda: Outbound.update(
            state=OutboundState.SENDING,
            copies=Outbound.copies + 1,
            sending_at=Parameter("now"),
            secret=Parameter("secret", Outbound.secret.db_value),
        ).where(
            Outbound.id == Parameter("reply_id"), Outbound.state == OutboundState.PENDING, fn.EXISTS(chat)
        )
    )


class SendQueue:
    """The replies of one account, as they leave.

    Args:
        user_id: whose account.
        outreach: the messages that answer none, which leave when no reply does; None: there are none.

    Attributes:
        wakeup: set by any thread when there may be something to send; the sender waits for it.
    """

    def __init__(self, user_id: str, outreach: Outreach | None = None) -> None:
        self._user_id = user_id
        self._outreach = outreach
        self.wakeup = threading.Event()

    def next(
        self,
        now: datetime,
        composed_after: datetime | None = None,
        only_known: bool = False,
        with_uploads: bool = True,
    ) -> tuple[Outbound | None, datetime | None]:
        """The reply to send now, and failing that, when the next one is due.

        Only the oldest open reply of each chat counts, so that a chat's replies keep their order: one that is
        on its way, or in doubt, holds the later ones.

        Args:
            now: naive UTC.
            composed_after: leave out replies composed before this time (they wait for a stable link).
            only_known: leave out chats that were never answered before.
            with_uploads: whether a file may be uploaded now; else what needs that is left out.
        """
        statement = _next_statement(only_known, with_uploads)
        found: tuple[Outbound, bool] | None = statement.first(
            user_id=self._user_id,
            now=now,
            soon=min(now, _LATEST) + _SAME_MOMENT,
            composed_after=composed_after or datetime.min,
        )
        if found is None:
            return None, None
        row, is_due = found
        return (row, now) if is_due else (None, row.not_before)

    def release(self, now: datetime) -> tuple[bool, datetime | None]:
        """Let a message leave that answers none, behind the replies.

        Returns:
            Whether there was one, and failing that, when the next one is due, naive UTC.
        """
        if self._outreach is None:
            return False, None
        return self._outreach.release(now), self._outreach.next_at()

    def is_first(self, row: Outbound) -> bool:
        """Whether a reply is of the first answer that its chat ever got."""
        return _FIRST_ANSWER.first(reply_id=row.id) is not None

    def defer(self, row: Outbound, not_before: datetime) -> None:
        """Leave a reply in the queue until a time, naive UTC."""
        Outbound.update(not_before=not_before).where(Outbound.id == row.id).execute()

    def begin(self, row: Outbound, now: datetime) -> bool:
        """Write down that a reply is about to leave; from here on a crash leaves it in doubt.

        Each copy gets a secret of its own, so that the library's store tells which of them left.

        Returns:
            False when it must not leave any more: it was withdrawn, the customer opted out, the chat is
            paused, or its data was erased.
        """
        secret = new_secret()
        begun = _begin(may_pass(row.source)).change(
            reply_id=row.id, chat_id=row.chat_id, now=now, secret=secret
        )
        if begun:
            # Only now: until it is marked, what the owner is told may get another line, or lose its last one.
            row.text = text_of(row)
            if row.source in TO_OWNER and not row.text:
                Outbound.delete().where(Outbound.id == row.id).execute()
                return False
            row.copies += 1
            row.state, row.sending_at, row.secret = OutboundState.SENDING, now, secret
            return True
        # A row whose chat was made part of another one just now is looked at again there.
        waiting = (
            (Outbound.id == row.id)
            & (Outbound.state == OutboundState.PENDING)
            & (Outbound.chat == row.chat_id)
        )
        withdraw(waiting, row.chat_id, Reason.SILENCED)
        return False

    def mark_sent(self, row: Outbound, message_id: str, now: datetime) -> None:
        """Write down that WhatsApp took a reply, and as what.

        What the process says of itself within the next second or two takes this to the disk, too. A power
        cut before that leaves the reply in doubt, as one in the moment before this would.
        """
        with unsynced():
            _MARK_SENT.change(reply_id=row.id, message_id=message_id, now=now)

    def put_back(self, row: Outbound, error: str, not_before: datetime) -> None:
        """Have a reply sent again that surely did not leave."""
        Outbound.update(
            state=OutboundState.PENDING, copies=row.copies - 1, error=error[:500], not_before=not_before
        ).where(Outbound.id == row.id).execute()

    def mark_in_doubt(self, row: Outbound, error: str, message_id: str = "") -> None:
        """Write down that a reply may have left; `message_id` is as what, where that is known already."""
        row.state, row.message_id = OutboundState.IN_DOUBT, message_id
        Outbound.update(state=OutboundState.IN_DOUBT, message_id=message_id, error=error[:500]).where(
            Outbound.id == row.id
        ).execute()

    def leave_in_doubt(self, row: Outbound, resend: bool, not_before: datetime) -> OutboundState:
        """Settle a reply of whose last copy nothing more will be known: one more copy, or unsure for good.

        Args:
            row: the reply.
            resend: whether one more copy is wanted.
            not_before: when that may leave, naive UTC.

        Returns:
            The new state.
        """
        most = MAX_COPIES if resend and self._is_there(row) else COPIES_WITHOUT_EVIDENCE
        state = OutboundState.PENDING if resend and row.copies < most else OutboundState.UNSURE
        Outbound.update(state=state, not_before=not_before).where(Outbound.id == row.id).execute()
        return state

    def confirm(self, message_ids: Sequence[str], now: datetime) -> None:
        """Write down that a device of the customer has these messages; that settles all doubt of them."""
        with transaction():
            _MARK_DELIVERED.change(user_id=self._user_id, message_ids=message_ids, now=now)
            _SETTLE_DELIVERED.change(user_id=self._user_id, message_ids=message_ids)

    def hold(self, row: Outbound, error: str, now: datetime, wait_seconds: float) -> OutboundState:
        """Try a reply again later, for a day, that WhatsApp does not take now; returns its new state."""
        state = OutboundState.PENDING if now - row.created_at < _WORTH_SENDING else OutboundState.DEAD
        Outbound.update(
            state=state,
            refusals=row.refusals + 1,
            copies=row.copies - 1,
            error=error[:500],
            not_before=now + timedelta(seconds=wait_seconds),
        ).where(Outbound.id == row.id).execute()
        return state

    def mark_refused(self, row: Outbound, error: str) -> None:
        """Write down that WhatsApp refused a reply for good."""
        Outbound.update(
            state=OutboundState.DEAD, refusals=row.refusals + 1, copies=row.copies - 1, error=error[:500]
        ).where(Outbound.id == row.id).execute()

    def send_again(self, message_id: str, in_race: bool, now: datetime) -> bool:
        """Have a reply sent once more, and only once, that the customer's phone cannot read.

        Not where the chat went on meanwhile: then the reply would answer what nobody asks any more.

        Args:
            message_id: what it was sent as.
            in_race: only if it was sent at the very moment a message of the same chat came.
            now: naive UTC.

        Returns:
            Whether it will be sent.
        """
        row = Outbound.get_or_none(Outbound.user_id == self._user_id, Outbound.message_id == message_id)
        if (
            row is None
            or row.state != OutboundState.SENT
            or row.delivered_at
            or row.copies >= COPIES_WITHOUT_EVIDENCE
        ):
            return False
        sent_at = row.sent_at or now
        heard = Inbound.select().where(Inbound.chat == row.chat)
        if heard.where(Inbound.received_at > sent_at + _SAME_MOMENT).exists():
            return False
        if in_race and not heard.where(Inbound.received_at >= sent_at - _SAME_MOMENT).exists():
            return False
        changed: int = (
            Outbound.update(state=OutboundState.PENDING, not_before=now, error="the customer cannot read it")
            .where(
                Outbound.id == row.id, Outbound.state == OutboundState.SENT, Outbound.delivered_at.is_null()
            )
            .execute()
        )
        return bool(changed)

    def _is_there(self, row: Outbound) -> bool:
        """Whether the customer's phone was there when a reply left: it wrote, or confirmed another one."""
        since = (row.sending_at or row.created_at) - _THERE
        heard = (
            (Inbound.chat == row.chat)
            & (Inbound.state != InboundState.OWNER)
            & (Inbound.received_at >= since)
        )
        got = (Outbound.chat == row.chat) & (Outbound.delivered_at >= since)
        return bool(Inbound.select().where(heard).exists() or Outbound.select().where(got).exists())

    def unsettled(self) -> list[Outbound]:
        """Replies that began to leave, and of which nobody knows whether they did."""
        return list(
            Outbound.select(Outbound, Chat)
            .join(Chat)
            .where(
                Outbound.user_id == self._user_id,
                Outbound.state.in_((OutboundState.SENDING, OutboundState.IN_DOUBT)),
            )
            .order_by(Outbound.id)
        )
