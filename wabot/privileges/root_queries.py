"""Questions that only root can answer in full, asked by root where this process has become another user.

systemd: root asks it on a socket of its own, also where there is no D-Bus. And who has files open: of other
users' processes only root sees that.
"""

from __future__ import annotations

import re
from pathlib import Path

from wabot.privileges import root_helper
from wabot.system.process import output_of

SHOW_UNIT, FIND_PROCESSES = "show a unit", "find processes"

_ASK_SECONDS = 10.0


def show_unit(unit: str, *properties: str) -> dict[str, str] | None:
    """Properties of a unit, with times in UTC; None where systemd cannot be asked.

    Args:
        unit: its name.
        properties: their names.
    """
    if root_helper.is_elsewhere():
        found: dict[str, str] | None = root_helper.do(SHOW_UNIT, unit=unit, properties=list(properties))
        return found
    return show_unit_here(unit, list(properties))


def show_unit_here(unit: str, properties: list[str]) -> dict[str, str] | None:
    """The properties, asked for by this process."""
    if not re.fullmatch(r"[A-Za-z0-9:_.@\\-]{1,255}", unit):
        return None
    command = ("systemctl", "show", "--timestamp=us+utc", f"--property={','.join(properties)}", "--", unit)
    shown = output_of(*command, timeout_seconds=_ASK_SECONDS)
    if shown is None:
        return None
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def processes_with_open_files(directory: Path) -> list[int]:
    """The ids of the processes of this machine that have files open below a directory."""
    if root_helper.is_elsewhere():
        found: list[int] = root_helper.do(FIND_PROCESSES, directory=str(directory))
        return found
    return processes_here(str(directory))


def processes_here(directory: str) -> list[int]:
    """The processes, looked for by this one."""
    return [
        int(process.name) for process in Path("/proc").glob("[0-9]*") if _has_open(process, f"{directory}/")
    ]


def _has_open(process: Path, directory: str) -> bool:
    try:
        return any(str(link.readlink()).startswith(directory) for link in (process / "fd").iterdir())
    except OSError:
        # Gone meanwhile, or another user's.
        return False
