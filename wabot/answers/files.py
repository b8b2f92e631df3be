"""The files that came with the messages to answer: what is known of them, what is said of those unread."""

from __future__ import annotations

from collections.abc import Sequence

from wabot.conversation.ends import Arrival, what_is
from wabot.conversation.file_words import Files, files_among
from wabot.conversation.notices import Unanswered
from wabot.database.models import Inbound
from wabot.database.states import FileFailure, FileState
from wabot.whatsapp.messages import MessageKind

_MISSED: dict[str, Unanswered] = {
    MessageKind.AUDIO: Unanswered.NOT_HEARD,
    MessageKind.IMAGE: Unanswered.NOT_SEEN,
    MessageKind.VIDEO: Unanswered.NOT_WATCHED,
    MessageKind.DOCUMENT: Unanswered.DOCUMENT,
}
_LOST_FILE = (FileFailure.GONE, FileFailure.DAMAGED)


def files_of(rows: Sequence[Inbound]) -> Files:
    """The files that came with these messages; texts alone cost no look."""
    return files_among((row.id, row.kind) for row in rows)


def what_came(row: Inbound, files: Files) -> Arrival:
    """What a message is by what is done about it: one whose file was understood says something."""
    file = files.get(row.id)
    understood = file is not None and (
        file.state == FileState.FETCHED or (file.state == FileState.UNDERSTOOD and file.text != "")
    )
    return what_is(row.kind, row.text, is_understood=understood)


def are_gone(rows: Sequence[Inbound], files: Files) -> bool:
    """Whether these are files that WhatsApp has no more, or not whole: whoever sent them can again."""
    found = [files.get(row.id) for row in rows]
    return all(
        file is not None and file.state == FileState.FAILED and file.reason.startswith(_LOST_FILE)
        for file in found
    )


def missed_by(rows: Sequence[Inbound]) -> list[Unanswered]:
    """What the owner is told of messages that nobody here could read, each once."""
    return list(dict.fromkeys(_MISSED.get(row.kind, Unanswered.NOT_READ) for row in rows))
