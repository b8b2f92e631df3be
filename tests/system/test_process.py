"""What a process does at its start, and that its stacks are shown when it hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from wabot.system.process import output_of
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


_THREADS = 30
# Threads that enter and leave functions all the time: whoever reads their frames without the interpreter's
# lock follows one that is gone.
_BUSY = f"""
import threading, time

def busy(depth):
    if depth:
        return [busy(depth - 1) for _ in range(2)]
    time.sleep(0)

def keep_busy():
    while True:
        busy(4)

for _ in range({_THREADS}):
    threading.Thread(target=keep_busy, daemon=True).start()
time.sleep(0.2)
"""


def run(says: str, setup: str = "") -> subprocess.CompletedProcess[str]:
    """What a process writes that shows its stacks."""
    begin = """
        import ctypes, faulthandler, os, signal, sys, time
        from wabot.system.process import *
        faulthandler.enable()
        show_stacks_on_abort()
    """
    program = textwrap.dedent(begin) + setup + textwrap.dedent(says)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("attempt", range(3))
def test_an_abort_shows_the_whole_stack_of_every_thread(attempt: int) -> None:
    done = run("os.kill(os.getpid(), signal.SIGABRT)\ntime.sleep(30)\nprint('lives on')", _BUSY)
    assert (done.returncode, done.stdout) == (-signal.SIGABRT, "")
    stacks = done.stderr.split("hread 0x")
    assert len(stacks) == 1 + _THREADS + 2, "a title, those, the one that wrote it, and main"
    assert all("in keep_busy" in stack for stack in stacks[1:-2]), done.stderr
    assert "in <module>" in stacks[-1]
    assert stacks[0].startswith("<2>wabot.system.process: aborted by SIGABRT")
    assert "Fatal Python error" not in done.stderr


def test_an_abort_in_c_shows_them_as_well() -> None:
    done = run("def in_trouble():\n    os.abort()\nin_trouble()")
    assert done.returncode == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in done.stderr
    assert "in in_trouble" in done.stderr


def test_an_interpreter_that_is_stuck_shows_them_without_its_lock() -> None:
    """PyDLL keeps the interpreter's lock during the call: no other thread can move."""
    says = """
        def stuck():
            ctypes.PyDLL(None).sleep(2)
        show_stacks_unless_beaten(0.2, stuck_seconds=0.2)
        stuck()
    """
    done = run(says)
    assert done.returncode == 0
    assert "in stuck" in done.stderr
    assert "in _wait_for_abort" in done.stderr


def test_who_beats_in_time_or_is_over_shows_nothing() -> None:
    says = """
        for _ in range(10):
            show_stacks_unless_beaten(0.2, stuck_seconds=0.1)
            time.sleep(0.05)
        no_beat_expected()
        time.sleep(0.4)
    """
    done = run(says)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("script", "printed"), [("echo hello", "hello\n"), ("echo hello; exit 3", None), ("exec sleep 60", None)]
)
def test_what_a_program_prints_is_known_only_where_it_ends_well_and_in_time(
    script: str, printed: str | None
) -> None:
    assert output_of("/bin/sh", "-c", script, timeout_seconds=5 if printed else 1) == printed


def test_a_program_that_is_not_there_prints_nothing(tmp_path: Path) -> None:
    assert output_of(str(tmp_path / "none"), timeout_seconds=5) is None
