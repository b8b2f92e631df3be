"""Puts the files that people wrote back from a backup: configuration, persona, knowledge."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from wabot.backup_manifest import checksums


def is_as_saved(saved: Path, place: Path) -> bool:
    """Whether a file or a folder stands in its place just as it was saved."""
    if saved.is_dir():
        return place.is_dir() and checksums(place) == checksums(saved)
    return place.is_file() and place.read_bytes() == saved.read_bytes()


def put_text(saved: Path, place: Path, aside: Path) -> None:
    """Put a file or a folder in its place.

    Args:
        saved: in the backup.
        place: where it stood.
        aside: where to move what stands there now.
    """
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = place.with_name(f".{place.name}.restoring")
    if saved.is_dir():
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(saved, fresh)
    else:
        fresh.unlink(missing_ok=True)
        # "x": never through a link that somebody put there.
        with fresh.open("xb") as file:
            file.write(saved.read_bytes())
    _give_like(place.parent, fresh)
    if place.exists():
        place.rename(aside)
    fresh.rename(place)


def _give_like(directory: Path, made: Path) -> None:
    """Let those read it who may read the directory it is in: in /etc/wabot that is the service's group."""
    found = directory.stat()
    mode = stat.S_IMODE(found.st_mode) & 0o750
    for path in (made, *(made.rglob("*") if made.is_dir() else ())):
        if os.geteuid() == 0:
            os.chown(path, found.st_uid, found.st_gid, follow_symlinks=False)
        path.chmod(mode if path.is_dir() else mode & 0o640)
