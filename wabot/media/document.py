"""Who reads documents: the text of a PDF, by a process with limits."""

from __future__ import annotations

from pathlib import Path

from wabot.brain.output.cleaning import drop_odd_characters
from wabot.config.settings import MediaSettings
from wabot.database.models import ReceivedFile
from wabot.media.worker import NotUnderstood, Understood
from wabot.system.untrusted.confined import CPU_SECONDS, Unreadable
from wabot.system.untrusted.pdf import read_pdf

_MOST_PAGES, _MOST_CHARACTERS = 50, 20_000


class DocumentReader:
    """Reads PDFs. Safe to share by threads.

    Args:
        media: how large one may be.

    Attributes:
        most_bytes: how large one may be.
    """

    def __init__(self, media: MediaSettings) -> None:
        self.most_bytes = media.document_max_bytes

    def seconds(self, row: ReceivedFile) -> float:
        """How long it may take to read one."""
        return 2.0 * CPU_SECONDS

    def read(self, row: ReceivedFile, path: Path) -> Understood | None:
        """The text of its first pages.

        Raises:
            NotUnderstood: nothing can be read in it.
        """
        try:
            read = read_pdf(path, _MOST_PAGES, _MOST_CHARACTERS)
        except Unreadable as error:
            raise NotUnderstood(str(error), worth_retry=False) from None
        return Understood(drop_odd_characters(read.text), "PDF")
