"""A control group of its own for each container.

systemd-nspawn that keeps its unit (252 to 257) puts what it runs into `payload` below its own group. Two
containers started from one group would share that, and each other's services with it: where one stops
wabot.service, the group that the other one's is about to be started in is gone.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def make(name: str) -> list[Path]:
    """Make a group below this process's own, in each hierarchy that systemd uses.

    Returns:
        Where a process writes its number to `cgroup.procs` to enter it.
    """
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    groups = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        # The unified hierarchy has no name; beside it, or alone, there may be the one of cgroup v1.
        if controllers not in ("", "name=systemd"):
            continue
        kind = "cgroup" if controllers else "cgroup2"
        where = [mount[1] for mount in mounts if mount[2] == kind and controllers in mount[3]]
        if where:
            group = Path(where[0], path.lstrip("/"), name)
            group.mkdir()
            groups.append(group)
    return groups


def remove(groups: list[Path]) -> None:
    """Remove groups and what was made below them; one with a process in it stays."""
    for group in groups:
        for each in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                each.rmdir()
        with suppress(OSError):
            group.rmdir()
