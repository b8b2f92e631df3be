"""Waits until the disk has what was written."""

from __future__ import annotations

import os
from pathlib import Path


def sync(*paths: Path) -> None:
    """Wait until the disk has these files, and the names in these directories.

    A new or renamed file needs both: its own fsync does not take its name in the directory along (fsync(2)).

    Raises:
        OSError: the disk does not take it, or there is nothing at a path.
    """
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
