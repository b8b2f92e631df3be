"""Decides which of the files that come with messages are fetched, and writes each of them down.

What is not fetched has its reason in its row; whoever answers its message says so to the customer.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from wabot.config.settings import MediaSettings, Settings
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.database.states import KeptOut
from wabot.whatsapp.messages import Attachment, IncomingMessage, MessageKind

_DAY = timedelta(days=1)


class IncomingFiles:
    """The files of one account, as they come.

    Args:
        files: where they are written down.
        media: how large and how many they may be.
        hears: whether there is something that listens to voice notes.
        sees: whether there is something that looks at pictures.
        reads: whether there is something that reads documents.
    """

    def __init__(
        self,
        files: ReceivedFiles,
        media: MediaSettings,
        *,
        hears: bool = False,
        sees: bool = False,
        reads: bool = False,
    ) -> None:
        self._files = files
        self._media = media
        self._missing = {
            MessageKind.AUDIO: "" if hears else KeptOut.UNHEARD,
            MessageKind.IMAGE: "" if sees else KeptOut.UNSEEN,
            MessageKind.DOCUMENT: "" if reads else KeptOut.UNREAD,
        }
        self._longest = {
            MessageKind.AUDIO: media.voice_max_bytes,
            MessageKind.IMAGE: media.image_max_bytes,
            MessageKind.DOCUMENT: media.document_max_bytes,
        }

    @classmethod
    def of(cls, files: ReceivedFiles, settings: Settings) -> IncomingFiles:
        """Those of a bot with these settings."""
        ai = settings.ai
        return cls(files, settings.media, hears=ai.hears, sees=ai.sees, reads=ai.reads)

    def keep(self, message: IncomingMessage, row_id: int, chat_id: int, refused: str, now: datetime) -> None:
        """Write down the file of a message, in the transaction that stores the message.

        Args:
            message: it has a file.
            row_id: the number of its row.
            chat_id: its chat.
            refused: why the message is not answered, if it is not: then nobody needs its file.
            now: naive UTC.
        """
        if message.attachment is not None:
            reason = refused or self._objection(message.kind, message.attachment, chat_id, now)
            self._files.add(row_id, message.kind, message.attachment, reason, now)

    def _objection(self, kind: MessageKind, file: Attachment, chat_id: int, now: datetime) -> str:
        """Why a file is not fetched, or ""."""
        missing = self._missing.get(kind, KeptOut.NEVER)
        if missing:
            return missing
        if kind is MessageKind.DOCUMENT and not _is_pdf(file):
            return KeptOut.NO_PDF
        if file.size_bytes > self._longest[kind]:
            return KeptOut.TOO_LARGE
        if kind is MessageKind.AUDIO and file.seconds > self._media.voice_longest_seconds:
            return KeptOut.TOO_LONG
        most = self._media.per_chat_per_day
        if most and self._files.count_in_chat(chat_id, now - _DAY, most) >= most:
            return KeptOut.TOO_MANY
        return ""


def _is_pdf(file: Attachment) -> bool:
    return file.mimetype == "application/pdf" or file.file_name.lower().endswith(".pdf")
