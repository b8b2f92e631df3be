"""A message with a file in words, as models and people read it in a conversation.

What a machine heard or saw is marked as that: it may be wrong, and no customer wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wabot.conversation.files.received_files import files_with
from wabot.database.models import ReceivedFile
from wabot.database.states import OutboundKind
from wabot.whatsapp.messages import FILE_KINDS, MessageKind

Files = Mapping[int, ReceivedFile]
"""The files of messages, by the number of the message."""

_MOST_DESCRIPTION_CHARACTERS = 1000


def files_among(messages: Iterable[tuple[int, str]]) -> Files:
    """The files of these messages, each its number and its kind; texts alone cost no look."""
    numbers = [number for number, kind in messages if kind in FILE_KINDS]
    return files_with(numbers) if numbers else {}


def in_words(kind: str, text: str, file: ReceivedFile | None) -> str:
    """What a message with a file says: what it is, with what is known of it, and the words beside it.

    Args:
        kind: one of `MessageKind`, of those with files.
        text: its caption, or of a voice note what was heard.
        file: its file, where there is a row of one.
    """
    return f"{mark_of(kind, text, file)} {text}".rstrip()


def mark_of(kind: str, text: str, file: ReceivedFile | None) -> str:
    """The same without the words: what stands before them."""
    return f"[{kind}{_detail(kind, text, file)}]"


def sent_in_words(kind: str, text: str, file: str = "") -> str:
    """What a reply says; of a file or a place also what it is.

    Args:
        kind: one of `OutboundKind`.
        text: what it says.
        file: its path in the folder of texts, for people.
    """
    if kind == OutboundKind.TEXT:
        return text
    return f"[{' '.join(filter(None, (kind, file)))}] {text}".rstrip()


def _detail(kind: str, text: str, file: ReceivedFile | None) -> str:
    if kind == MessageKind.AUDIO:
        return ", as a machine heard it" if text.strip() else ""
    if kind == MessageKind.DOCUMENT and file is not None and file.file_name:
        return f" {_in_brackets(file.file_name)}"
    if kind == MessageKind.IMAGE and file is not None and file.text:
        return f", as a machine saw it: {_in_brackets(file.text)}"
    return ""


def _in_brackets(text: str) -> str:
    """On one line, and without what would end the brackets."""
    line = " ".join(text.split()).replace("[", "(").replace("]", ")")
    return line[:_MOST_DESCRIPTION_CHARACTERS]
