"""What the owner is told of customers, line by line: each says of whom, to be shown and erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from peewee import fn

from wabot.conversation.notices import (
    TO_OWNER,
)
from wabot.database.models import Chat, Outbound, OwnerLine


def add_line(notice_id: int, text: str, about: int | None) -> None:
    """Add a line to a row of the outbox.

    Args:
        notice_id: the row.
        text: the line.
        about: the chat it speaks of, if any.

    Raises:
        IntegrityError: one of the two is not there any more.
    """
    OwnerLine.insert(notice=notice_id, text=text, about=about).execute()


def text_of(row: Outbound) -> str:
    """What a row of the outbox says; for the owner, all its lines."""
    if row.text or row.source not in TO_OWNER:
        return str(row.text)
    lines = OwnerLine.select(OwnerLine.text).where(OwnerLine.notice == row.id).order_by(OwnerLine.id)
    return "\n".join(line.text for line in lines)


def length_of(notice_id: int) -> int:
    """How many characters the lines of a row of the outbox have, without their ends."""
    characters = fn.SUM(fn.LENGTH(OwnerLine.text))
    return int(OwnerLine.select(characters).where(OwnerLine.notice == notice_id).scalar() or 0)


def was_told_about(chat_id: int, text: str, since: datetime) -> bool:
    """Whether the owner was told this of a chat, or is about to be."""
    told = (
        OwnerLine.select()
        .join(Outbound)
        .where(OwnerLine.about == chat_id, OwnerLine.text == text, Outbound.created_at >= since)
    )
    return bool(told.exists())


def lines_about(chats: Sequence[Chat]) -> list[str]:
    """What the owner was told, or is about to be, of these chats."""
    about = OwnerLine.about.in_([chat.id for chat in chats])
    return [line.text for line in OwnerLine.select().where(about).order_by(OwnerLine.id)]


def erase_lines_about(chats: Sequence[Chat]) -> int:
    """Take these chats out of what the owner was told, or is about to be; how many texts that changes."""
    about = OwnerLine.about.in_([chat.id for chat in chats])
    changed = sorted({line.notice_id for line in OwnerLine.select(OwnerLine.notice).where(about)})
    OwnerLine.delete().where(about).execute()
    left = OwnerLine.select().where(OwnerLine.notice == Outbound.id)
    Outbound.delete().where(Outbound.id.in_(changed), ~fn.EXISTS(left)).execute()
    return len(changed)
