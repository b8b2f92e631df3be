"""Settles the replies of which nobody knows whether they left: the link was cut, or the process ended."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from wabot.clock import utc_now
from wabot.config.settings import Settings
from wabot.conversation.chats import masked
from wabot.conversation.outbox import Outbox
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Outbound
from wabot.database.states import OutboundState
from wabot.session.store_pruning import note_position, prune
from wabot.whatsapp.store import find_message_ids
from wabot.whatsapp.store_query import StoreSilent

log = logging.getLogger(__name__)

RECEIPT_SECONDS = 5.0
"""How long a link has to be up before a missing receipt means something.

A phone confirms what it gets within a second; WhatsApp keeps that for an account that is away.
"""
_LOOKUP_AGAIN_SECONDS = 5.0
_REMEMBERED_REPLIES = 1000


class SentIds(Protocol):
    """What knows by its secret what left: the client library's store."""

    def message_ids(self, secrets: list[bytes], /) -> Mapping[bytes, str]:
        """The ids of those that left, by their secrets; raises StoreSilent."""


class ArrivedReplies(Protocol):
    """What knows which replies devices of customers have confirmed."""

    def arrived(self, message_id: str, /) -> bool:
        """Whether one has this."""


class OwnerTold(Protocol):
    """What the owner is told of replies, and what becomes of their chats."""

    def tell_unsure(self, reply: Outbound) -> None:
        """Say that a reply may never have arrived, and is not sent again."""

    def leave_shut_out(self, reply: Outbound) -> None:
        """Leave a chat to a person, because WhatsApp does not let this device write there."""


class UnconfirmedSends:
    """Finds out about each reply in doubt; called by the sender between two sends.

    A reply whose secret is not in the library's store surely never left. Any other has an id there, and a
    device of the customer confirms that id, or does not.

    Args:
        queue: where they are.
        store: the library's, with its client running.
        receipts: what devices of customers have confirmed.
        resend: send what was not confirmed again; otherwise it stays unsent.
        owner: told of a reply that may never have arrived, and is not sent again; None: nobody is.

    Attributes:
        exist: whether there may be something to settle; then it may take up to `store_query.LOOKUP_SECONDS`.
    """

    def __init__(
        self,
        queue: SendQueue,
        store: SentIds,
        receipts: ArrivedReplies,
        resend: bool,
        owner: OwnerTold | None = None,
    ) -> None:
        self._queue = queue
        self._store = store
        self._receipts = receipts
        self._resend = resend
        self._owner = owner
        self._lookup_at = float("-inf")
        # By reply and copy; and under which ids each reply left, as far as this process knows.
        self._left_at: dict[tuple[int, int], float] = {}
        self._ids: OrderedDict[int, set[str]] = OrderedDict()
        self.exist = True

    def arose(self) -> None:
        """Look for replies in doubt again: there may be one now."""
        self.exist = True

    def settle(self, now: float, up_since: float) -> float | None:
        """Settle what can be settled; return when to look again.

        Args:
            now: monotonic seconds.
            up_since: since when the link has been up, likewise.
        """
        if not self.exist:
            return None
        rows = self._identify(self._queue.unsettled(), now)
        self._left_at = {_copy(row): self._left_at.get(_copy(row), _left_at(row, now)) for row in rows}
        judged_at = [due for row in rows if (due := self._judge(row, now, up_since)) is not None]
        self.exist = bool(judged_at)
        return min(judged_at, default=None)

    def _identify(self, rows: list[Outbound], now: float) -> list[Outbound]:
        """Give each reply the id it left with; those that have none are sent again."""
        nameless = [row for row in rows if row.state == OutboundState.SENDING or not row.message_id]
        if not nameless or now < self._lookup_at:
            return rows
        try:
            ids = self._store.message_ids([bytes(row.secret) for row in nameless])
        except StoreSilent as error:
            self._lookup_at = now + _LOOKUP_AGAIN_SECONDS
            log.warning("%s; replies in doubt wait", error)
            return rows
        for row in nameless:
            message_id = ids.get(bytes(row.secret))
            if message_id is None:
                self._queue.put_back(row, "it never left", utc_now())
                log.info("reply %d to %s never left; it is sent now", row.id, masked(row.chat))
            else:
                self._queue.mark_in_doubt(row, row.error, message_id)
        return [row for row in rows if row not in nameless or bytes(row.secret) in ids]

    def _judge(self, row: Outbound, now: float, up_since: float) -> float | None:
        """Decide about one reply that has an id; return when, if it is too early."""
        if not row.message_id:
            return self._lookup_at
        if row.delivered_at or any(self._receipts.arrived(each) for each in self._ids_of(row)):
            self._queue.confirm([row.message_id], utc_now())
            log.info("reply %d to %s has arrived after all", row.id, masked(row.chat))
            return None
        # Each further copy waits twice as long: a receipt that is late speaks of an earlier one.
        patience_seconds = RECEIPT_SECONDS * 2.0 ** max(row.copies - 1, 0)
        due = max(up_since, self._left_at[_copy(row)]) + patience_seconds
        if now < due:
            return due
        state = self._queue.leave_in_doubt(row, self._resend, utc_now())
        level = logging.WARNING if state == OutboundState.UNSURE else logging.INFO
        log.log(
            level,
            "reply %d to %s was not confirmed by the customer's phone; now %s",
            row.id,
            masked(row.chat),
            state,
        )
        if state == OutboundState.UNSURE and self._owner is not None:
            self._owner.tell_unsure(row)
        return None

    def _ids_of(self, row: Outbound) -> set[str]:
        """Under which ids a reply may have arrived; this copy's is among them from now on."""
        ids = self._ids.setdefault(row.id, set())
        ids.add(row.message_id)
        if len(self._ids) > _REMEMBERED_REPLIES:
            self._ids.popitem(last=False)
        return ids


def _copy(row: Outbound) -> tuple[int, int]:
    return row.id, row.copies


def _left_at(row: Outbound, now: float) -> float:
    """When a reply left, in monotonic seconds; at the latest now, whatever the clock says by which it did."""
    if row.sending_at is None:
        return now
    return now - max(0.0, (utc_now() - row.sending_at).total_seconds())


_PRUNING_SECONDS = 2.0
_EXPIRE_REPLIES_AFTER = timedelta(hours=24)


def recover_in_flight(queue: SendQueue, store: Path) -> None:
    """Find out about the replies that were leaving when the last process ended; before the client is opened.

    One whose secret is not in the client's store surely did not leave and is sent again as if nothing had
    happened; any other is in doubt until a device of the customer confirms it.
    """
    rows = [row for row in queue.unsettled() if not (row.state == OutboundState.IN_DOUBT and row.message_id)]
    known = find_message_ids(store, [bytes(row.secret) for row in rows])
    for row in rows:
        message_id = known.get(bytes(row.secret))
        if message_id is None:
            queue.put_back(row, "the process ended before it left", row.not_before)
            log.info(
                "reply %d to %s had not left when the last process ended; it is sent now",
                row.id,
                masked(row.chat),
            )
        else:
            queue.mark_in_doubt(row, f"the process ended while {message_id} was leaving", message_id)
            log.info("reply %d to %s was leaving when the last process ended", row.id, masked(row.chat))


def forget_old_senders(settings: Settings) -> None:
    """Delete from the client's store who wrote longer ago than messages are kept; before it is opened."""
    user_id, now = settings.account.user_id, utc_now()
    history = timedelta(days=settings.janitor.history_days)
    note_position(user_id, settings.session_store, now, history)
    prune(user_id, settings.session_store, now, history, _PRUNING_SECONDS)


def give_up_old_replies(outbox: Outbox) -> None:
    """Nobody waits any more for a reply that could not leave for a day."""
    expired = outbox.expire(utc_now() - _EXPIRE_REPLIES_AFTER)
    if expired:
        log.warning("%d replies older than a day were given up", expired)
