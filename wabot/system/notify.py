"""Tells systemd how the service is: ready, its state in one line, alive, stopping; silent outside systemd."""

from __future__ import annotations

import logging
import os
import threading
import unicodedata
from collections.abc import Mapping

from sdnotify import SystemdNotifier

from wabot.errors import OperatorNeeded

_log = logging.getLogger(__name__)

LEAST_WATCHDOG_SECONDS = 10
# systemd reads at most 4096 bytes of one message (NOTIFY_BUFFER_MAX) and ignores a longer one.
_LONGEST_STATUS = 1000
_SEND_TIMEOUT_SECONDS = 1.0
_REQUEST_SECONDS = 10.0
_MOST_REQUESTS = 360


class ServiceNotifier:
    """The line to systemd's notification socket; build it once, at the start.

    Every message is a datagram of its own: sdnotify 0.3.2 encodes in Latin-1 and drops what does not fit, and
    a status that is dropped must not take the watchdog's beat with it.

    Args:
        environ: the process environment.

    Attributes:
        watchdog_seconds: how long systemd allows this process to be silent, None when no watchdog watches it.
        watchdog_interval_seconds: how often to call `alive`, None when no watchdog watches this process.
            A quarter of what systemd allows, so that a beat that comes late still comes within the half.

    Raises:
        OperatorNeeded: the unit's WatchdogSec= is too short to be kept.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.watchdog_seconds = _watchdog_seconds(environ)
        self.watchdog_interval_seconds = self.watchdog_seconds / 4 if self.watchdog_seconds else None
        self._last_status = ""
        self._is_up = threading.Event()
        self._notifier: SystemdNotifier | None = None
        if not environ.get("NOTIFY_SOCKET"):
            return
        try:
            # debug: otherwise a socket that cannot be reached looks like no systemd at all.
            self._notifier = SystemdNotifier(debug=True)
            # Whoever beats must not wait for a manager that does not read.
            self._notifier.socket.settimeout(_SEND_TIMEOUT_SECONDS)
        except OSError as error:
            _log.warning("systemd's socket %s cannot be reached: %s", environ["NOTIFY_SOCKET"], error)

    def ready(self) -> None:
        """Say that the service is up: `systemctl start` returns."""
        self._is_up.set()
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Show `text` in `systemctl status`, folded to one line of ASCII; the same text is not sent twice."""
        folded = _fold(text)
        if folded != self._last_status:
            self._last_status = folded
            self._send(f"STATUS={folded}")

    def alive(self) -> None:
        """Beat: systemd's watchdog counts from zero again."""
        self._send("WATCHDOG=1")

    def extend(self, seconds: float) -> None:
        """Ask for `seconds` more, from now, to start or to stop."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}")

    def starting(self) -> None:
        """Keep systemd waiting until `ready`, beyond the unit's TimeoutStartSec=, but not for ever.

        To bring years of messages up to date takes longer, and so do two hundred bots that start at once.
        """
        if self._notifier is not None:
            threading.Thread(target=self._ask_for_time, name="start", daemon=True).start()

    def stopping(self) -> None:
        """Say that the service is on its way out."""
        self._send("STOPPING=1")

    def _ask_for_time(self) -> None:
        for _ in range(_MOST_REQUESTS):
            self.extend(3 * _REQUEST_SECONDS)
            if self._is_up.wait(_REQUEST_SECONDS):
                return

    def _send(self, message: str) -> None:
        if self._notifier is None:
            return
        try:
            self._notifier.notify(message)
        except OSError as error:
            _log.warning("systemd did not take %s: %s", message.partition("=")[0], error)


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    """Within what time to beat, from WATCHDOG_USEC and WATCHDOG_PID (sd_watchdog_enabled(3))."""
    value = environ.get("WATCHDOG_USEC", "")
    # Another process's pid: a parent is watched, and this process inherited its environment.
    if not value or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > 20:
        raise OperatorNeeded(f"WATCHDOG_USEC={value!r} is not a number of microseconds")
    allowed_seconds = int(value) / 1_000_000
    if allowed_seconds < LEAST_WATCHDOG_SECONDS:
        raise OperatorNeeded(
            f"WatchdogSec={allowed_seconds:.7g}s in the unit is too short; "
            f"allowed is {LEAST_WATCHDOG_SECONDS} s or more, 120 s is usual"
        )
    return allowed_seconds


def _fold(text: str) -> str:
    # NFKD takes the accent off a letter and makes three dots of "…". A line break would start a new variable.
    plain = unicodedata.normalize("NFKD", text.replace("–", "-").replace("→", "->"))
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    printable = "".join(character if character.isprintable() else " " for character in letters)
    folded = " ".join(printable.encode("ascii", "replace").decode("ascii").split())
    return folded[:_LONGEST_STATUS]
