"""This process and others: the memory it shares, its stacks when it hangs, its end; what programs print."""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import os
import signal
import sys
import threading

from wabot.system.logs import crash_descriptor

_M_ARENA_MAX = -8  # malloc.h
_HEAPS = 2


def share_heaps() -> None:
    """Let all threads allocate from two heaps of the C library, before any of them starts.

    By default glibc makes up to eight for each processor, and what a thread frees stays in its own: with some
    25 threads a process grew by 14 MB over 10,000 messages, with two heaps by 7 (measured with glibc 2.36).
    Where the C library knows no such thing, nothing happens. See mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _HEAPS)


def leave(code: int) -> int:
    """Return the code, or end the process at once where a library thread would keep it alive for ever."""
    logging.shutdown()
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(not thread.daemon for thread in others):
        sys.stderr.flush()
        os._exit(code)
    return code


def output_of(*command: str, timeout_seconds: float) -> str | None:
    """What a program prints; None where it is not there, fails, or takes longer."""
    # Here, because it takes 3 ms, and most commands do without.
    import subprocess

    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
            # Away from the terminal of whoever typed the command.
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


# As a line of the journal with the priority "critical"; elsewhere the number is easily overlooked.
_TITLE = b"<2>wabot.system.process: aborted by SIGABRT; the stacks of all threads follow\n"


def show_stacks_on_abort() -> None:
    """Write the stacks of all threads to stderr at SIGABRT, and end by it.

    To be called before any other thread is started: they inherit that the signal is none of theirs. abort()
    in C raises it all the same, in the thread that calls it, and is faulthandler's business as before.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGABRT})
    threading.Thread(target=_wait_for_abort, name="stacks", daemon=True).start()


def show_stacks_unless_beaten(watchdog_seconds: float, stuck_seconds: float = 5.0) -> None:
    """Write the stacks, without the interpreter's lock, if this is not called again in time.

    Args:
        watchdog_seconds: when systemd aborts a process that is silent.
        stuck_seconds: how long after that nobody took the lock to show them; less than TimeoutAbortSec=,
            which is 30 s in the unit, and after which the process is killed.
    """
    faulthandler.dump_traceback_later(watchdog_seconds + stuck_seconds, file=crash_descriptor())


def no_beat_expected() -> None:
    """End the waiting for the next call: the main loop is over."""
    faulthandler.cancel_dump_traceback_later()


def _wait_for_abort() -> None:
    signal.sigwait({signal.SIGABRT})
    os.write(crash_descriptor(), _TITLE)
    faulthandler.dump_traceback(file=crash_descriptor(), all_threads=True)
    # What follows would be the same once more.
    faulthandler.disable()
    os.abort()
