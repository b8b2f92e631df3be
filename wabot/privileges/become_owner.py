"""Whom a directory belongs to, and how root becomes that user before it touches anything there.

Whoever owns a directory decides where each name in it leads: to files of root's, to a pipe that never ends,
to a journal by which SQLite deletes what it names. As that user, a process can do no more than they can.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from wabot.errors import OperatorNeeded

_MOST_LINKS = 40
_ANYBODY = -1


@dataclass(frozen=True, slots=True)
class Owner:
    """A user and the group that goes with it."""

    uid: int
    gid: int


ROOT = Owner(0, 0)


def owner_of(path: Path, *, is_shared: bool = False) -> Owner:
    """Whom a directory belongs to, or will belong to where it is still to be made; for root, who asks.

    Args:
        path: the directory.
        is_shared: whether it may be everybody's, as /tmp, because only what is new is made there.

    Raises:
        OperatorNeeded: somebody else decides where the path leads.
    """
    way = _Way(path)
    owner = way.status.st_uid
    hands = way.links
    if owner == 0:
        hands = {**way.hands, **_changers(way.status, way.place)}
        if way.status.st_mode & stat.S_IWOTH and not is_shared:
            # In /tmp nobody can take away what is there, but be the first to make what is not.
            hands[_ANYBODY] = way.place
    for hand, place in hands.items():
        if hand != owner:
            raise OperatorNeeded(
                f"{_named(hand)} can change {place}, and so decides where {path} leads, which belongs to "
                f"{_named(owner)}: so root does nothing there; give both to one user, with sudo chown"
            )
    return Owner(owner, _group(way.status))


def require_roots_own(file: Path) -> None:
    """See that nobody but root can change a file that tells root what to do.

    Raises:
        OperatorNeeded: somebody else can.
    """
    way = _Way(file)
    for hand, place in {**way.hands, **_changers(way.status, way.place)}.items():
        raise OperatorNeeded(
            f"{_named(hand)} can change {place}, and {file} would let root work in a directory of root's: "
            f"sudo chown root: {place} && sudo chmod go-w {place}"
        )


def become(owner: Owner) -> None:
    """Become another user for good, with the groups that its services have."""
    try:
        name = pwd.getpwuid(owner.uid).pw_name
    except KeyError:
        os.setgroups([])
    else:
        os.initgroups(name, owner.gid)
    os.setgid(owner.gid)
    os.setuid(owner.uid)


def become_owner_of(state: Path) -> None:
    """Become the owner of a state directory for good, where this is root.

    Raises:
        OperatorNeeded: somebody else decides where its path leads.
    """
    if os.geteuid() == 0 and (owner := owner_of(state)) != ROOT:
        become(owner)
        take_home(owner, state)


def take_home(owner: Owner, state: Path) -> None:
    """Let libraries look for their files in the home of the user that this process is now.

    In root's, libpq takes a file that it may not see for one that it must not do without.

    Args:
        owner: the user.
        state: the state directory; a home it stands in stays, since the default of `paths.state` goes by it.
    """
    if os.environ.get("HOME") and state.is_relative_to(os.environ["HOME"]):
        return
    try:
        entry = pwd.getpwuid(owner.uid)
    except KeyError:
        os.environ["HOME"] = str(state)
        return
    os.environ.update(HOME=entry.pw_dir, USER=entry.pw_name, LOGNAME=entry.pw_name)


class _Way:
    """The directories that a path leads through, as far as it exists.

    Attributes:
        place, status: the last of them.
        is_there: whether that is where the path leads.
        hands: who besides root can change one of those above it, and which.
        links: who could have put a link there that the path leads through, and where.
    """

    def __init__(self, path: Path) -> None:
        self.place, self.status, self.is_there = Path("/"), Path("/").stat(), True
        self.hands: dict[int, Path] = {}
        self.links: dict[int, Path] = {}
        left = list(Path(os.path.abspath(path)).parts[1:])  # noqa: PTH100 - Path.absolute() keeps the ".."
        for _ in range(_MOST_LINKS):
            link = self._walk(left)
            if link is None:
                return
            self.links |= self.hands
            left = [*link.parts[link.is_absolute() :], *left]
            if link.is_absolute():
                self.place, self.status = Path("/"), Path("/").stat()
        raise OperatorNeeded(f"{path} leads through too many links")

    def _walk(self, left: list[str]) -> Path | None:
        """Go on until there is a link, which is returned, or an end."""
        while left:
            name = left.pop(0)
            if name == "..":
                self.place = self.place.parent
                self.status = self.place.stat()
                continue
            try:
                following = (self.place / name).lstat()
            except (FileNotFoundError, NotADirectoryError):
                self.is_there = False
                return None
            self.hands |= _changers(self.status, self.place)
            if stat.S_ISLNK(following.st_mode):
                return (self.place / name).readlink()
            self.place, self.status = self.place / name, following
        return None


def _changers(status: os.stat_result, place: Path) -> dict[int, Path]:
    """Who besides root can change which files are in a directory, or what is in a file."""
    found = {}
    if status.st_uid and not _is_trusted(status.st_uid):
        found[status.st_uid] = place
    if not status.st_mode & stat.S_ISVTX:
        by_group = status.st_mode & stat.S_IWGRP and status.st_gid
        if by_group or status.st_mode & stat.S_IWOTH:
            found[_ANYBODY] = place
    return found


def _is_trusted(uid: int) -> bool:
    """Who typed sudo can be root anyway; who is no user here, as the owner of a mounted file, is nobody."""
    if os.environ.get("SUDO_UID") == str(uid):
        return True
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return True
    return False


def _group(status: os.stat_result) -> int:
    """The group of the owner: the user's own, because anybody may have been given the directory."""
    if status.st_uid == 0:
        return 0
    try:
        return pwd.getpwuid(status.st_uid).pw_gid
    except KeyError:
        return status.st_gid or status.st_uid


def _named(uid: int) -> str:
    if uid == _ANYBODY:
        return "more than one user"
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"
