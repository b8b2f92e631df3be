"""What a process does at its start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from wabot.whatsapp.library import LIBRARY_ENVIRONMENT

_COUNT_HEAPS = """
import ctypes, sys, threading
from wabot.system.process import share_heaps
if sys.argv[1] == "shared":
    share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(12)
def allocate():
    together.wait()
    libc.malloc(100_000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.stdout.flush()
stream = ctypes.c_void_p.in_dll(libc, "stdout")
libc.malloc_info(0, stream)
libc.fflush(stream)
"""


def heaps(how: str) -> int:
    """How many heaps a process with a dozen threads has."""
    told = subprocess.run(
        [sys.executable, "-c", _COUNT_HEAPS, how], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    return told.count("<heap nr=")


def test_all_threads_share_two_heaps() -> None:
    assert heaps("shared") <= 2 < heaps("as they come")


def test_what_lies_in_the_working_directory_is_not_run(tmp_path: Path) -> None:
    """Where the library's environment is missing the command starts once more, perhaps as root."""
    package = tmp_path / "wabot"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("print('somebody else')")
    command = [str(Path(sys.executable).with_name("wabot")), "run", "--config", "none.toml"]
    environ = {name: value for name, value in os.environ.items() if name not in LIBRARY_ENVIRONMENT}
    shown = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert (shown.returncode, shown.stdout) == (78, ""), shown.stderr
    assert "none.toml" in shown.stderr
