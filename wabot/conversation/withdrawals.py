"""Takes replies back that must not leave any more."""

from __future__ import annotations

from typing import Any

from wabot.database.models import Inbound, Outbound, database


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
        withdrawn: int = Outbound.update(state="withdrawn", error=reason).where(which).execute()
        if withdrawn:
            unsaid = Outbound.select(Outbound.id).where(
                Outbound.chat == chat_id, Outbound.state == "withdrawn"
            )
            Inbound.update(state="ignored", reason=reason).where(
                Inbound.chat == chat_id, Inbound.state == "answered", Inbound.reply.in_(unsaid)
            ).execute()
    return withdrawn
