"""The persona: who the model is to be, from a file that is read again when it changes."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from wabot.system.plain_file import read_plain

DEFAULT_PERSONA = (
    "You are the assistant of a small shop and answer its customers on WhatsApp. "
    "You are warm, honest and brief, like a good shop assistant who knows the house."
)

_MAX_BYTES = 32_768

log = logging.getLogger(__name__)


class Persona:
    """The persona's text. Safe to share by threads.

    Without a file, or while it is missing, empty or unreadable, the last good text serves; at first the
    default.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._text = DEFAULT_PERSONA
        self._read_state: tuple[int, int] | None = None
        self._complaint = ""

    def text(self) -> str:
        """Return the persona as it is now; one stat() of the file, a read only when it changed."""
        if self._path is None:
            return self._text
        with self._lock:
            try:
                state = self._path.stat()
                if (state.st_mtime_ns, state.st_size) != self._read_state:
                    self._text = self._read(self._path) or self._text
                    self._read_state = (state.st_mtime_ns, state.st_size)
                self._complaint = ""
            except FileNotFoundError:
                self._read_state = None
            except (OSError, UnicodeDecodeError) as error:
                self._complain(
                    f"{type(error).__name__}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"
                )
            return self._text

    def _read(self, path: Path) -> str:
        data = read_plain(path, _MAX_BYTES + 1, through_links=True)
        if len(data) > _MAX_BYTES:
            log.warning("persona: only the first %d bytes of %s are used", _MAX_BYTES, path)
            # The cut may fall inside a character.
            return data[:_MAX_BYTES].decode("utf-8", errors="ignore").strip()
        return data.decode("utf-8").strip()

    def _complain(self, complaint: str) -> None:
        # Once per trouble, not once per reply.
        if complaint != self._complaint:
            log.warning("persona: %s cannot be used (%s); the text before stays", self._path, complaint)
            self._complaint = complaint
