"""A small disk for the bot's state in a soak, which can be filled and freed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

_SIZE_MB = 64
_BLOCK_BYTES = 65_536


class SmallDisk:
    """A file system in memory, for root on Linux alone; a context manager.

    Args:
        path: an empty directory, in which the files stay afterwards.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def __enter__(self) -> SmallDisk:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE_MB}m,mode=0700", "tmpfs", str(self.path)]
        subprocess.run(mount, check=True, capture_output=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kept = self.path.with_name(f"{self.path.name}-kept")
        shutil.copytree(self.path, kept, symlinks=True)
        subprocess.run(["umount", "--lazy", str(self.path)], check=True, capture_output=True)
        self.path.rmdir()
        kept.rename(self.path)

    def fill(self, seconds: float) -> None:
        """Leave no room for so long."""
        try:
            with self._ballast.open("wb", buffering=0) as file:
                _fill(file.fileno())
                time.sleep(seconds)
        finally:
            self._ballast.unlink(missing_ok=True)


def can_be_made() -> bool:
    """Whether this process may mount a file system."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


def _fill(descriptor: int) -> None:
    """Write until nothing fits any more; the last blocks are small ones."""
    size_bytes = _BLOCK_BYTES
    while size_bytes:
        try:
            os.write(descriptor, b"\0" * size_bytes)
        except OSError:
            size_bytes //= 16
