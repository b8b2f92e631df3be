"""The name that the holder of a session writes into its lock file, for people who find it in use."""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wabot.clock import local_text, utc_now
from wabot.system.plain_file import read_plain

_LARGEST_STAMP_BYTES = 4096
# `kill 1` is no advice.
_FIRST_PID = 2
# systemd.unit(5).
_UNIT = r"[A-Za-z0-9:_.@\\-]{1,255}\.(service|scope)"


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
        stamp = json.loads(line)
        pid, host, unit = stamp["pid"], stamp["host"], stamp["unit"]
        since = datetime.fromisoformat(stamp["since"]).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    if not isinstance(pid, int) or pid < _FIRST_PID or not isinstance(host, str) or not host.isprintable():
        return None
    if unit is not None and not isinstance(unit, str):
        return None
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
