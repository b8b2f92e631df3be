"""What may be a proof of payment: no model and no bot confirms it; a person gets it, as it came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from wabot.brain.payment import speaks_of_payment
from wabot.conversation.files.file_words import Files
from wabot.conversation.files.received_files import PASSED_ON_KINDS, attachment_of
from wabot.conversation.history import past_of
from wabot.conversation.outbox import Part
from wabot.database.models import Chat, Inbound
from wabot.database.states import OutboundKind
from wabot.whatsapp.messages import MessageKind
from wabot.whatsapp.uploads import UploadedFile

_LATELY = timedelta(days=1)
_TURNS_BEFORE = 4
_MOST_FILES = 4


def may_be_proofs(chat: Chat, rows: Sequence[Inbound], files: Files, now: datetime) -> bool:
    """Whether there are pictures or documents among the messages, and the chat speaks of paying.

    Args:
        chat: the chat.
        rows: its messages to answer, oldest first.
        files: that came with them.
        now: naive UTC.
    """
    if not _sent(rows):
        return False
    documents = [f"{file.file_name}\n{file.text}" for file in files.values()]
    before = past_of(chat.id, rows[-1].id, now - _LATELY, _TURNS_BEFORE).turns
    said = [*(row.text for row in rows), *(row.quoted_text for row in rows), *(text for _, _, text in before)]
    return any(map(speaks_of_payment, (*said, *documents)))


def to_pass_on(rows: Sequence[Inbound], files: Files, now: datetime) -> list[Part]:
    """The pictures and documents of messages as WhatsApp keeps them: nothing is uploaded for it.

    Without those of which nobody knows any more where they are.
    """
    parts = []
    for row in _sent(rows)[-_MOST_FILES:]:
        try:
            upload = UploadedFile.of(attachment_of(files[row.id])).to_json()
        except (KeyError, ValueError):
            continue
        is_picture = row.kind == MessageKind.IMAGE
        parts.append(
            Part("", now, OutboundKind.IMAGE if is_picture else OutboundKind.DOCUMENT, upload=upload)
        )
    return parts


def _sent(rows: Sequence[Inbound]) -> list[Inbound]:
    return [row for row in rows if row.kind in PASSED_ON_KINDS]
