"""Shows where every thread stands when the process is aborted, as systemd's watchdog does with a hanging one.

faulthandler's own handler reads the frames of threads that run on meanwhile, because it cannot take the
interpreter's lock. A process that is continued and aborted at once, as after SIGSTOP, has all its timeouts
behind it: 1 dump of 36 followed a frame that was gone, and a segmentation fault cut it short (Python 3.11.7).
So a thread of its own waits for the signal, and holds the lock while it writes; only where nobody gets that
lock any more is written without it, which is safe because nothing moves then.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import threading

from wabot.system.logs import crash_descriptor

# As a line of the journal with the priority "critical"; elsewhere the number is easily overlooked.
_TITLE = b"<2>wabot.system.stacks: aborted by SIGABRT; the stacks of all threads follow\n"


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
