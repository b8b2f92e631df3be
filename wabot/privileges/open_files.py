"""Which processes of this machine have files open below a directory; only root sees those of every user."""

from __future__ import annotations

from pathlib import Path

from wabot.privileges import root_helper as root_hand

PROCESSES = "find processes"


def processes_with_open_files(directory: Path) -> list[int]:
    """Their ids."""
    if root_hand.is_elsewhere():
        found: list[int] = root_hand.do(PROCESSES, directory=str(directory))
        return found
    return processes_here(str(directory))


def processes_here(directory: str) -> list[int]:
    """The same, looked for by this process."""
    return [
        int(process.name) for process in Path("/proc").glob("[0-9]*") if _has_open(process, f"{directory}/")
    ]


def _has_open(process: Path, directory: str) -> bool:
    try:
        return any(str(link.readlink()).startswith(directory) for link in (process / "fd").iterdir())
    except OSError:
        # Gone meanwhile, or another user's.
        return False
