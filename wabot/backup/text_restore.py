"""Puts the files that people wrote back from a backup: configuration, persona, knowledge."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from wabot.backup.manifest import checksum, checksums
from wabot.system.disk import sync
from wabot.system.plain_file import open_plain


@dataclass(frozen=True, slots=True)
class Text:
    """A file or a folder on its way back.

    Attributes:
        saved: in the backup.
        place: where it stood.
        aside: where to move what stands there now.
        mode: who might read it there, where that is known.
        group: the service's, for what has no like there; None for that of the directory it is in.
    """

    saved: Path
    place: Path
    aside: Path
    mode: int | None
    group: int | None

    def is_as_saved(self) -> bool:
        """Whether it stands in its place just as it was saved."""
        if self.saved.is_dir():
            return self.place.is_dir() and _seen(checksums(self.place)) == checksums(self.saved)
        return self.place.is_file() and checksum(self.place) == checksum(self.saved)

    def put(self) -> None:
        """Put it in its place; whatever happens meanwhile, it or what stood there is whole.

        Raises:
            OSError: the disk does not take it.
        """
        self.place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh = self.place.with_name(f".{self.place.name}.restoring")
        if fresh.is_dir() and not fresh.is_symlink():
            shutil.rmtree(fresh)
        else:
            fresh.unlink(missing_ok=True)
        if self.saved.is_dir():
            shutil.copytree(self.saved, fresh, copy_function=_copy)
        else:
            _copy(self.saved, fresh)
        made = [fresh, *(fresh.rglob("*") if fresh.is_dir() else ())]
        for path in made:
            self._give(path, self.place / path.relative_to(fresh))
        sync(*made)
        if os.path.lexists(self.place):
            self.place.rename(self.aside)
        fresh.rename(self.place)
        sync(self.place.parent)

    def _give(self, made: Path, replaced: Path) -> None:
        """Let the same people read it as what it replaces; in /etc/wabot those are the service's group."""
        try:
            found = replaced.lstat()
        except OSError:
            found = None
        is_directory = made.is_dir()
        if found is not None and stat.S_IFMT(found.st_mode) == stat.S_IFMT(made.lstat().st_mode):
            owner, group, mode = found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode) & 0o777
        else:
            around = self.place.parent.stat()
            owner, group = around.st_uid, around.st_gid if self.group is None else self.group
            mode = stat.S_IMODE(around.st_mode) & 0o750 if self.mode is None else self.mode & 0o755
            if self.group is not None:
                mode |= stat.S_IRGRP
            # Who may read a folder may enter it.
            mode = mode | (mode & 0o444) >> 2 if is_directory else mode & 0o644
        if os.geteuid() == 0:
            os.chown(made, owner, group, follow_symlinks=False)
        made.chmod(mode)


def _seen(files: dict[str, str]) -> dict[str, str]:
    """Those that a backup takes along: what is hidden is none of its business."""
    return {name: digest for name, digest in files.items() if "/." not in f"/{name}"}


def _copy(saved: str | Path, place: str | Path) -> None:
    # "x": never through a link that somebody put there.
    with os.fdopen(open_plain(saved), "rb") as source, Path(place).open("xb") as target:
        shutil.copyfileobj(source, target)
