"""Reads a file that may be hostile in a process of its own: what hurts there hurts nobody else.

A module of ours is started with the file as its standard input. It calls `confine` before it imports what
reads such files, writes what it found to its standard output, and ends. It is given no environment, so no
secret; how long it may take, how much memory, and how much it may say, has an end.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from pathlib import Path

from wabot.system.files import open_plain

CPU_SECONDS = 10
"""How long such a process may work; twice as long, it may take."""
_MEMORY_BYTES = 512 * 1024 * 1024
_MODULES = Path(__file__).resolve().parents[2]


class Unreadable(Exception):
    """Nothing was read. The message says why, for people, and goes after a name: "it is damaged"."""


def confine(cpu_seconds: int) -> None:
    """Bound what this process may take, for good.

    Args:
        cpu_seconds: how long it may work.

    Raises:
        OSError, ValueError: it cannot be bounded; then it must read nothing.
    """
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def read_confined(
    module: str,
    file: Path,
    *arguments: int,
    most_bytes: int,
    through_links: bool = False,
    cpu_seconds: int = CPU_SECONDS,
) -> bytes:
    """What a module of ours writes of a file.

    Args:
        module: its name; it is told `cpu_seconds`, with which it calls `confine`, and the arguments.
        file: a regular one.
        arguments: for the module.
        most_bytes: more than that is not believed.
        through_links: whether the file may be a link.
        cpu_seconds: how long it may work; twice as long, it may take.

    Raises:
        Unreadable: it failed, ran out of what it may take, or wrote too much.
        OSError: the file cannot be opened, or no process started.
    """
    # Here, because it takes 3 ms, and most commands do without.
    import subprocess

    descriptor = open_plain(file, through_links=through_links)
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", module, *map(str, (cpu_seconds, *arguments))],
            stdin=descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": str(_MODULES), "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    with child:
        # Reading ends with it, whatever it does.
        deadline = threading.Timer(2 * cpu_seconds, child.kill)
        deadline.daemon = True
        deadline.start()
        assert child.stdout is not None
        written = child.stdout.read(most_bytes + 1)
        # It may still have more to say, which nobody reads.
        child.stdout.close()
        child.wait()
        deadline.cancel()
    if child.returncode or len(written) > most_bytes:
        raise Unreadable("it is damaged, or made to be read for ever")
    return written
