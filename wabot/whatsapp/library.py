"""The client library as a part of this process: its environment, its loading, the children it leaves."""

from __future__ import annotations

import os
import sys

from wabot.errors import OperatorNeeded
from wabot.system.units import own_command

LIBRARY_ENVIRONMENT = {"NEONIZE_BOT_TAG": "off", "GOMAXPROCS": "1"}
"""What the Go half of neonize 0.5.2 reads from the environment, once.

Without the first it marks replies to phone numbers as a business bot's. The second lets it use one processor
at a time: one number keeps none busy, and in floods of messages its threads' looking for work on several took
15 % of the process's time (measured; round trip and throughput stay the same). https://pkg.go.dev/runtime
"""


def ensure_library_environment() -> None:
    """Start once more with what LIBRARY_ENVIRONMENT names, if something of it is missing.

    Go reads the environment when the process starts, so os.environ is too late (measured with neonize 0.5.2).
    The unit file sets it. How many processors the library may have is for the operator to say.
    """
    environ = {**LIBRARY_ENVIRONMENT, **os.environ, "NEONIZE_BOT_TAG": LIBRARY_ENVIRONMENT["NEONIZE_BOT_TAG"]}
    if environ != dict(os.environ):
        # As it was started: `-m wabot` would import whatever wabot lies in the working directory, as root.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)


def load_client_library() -> None:
    """Load neonize: late, because it takes half a second and needs logging and environment to be ready.

    Raises:
        OperatorNeeded: it or something it needs is not installed or damaged; the usual one is libmagic
            (neonize 0.5.2 imports python-magic, which raises ImportError where the system's library is
            missing; of its Go half it says OSError, or RuntimeError when that is of another version).
    """
    try:
        import wabot.whatsapp.client  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        raise OperatorNeeded(
            f"the client library cannot be loaded: {error}; what is missing says: {own_command('doctor')}"
        ) from None


def bury_children() -> None:
    """Take note of children that have ended, a moment after `load_client_library`.

    neonize 0.5.2 asks `uname` at its import by os.popen and does not wait for it: what remains of that would
    be listed as defunct for as long as this process lives. subprocess looks at those only before it starts
    another one, which a bot need never do.
    """
    # Here, because it takes 3 ms and most commands do without.
    import subprocess

    subprocess._cleanup()  # type: ignore[attr-defined]
