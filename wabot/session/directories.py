"""What the disk says of sessions: which directories there are, who holds them, whether they are linked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wabot.config.settings import STORE, USER_ID, lock_file
from wabot.errors import OperatorNeeded
from wabot.session.lock import borrowed, is_held
from wabot.whatsapp.store import read_device

_PASSING = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class SessionDirectories:
    """The sessions below one or more directories; several configurations may keep theirs apart.

    Attributes:
        places: the directories that hold session directories and their lock files.
    """

    places: tuple[Path, ...]

    def is_held(self, user_id: str) -> bool:
        """Whether a living process holds this user's session."""
        return _is_name(user_id) and any(is_held(lock_file(place, user_id)) for place in self.places)

    def may_be_linked(self, user_id: str) -> bool:
        """Whether there is a directory with a linked session, or with one that cannot be read."""
        return _is_name(user_id) and any(
            _may_be_linked(place, user_id) for place in self.places if (place / user_id).is_dir()
        )


def session_names(place: Path) -> list[str]:
    """The users that have a directory here."""
    try:
        entries = list(place.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        entry.name for entry in entries if _is_name(entry.name) and entry.is_dir() and not entry.is_symlink()
    )


def last_used(directory: Path) -> datetime:
    """When anything in a session directory was last written, naive UTC.

    SQLite's passing files do not count: they come and go with every look.
    """
    files = [path for path in directory.iterdir() if not path.name.endswith(_PASSING)]
    moments = [path.lstat().st_mtime for path in files] or [directory.stat().st_mtime]
    return datetime.fromtimestamp(max(moments), UTC).replace(tzinfo=None)


def places_of(states: Iterable[Path]) -> tuple[Path, ...]:
    """The places of sessions below these state directories, each once."""
    return tuple(dict.fromkeys(state / "sessions" for state in states))


def _may_be_linked(place: Path, user_id: str) -> bool:
    """False only where it is certain: no process uses the session, and it is linked to no number."""
    try:
        with borrowed(lock_file(place, user_id)) as free:
            return not free or read_device(place / user_id / STORE) is not None
    except OperatorNeeded:
        return True


def _is_name(user_id: str) -> bool:
    # A row may hold any text, also one that would lead out of the directory.
    return re.fullmatch(USER_ID, user_id) is not None
