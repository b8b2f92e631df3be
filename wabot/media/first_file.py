"""Waits for the first file that is to be read, and has its readers begin: many a bot never gets one."""

from __future__ import annotations

from collections.abc import Callable

from wabot.conversation.files.received_files import ReceivedFiles
from wabot.database.workers import DatabaseWorker
from wabot.media.directory import MediaDirectory


class FirstFile(DatabaseWorker):
    """The thread that waits; it ends when they have begun.

    Args:
        files: the rows.
        directory: where files lie; what an earlier process left there goes first.
        begin: loads the readers, which takes memory, and starts their threads.
    """

    waits = "received files wait"

    def __init__(self, files: ReceivedFiles, directory: MediaDirectory, begin: Callable[[], None]) -> None:
        super().__init__("media", files.wakeup)
        self._files = files
        self._directory = directory
        self._begin = begin
        self._is_swept = False

    def work(self) -> float | None:
        """Begin if there is one."""
        if not self._is_swept:
            self._directory.sweep(self._files.open_numbers())
            self._is_swept = True
        if self._files.has_waiting():
            self._begin()
            self._stop_asked.set()
        return None
