"""How long customers waited, read from the rows: nothing on the way of a message has to measure itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from peewee import fn

from wabot.conversation.send_queue import OPEN_STATES
from wabot.database.models import Inbound, Outbound

_IDS_AT_ONCE = 500


class ReplyLatency:
    """Finds the messages whose answers have left since the last look.

    Replies are looked up by their ids: those that were open at the last look, and those written since; so a
    look costs no more with years of history.

    Args:
        user_id: whose account.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._newest: int | None = None
        self._open: set[int] = set()

    def look(self) -> Iterator[float]:
        """The seconds that each message waited from its arrival to the first part of its answer.

        Raises:
            peewee.OperationalError, peewee.InterfaceError: the database is away; the next look makes up.
        """
        outbound: Any = Outbound
        mine = outbound.user_id == self._user_id
        # Of all accounts: of one there is no index.
        newest = outbound.select(fn.MAX(outbound.id)).scalar() or 0
        of_open = outbound.select(outbound.id).where(
            mine, outbound.state.in_(OPEN_STATES), outbound.id <= newest
        )
        still_open = {row.id for row in of_open}
        waits: list[float] = []
        if self._newest is not None:
            # What is sent while this looks was open a moment ago, and is the next look's.
            candidates = sorted(self._open - still_open)
            for first in range(0, len(candidates), _IDS_AT_ONCE):
                waits += self._waits(outbound.id.in_(candidates[first : first + _IDS_AT_ONCE]), set())
            waits += self._waits((outbound.id > self._newest) & (outbound.id <= newest), still_open)
        self._newest, self._open = newest, still_open
        yield from waits

    def _waits(self, condition: Any, left_out: set[int]) -> list[float]:
        inbound: Any = Inbound
        outbound: Any = Outbound
        answered = (
            inbound.select(outbound.id, inbound.received_at, outbound.sent_at)
            # Of one chat: that is what there is an index for.
            .join(outbound, on=(inbound.chat == outbound.chat) & (inbound.reply == outbound.id))
            .where(outbound.user_id == self._user_id, outbound.state == "sent", condition)
        )
        return [
            _seconds(received_at, sent_at)
            for reply, received_at, sent_at in answered.tuples()
            if sent_at and reply not in left_out
        ]


def _seconds(received_at: datetime, sent_at: datetime) -> float:
    return max(0.0, (sent_at - received_at).total_seconds())
