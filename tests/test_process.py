"""What a process does at its start."""

from __future__ import annotations

import subprocess
import sys

_COUNT_HEAPS = """
import ctypes, sys, threading
from wabot.process import share_heaps
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
