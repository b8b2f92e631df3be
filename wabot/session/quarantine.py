"""Moves session directories aside instead of deleting them, with a note of why, and back again.

One entry is `quarantine/USER_ID.TIME/` with the directory as `session/` and the note as `note.json`. The move
is one rename, so an interruption leaves the directory in one of the two places, whole.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wabot.config.settings import SPOOL, STORE, lock_file
from wabot.errors import OperatorNeeded
from wabot.session.lock import SessionLock
from wabot.system.files import read_json, read_plain, sync
from wabot.system.units import own_command
from wabot.whatsapp.store import read_device

_NOTE = "note.json"
_SESSION = "session"
# An entry that is being deleted; what an interruption leaves of it is nothing to restore.
_DOOMED = ".deleting-"
_LARGEST_NOTE_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A session directory that was moved aside.

    Attributes:
        name: by which it is restored.
        path: the entry's own directory.
        user_id: whose session it is.
        reason: why it was moved.
        moved_at: when, naive UTC.
    """

    name: str
    path: Path
    user_id: str
    reason: str
    moved_at: datetime

    @property
    def session(self) -> Path:
        """The session directory itself."""
        return self.path / _SESSION


class Quarantine:
    """The place for what was moved aside.

    Args:
        path: its directory, on the same file system as the sessions; made when it is first needed.
        sessions: the directory of all sessions and their locks.
    """

    def __init__(self, path: Path, sessions: Path) -> None:
        self._path = path
        self._sessions = sessions

    def take(self, user_id: str, reason: str, now: datetime) -> QuarantineEntry:
        """Move a user's session directory here; the caller holds the session lock.

        Raises:
            OperatorNeeded: the file system refuses.
        """
        try:
            path = self._new_entry(f"{user_id}.{now:%Y%m%dT%H%M%SZ}")
            entry = QuarantineEntry(path.name, path, user_id, reason, now)
            _write_note(entry)
            (self._sessions / user_id).rename(entry.session)
            sync(path, self._path, self._sessions)
        except OSError as error:
            raise OperatorNeeded(
                f"{self._sessions / user_id} cannot be moved to {self._path}: {error.strerror}; "
                "both must be on one file system and belong to the user that runs wabot"
            ) from None
        return entry

    def take_copy(self, user_id: str, copy: Path, reason: str, now: datetime) -> QuarantineEntry:
        """Move a copy of a user's store here, as the session it was.

        Raises:
            OSError: the file system refuses.
        """
        path = self._new_entry(f"{user_id}.{now:%Y%m%dT%H%M%SZ}")
        entry = QuarantineEntry(path.name, path, user_id, reason, now)
        entry.session.mkdir(mode=0o700)
        _write_note(entry)
        copy.rename(entry.session / STORE)
        sync(entry.session, path, self._path)
        return entry

    def entries(self) -> list[QuarantineEntry]:
        """What is here, the oldest first."""
        found = [_read_entry(path) for path in self._directories() if not path.name.startswith(".")]
        return sorted(found, key=lambda entry: (entry.moved_at, entry.name))

    def restore(self, name: str, now: datetime) -> Path:
        """Move a session directory back to its place, and forget the entry.

        Args:
            name: of the entry, or of the user if there is only one of theirs.
            now: naive UTC, for a session without a number that is moved out of the way.

        Returns:
            The directory's path.

        Raises:
            OperatorNeeded: there is no such entry, or its place is taken.
            SessionInUse: a living process uses the session.
        """
        entries = {entry.name: entry for entry in self.entries() if entry.session.is_dir()}
        of_the_user = [entry for entry in entries.values() if entry.user_id == name]
        entry = of_the_user[0] if len(of_the_user) == 1 else entries.get(name)
        if entry is None:
            there = ", ".join(entries) or "nothing"
            raise OperatorNeeded(f"{name} is not in {self._path}; there is {there}")
        place = self._sessions / entry.user_id
        with SessionLock(lock_file(self._sessions, entry.user_id)).acquire(0):
            if place.exists():
                if not _is_empty(place):
                    raise OperatorNeeded(
                        f"{place} is there already, so {name} was not restored; "
                        f"move that one aside first: {own_command('reset')}"
                    )
                self.take(entry.user_id, "without a number, in the way of one with a number", now)
            try:
                entry.session.rename(place)
                # As if it had been used now; otherwise the next sweep could take it for old again.
                os.utime(place)
                shutil.rmtree(entry.path)
            except OSError as error:
                raise OperatorNeeded(f"{name} cannot be restored: {error.strerror}") from None
        return place

    def expired(self, older_than: timedelta, now: datetime) -> list[QuarantineEntry]:
        """Entries that have been here for longer, and those an interruption left without a session."""
        return [
            entry
            for entry in self.entries()
            if now - entry.moved_at > older_than
            or (now - entry.moved_at > timedelta(hours=1) and not entry.session.exists())
        ]

    def delete(self, entry: QuarantineEntry) -> None:
        """Delete an entry for good; nothing happens when another process was faster."""
        doomed = entry.path.with_name(_DOOMED + entry.name)
        try:
            entry.path.rename(doomed)
        except FileNotFoundError:
            return
        shutil.rmtree(doomed)

    def finish_deleting(self) -> None:
        """Complete what an interruption stopped."""
        for path in self._directories():
            if path.name.startswith(_DOOMED):
                shutil.rmtree(path, ignore_errors=True)

    def _directories(self) -> list[Path]:
        try:
            return [path for path in self._path.iterdir() if path.is_dir() and not path.is_symlink()]
        except FileNotFoundError:
            return []

    def _new_entry(self, name: str) -> Path:
        self._path.mkdir(mode=0o700, exist_ok=True)
        for number in range(1, 1000):
            path = self._path / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return path
        raise FileExistsError(17, "too many entries of one second", name)


def _is_empty(session: Path) -> bool:
    """Whether a session is linked to no number and holds no messages."""
    try:
        return not any(session.glob(f"{SPOOL}*")) and read_device(session / STORE) is None
    except OperatorNeeded:
        return False


def _write_note(entry: QuarantineEntry) -> None:
    note = {
        "user_id": entry.user_id,
        "reason": entry.reason,
        "moved_at": f"{entry.moved_at.replace(microsecond=0).isoformat()}Z",
        "restore": own_command(f"janitor --restore {entry.name}"),
    }
    descriptor = os.open(entry.path / _NOTE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(note, file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def _read_entry(path: Path) -> QuarantineEntry:
    user_id = path.name.rpartition(".")[0] or path.name
    try:
        reason, moved_at = read_json(read_plain(path / _NOTE, _LARGEST_NOTE_BYTES), _reason_and_time)
    except (OSError, ValueError):
        # The directory's own time is the rename's.
        reason = "no note"
        moved_at = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    return QuarantineEntry(path.name, path, user_id, reason, moved_at)


def _reason_and_time(note: Any) -> tuple[str, datetime]:
    moved_at = datetime.fromisoformat(note["moved_at"]).astimezone(UTC).replace(tzinfo=None)
    return str(note["reason"]), moved_at
