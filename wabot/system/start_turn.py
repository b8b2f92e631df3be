"""Lets bots that are started together start one after another, as many at once as there are processors.

At a boot with 200 numbers all of them would load the client library at the same time, and none be up before
all are.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FILE = "starting.lock"
_LOOK_SECONDS = 0.1


@contextmanager
def start_turn(state: Path, longest_seconds: float = 60.0, at_once: int | None = None) -> Iterator[bool]:
    """Wait for a turn, and keep it for the block; without one after a while, and where there is no locking.

    Args:
        state: the state directory, which bots of one machine usually share.
        longest_seconds: a bot that hangs in its start holds nobody up for longer.
        at_once: how many may start at the same time; by default as many as there are processors.

    Yields:
        Whether it is one of so many.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(state / _FILE, flags, 0o600)
    except OSError:
        descriptor = -1
    try:
        deadline = time.monotonic() + longest_seconds
        yield descriptor >= 0 and _wait(descriptor, deadline, at_once or os.cpu_count() or 1)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _wait(descriptor: int, deadline: float, at_once: int) -> bool:
    """Take one of the first bytes of the file; the end of the process, however it comes, gives it back."""
    while True:
        for place in range(at_once):
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):
                continue
            except OSError:
                # A file system without locks.
                return False
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
