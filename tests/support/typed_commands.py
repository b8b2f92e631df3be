"""Commands as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WAIT_SECONDS = 60
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def wabot(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "wabot", *map(str, arguments)],
        env={**ENVIRON, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
