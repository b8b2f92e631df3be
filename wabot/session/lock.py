"""The file lock that keeps every second process away from a session, and the name of the one that holds it.

The lock stands beside the session directory and is never deleted: a lock file that is removed while it is
held lets a second process lock a new file of the same name, and two processes on one number evict each other.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from wabot.clock import local_text, utc_now
from wabot.errors import OperatorNeeded
from wabot.system.files import read_json, read_plain

_LARGEST_STAMP_BYTES = 4096
# `kill 1` is no advice.
_FIRST_PID = 2
# systemd.unit(5).
_UNIT = r"[A-Za-z0-9:_.@\\-]{1,255}\.(service|scope)"
_LOOK_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DISK_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
_CANNOT_LOCK_ERRNOS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
# is_held() has a shared lock for microseconds; a start at that very moment must not take it for a living bot.
_LEAST_GRACE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that wrote its name into a lock file.

    Attributes:
        pid: its process id, as it saw it itself.
        host: the machine it runs on.
        unit: its systemd service, None outside of one.
        since: when it took the lock, in UTC.
    """

    pid: int
    host: str
    unit: str | None
    since: datetime

    def __str__(self) -> str:
        unit = f", {self.unit}" if self.unit else ""
        return f"PID {self.pid} (host {self.host}{unit}, since {local_text(self.since, '%Y-%m-%d %H:%M:%S')})"


def own_stamp() -> bytes:
    """The line that names this process, for its lock file."""
    stamp = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "unit": own_unit(),
        "since": utc_now().replace(tzinfo=UTC).isoformat(timespec="seconds"),
    }
    return (json.dumps(stamp) + "\n").encode()


def read_holder(path: Path) -> Holder | None:
    """Who holds the lock file, or held it last: only `is_held` tells the two apart.

    Returns:
        None when there is no lock file, or none that this program signed.
    """
    try:
        line = read_plain(path, _LARGEST_STAMP_BYTES).partition(b"\n")[0]
        return read_json(line, _holder_of)
    except (OSError, ValueError):
        return None


def _holder_of(stamp: Any) -> Holder:
    pid, host, unit = stamp["pid"], stamp["host"], stamp["unit"]
    since = datetime.fromisoformat(stamp["since"]).astimezone(UTC)
    if not isinstance(pid, int) or pid < _FIRST_PID or not isinstance(host, str) or not host.isprintable():
        raise ValueError("this names no process")
    if unit is not None and not isinstance(unit, str):
        raise ValueError("this names no unit")
    # What stands there is told to people who type it: a name, or nothing.
    return Holder(pid, host, unit if unit and re.fullmatch(_UNIT, unit) else None, since)


def own_unit() -> str | None:
    """The service this process runs in, from its control group, which systemd names after the unit."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    # cgroup v2 has one line, "0::/system.slice/wabot.service"; on v1 that of systemd is named "name=systemd".
    for line in lines:
        hierarchy, _, path = line.partition(":")[2].partition(":")
        unit = path.rpartition("/")[2]
        if hierarchy in ("", "name=systemd") and unit.endswith(".service"):
            return unit
    return None


class SessionInUse(OperatorNeeded):
    """Another living process holds the session.

    Args:
        path: the lock file.
        holder: who holds it, None where the lock file does not say.
    """

    def __init__(self, path: Path, holder: Holder | None) -> None:
        if holder is None:
            who, advice = "a process that left no name", f"`fuser -v {path}` finds it; stop it first"
        elif holder.host != socket.gethostname():
            who, advice = str(holder), "stop it there first, and let one machine alone use this directory"
        elif holder.unit is not None and holder.unit.startswith("wabot"):
            who, advice = str(holder), f"stop it first: sudo systemctl stop {holder.unit}"
        else:
            who, advice = str(holder), f"stop it first: kill {holder.pid}"
        super().__init__(f"session {path.stem} is in use by {who}; {advice}")
        self.holder = holder
        self.advice = advice


class SessionLock:
    """An exclusive claim on one session, held until released or until the process ends, however it ends.

    Keep a reference for as long as the session is used: the lock of a collected object is released.

    Args:
        path: the lock file; created with mode 0600, in directories of mode 0700, where missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode: tuple[int, int] | None = None
        # thread_local: otherwise every thread but the one that acquired it would see a free lock.
        # fallback_to_soft: a marker file outlives kill -9, and then nobody can start.
        self._lock = FileLock(
            path, mode=0o600, thread_local=False, fallback_to_soft=False, on_acquired=self._sign
        )

    def acquire(self, grace_seconds: float) -> Self:
        """Take the lock, waiting up to `grace_seconds` for a process that is just ending.

        Returns:
            itself, to be used in a `with` that releases.

        Raises:
            SessionInUse: a living process holds it.
            OperatorNeeded: the lock file cannot be opened or the file system cannot lock.
        """
        try:
            _make_private_directory(self.path.parent)
            self._lock.acquire(timeout=max(grace_seconds, _LEAST_GRACE_SECONDS))
        except Timeout:
            raise SessionInUse(self.path, read_holder(self.path)) from None
        except OSError as error:
            raise _refusal(self.path, error) from None
        return self

    def release(self) -> None:
        """Give the session back; does nothing when it is not held."""
        self._inode = None
        self._lock.release(force=True)

    def is_intact(self) -> bool:
        """Whether this process holds the lock and the lock file is still the one others would open."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return self._lock.is_locked and (found.st_dev, found.st_ino) == self._inode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _sign(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        self._inode = (found.st_dev, found.st_ino)
        line = own_stamp()
        # In this order no reader finds an empty file; what is left of an older stamp is a second line.
        os.pwrite(descriptor, line, 0)
        os.ftruncate(descriptor, len(line))


@contextmanager
def borrowed(path: Path) -> Iterator[bool]:
    """Keep every other process away for a moment, without signing: a look that leaves no trace.

    Yields:
        False when a living process holds the lock. True where there is no lock file: nobody ever used it.

    Raises:
        OperatorNeeded: the lock file cannot be opened, or the file system cannot lock.
    """
    with _tried(path, fcntl.LOCK_EX) as free:
        yield free


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file; creates and changes nothing.

    Raises:
        OperatorNeeded: the lock file cannot be opened, or the file system cannot lock.
    """
    # Shared, so that two who look at the same time do not take each other for the holder.
    with _tried(path, fcntl.LOCK_SH) as free:
        return not free


@contextmanager
def _tried(path: Path, kind: int) -> Iterator[bool]:
    """Try to hold a lock of this kind for the block; yields whether that worked."""
    try:
        descriptor = os.open(path, _LOOK_ONLY)
    except (FileNotFoundError, NotADirectoryError):
        yield True
        return
    except OSError as error:
        raise _refusal(path, error) from None
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        except OSError as error:
            raise _refusal(path, error) from None
        yield free
    finally:
        os.close(descriptor)


def _refusal(path: Path, error: OSError) -> OperatorNeeded:
    if error.errno in _CANNOT_LOCK_ERRNOS:
        return OperatorNeeded(
            f"{path}: this file system cannot lock files ({error.strerror}); put paths.state on a local disk"
        )
    if error.errno in _DISK_ERRNOS:
        return OperatorNeeded(
            f"{path}: the session lock cannot be written ({error.strerror}); "
            f"see df -h and mount, then start again"
        )
    return OperatorNeeded(
        f"{path}: the session lock cannot be opened ({error.strerror}); "
        f"the directory and the file must belong to the user that runs wabot"
    )


def _make_private_directory(directory: Path) -> None:
    for missing in reversed([each for each in (directory, *directory.parents) if not each.exists()]):
        # One by one: Path.mkdir(parents=True) gives the parents the mode the umask allows.
        missing.mkdir(mode=0o700, exist_ok=True)
