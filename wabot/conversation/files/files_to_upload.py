"""Replies whose files have to be uploaded before they leave: what became of that, in their rows.

A row is changed only while it is to be sent: it may be withdrawn while its file is on the way.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wabot.database.models import Outbound
from wabot.database.states import OutboundState


def needs_upload(row: Outbound) -> bool:
    """Whether its file has to be uploaded before it can leave."""
    return bool(row.file) and not row.upload


def begin_upload(row: Outbound, not_before: datetime) -> None:
    """Write down that the file of a reply is about to be uploaded, which may end the process.

    Args:
        row: the reply.
        not_before: when to try again if nothing more is heard of this, naive UTC.
    """
    row.refusals += 1
    _change(row, refusals=row.refusals, not_before=not_before)


def mark_uploaded(row: Outbound, upload: str, now: datetime) -> None:
    """Write down where WhatsApp keeps the file of a reply, which leaves now."""
    _change(row, upload=upload, refusals=0, not_before=now, error="")


def upload_again(row: Outbound, error: str, not_before: datetime, counts: bool) -> None:
    """Have the file of a reply uploaded again later; `counts`: the failure does, as an attempt."""
    refusals = row.refusals if counts else row.refusals - 1
    _change(row, error=error[:500], not_before=not_before, refusals=refusals)


def give_up(row: Outbound, error: str) -> bool:
    """Give up a reply whose file cannot be sent; whether it was still to be sent."""
    return _change(row, state=OutboundState.DEAD, error=error[:500])


def _change(row: Outbound, **changes: Any) -> bool:
    here = (Outbound.id == row.id) & (Outbound.state == OutboundState.PENDING)
    return bool(Outbound.update(**changes).where(here).execute())
