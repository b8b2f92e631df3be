"""Sweeps over the folders of received files: nothing stays there that nobody is to read any more."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path

from wabot.config.settings import MEDIA
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.janitor.sweep import ActionKind, Sweep
from wabot.media.directory import MediaDirectory
from wabot.session.directories import session_names

_UNDER_WAY = timedelta(hours=1)
"""A file that is fetched or read at this moment is not older."""


def sweep_files(sweep: Sweep) -> None:
    """Delete received files that no message waits for, and all in sessions that were moved aside."""
    for user_id in session_names(sweep.settings.sessions):
        # What another database's messages wait for, this one does not know.
        if user_id not in sweep.protected:
            wanted = ReceivedFiles(user_id).open_numbers()
            _sweep(sweep, sweep.settings.sessions / user_id / MEDIA, user_id, wanted)
    for directory in sorted(sweep.settings.quarantine.rglob(MEDIA)):
        _sweep(sweep, directory, "", set())


def _sweep(sweep: Sweep, directory: Path, user_id: str, wanted: set[int]) -> None:
    before = (sweep.now - _UNDER_WAY).replace(tzinfo=UTC).timestamp()
    left = MediaDirectory(directory).left_over(wanted, before)
    for path in left if sweep.apply else ():
        path.unlink(missing_ok=True)
    if left:
        what = f"{len(left)} received file{'' if len(left) == 1 else 's'} in {directory}"
        sweep.report(ActionKind.FILES_DELETED, what, user_id, "no message waits for it")
