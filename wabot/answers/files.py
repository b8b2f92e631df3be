"""The files that came with the messages to answer: what a model is shown, what is said of those unread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wabot.brain.conversation import Document
from wabot.brain.pictures import Picture
from wabot.conversation.ends import Arrival, what_is
from wabot.conversation.files.file_words import Files, files_among
from wabot.conversation.notices import Unanswered
from wabot.database.models import Inbound, ReceivedFile
from wabot.database.states import FileFailure, FileState, KeptOut
from wabot.media.directory import MediaDirectory
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


def says_something(rows: Sequence[Inbound], files: Files) -> bool:
    """Whether there is something among these messages that a brain can answer."""
    return any(what_came(row, files) is Arrival.WORDS for row in rows)


def without_unseen(files: Files) -> Files:
    """The files but for pictures, which nobody looked at."""
    return {number: file for number, file in files.items() if file.state != FileState.FETCHED}


def pictures_in(file: ReceivedFile | None, directory: MediaDirectory) -> tuple[Picture, ...]:
    """The picture that came with a message, for models that see."""
    if file is None or file.kind != MessageKind.IMAGE or file.state != FileState.FETCHED:
        return ()
    return (Picture(directory.path_of(file.id)),)


def documents_in(file: ReceivedFile | None) -> tuple[Document, ...]:
    """The text of the document that came with a message."""
    if file is None or file.kind != MessageKind.DOCUMENT or file.state != FileState.UNDERSTOOD:
        return ()
    return (Document(file.file_name, file.text),) if file.text else ()


def are_gone(rows: Sequence[Inbound], files: Files) -> bool:
    """Whether these are files that WhatsApp has no more, or not whole: whoever sent them can again."""
    found = [files.get(row.id) for row in rows]
    return all(
        file is not None and file.state == FileState.FAILED and file.reason.startswith(_LOST_FILE)
        for file in found
    )


class Missed(NamedTuple):
    """What the owner is told of a message that nobody here could read: why, and what it is called."""

    why: Unanswered
    what: str = ""


def were_not_heard(rows: Sequence[Inbound], files: Files) -> bool:
    """Whether these are voice notes that somebody here listens to, but for these."""
    found = [files.get(row.id) for row in rows]
    return all(
        row.kind == MessageKind.AUDIO and file is not None and file.reason != KeptOut.UNHEARD
        for row, file in zip(rows, found, strict=True)
    )


def missed_by(rows: Sequence[Inbound], files: Files) -> list[Missed]:
    """What the owner is told of messages that nobody here could read, each once."""
    found = []
    for row in rows:
        file = files.get(row.id)
        name = file.file_name if file is not None and row.kind == MessageKind.DOCUMENT else ""
        found.append(Missed(_MISSED.get(row.kind, Unanswered.NOT_READ), name))
    return list(dict.fromkeys(found))
