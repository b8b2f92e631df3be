"""Runs the unmodified bot, or a script that uses neonize, against the emulator.

    python -m wabot.emulator.server.launcher ROOT_KEY wabot run --config wabot.toml
    python -m wabot.emulator.server.launcher ROOT_KEY echo.py session.sqlite

The client library trusts one root key for the service, which stands in its writable data. Here, and only in
the memory of this one process, it is replaced by ROOT_KEY (64 hex digits). Nothing on disk changes, and a bot
that is started in any other way cannot be led to an emulator.

Where WABOT_EMULATOR_CLOCK names a file, the program's clock is ahead of the machine's by the
seconds in it, so that a clock can be set under a running bot. That, too, only in the memory of this process.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from wabot.emulator.server.root_key import LEADS_ELSEWHERE, PINNED_ROOT_KEY, leads_to_loopback, patch_root_key
from wabot.system.process import share_heaps
from wabot.whatsapp.lean_import import without

_USAGE = "usage: python -m wabot.emulator.server.launcher ROOT_KEY (wabot | SCRIPT.py) [ARGUMENT ...]"
CLOCK_VARIABLE = "WABOT_EMULATOR_CLOCK"
_CLOCK_READ_SECONDS = 0.05
_EXIT_USAGE = 64
_EXIT_SOFTWARE = 70


def replace_root_key(root_key: bytes, lean: bool = False) -> None:
    """Make the client library of this process trust `root_key` (32 bytes) instead of the pinned one.

    `lean`: load it as wabot does.

    Raises RuntimeError unless the pinned key is found exactly once: then this is not the library this was
    written for.
    """
    # Go's threads take over the mask of the thread that loads them. `wabot run` keeps SIGABRT from them, and
    # would come too late here.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGABRT})
    if lean:
        # The same: glibc counts its heaps when the second one is made.
        share_heaps()
    with without() if lean else nullcontext():
        import neonize  # noqa: F401  (maps the shared object into this process)

    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    patch_root_key(root_key)


def follow_clock(file: Path) -> None:
    """Let `time.time` of this process be ahead by the seconds in a file; 0 while there is none."""
    true_time = time.time
    read_at, ahead_seconds = float("-inf"), 0.0

    def tell_time() -> float:
        nonlocal read_at, ahead_seconds
        if time.monotonic() - read_at > _CLOCK_READ_SECONDS:
            read_at = time.monotonic()
            ahead_seconds = float(file.read_text()) if file.exists() else 0.0
        return true_time() + ahead_seconds

    time.time = tell_time
    time.time_ns = lambda: round(tell_time() * 1e9)


def main(argv: list[str]) -> int:
    """Replace the key and become the program that `argv` names; returns only when that cannot be done."""
    try:
        root_key = bytes.fromhex(argv[0])
        program = argv[1]
    except (ValueError, IndexError):
        root_key, program = b"", ""
    if len(root_key) != len(PINNED_ROOT_KEY):
        print(_USAGE, file=sys.stderr)
        return _EXIT_USAGE
    if not leads_to_loopback(os.environ):
        print(f"the emulator cannot be used: {LEADS_ELSEWHERE}", file=sys.stderr)
        return _EXIT_USAGE
    try:
        replace_root_key(root_key, lean=program == "wabot")
    except RuntimeError as error:
        print(f"the emulator cannot be used: {error}", file=sys.stderr)
        return _EXIT_SOFTWARE
    if CLOCK_VARIABLE in os.environ:
        follow_clock(Path(os.environ[CLOCK_VARIABLE]))
    sys.argv = argv[1:]
    if program == "wabot":
        runpy.run_module("wabot", run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(program).resolve().parent))
        runpy.run_path(program, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
