"""The real bot as a process of its own, led to an emulator, with everything it owns in one directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from wabot.emulator.server.emulator import Emulator
from wabot.emulator.server.launcher import CLOCK_VARIABLE

_SAMPLE_KNOWLEDGE = Path(__file__).parents[1] / "sample_knowledge"
# People watch: the pauses are shorter than with customers, but there are some.
_CONFIGURATION = """\
[account]
user_id = "shop"
[paths]
state = "{directory}/state"
[ai]
knowledge = "{knowledge}"
disclosure = false
[replies]
debounce = 0.5
delay_message = 0.8
time_per_char = 0.008
"""
_STATUS_SECONDS = 20.0


class BotEnded(Exception):
    """The bot's process ended although nobody asked it to."""


class BotProcess:
    """`wabot run` with a configuration of its own; not started yet, and at most one process at a time.

    `notify_socket` may be set to the address of one that stands where systemd stands.

    Args:
        emulator: where it is led.
        directory: for the configuration and the log; it must exist.
        configuration: the text of the configuration; one for a show by default.
    """

    def __init__(self, emulator: Emulator, directory: Path, configuration: str = "") -> None:
        self.config = directory / "shop.toml"
        self.log_file = directory / "bot.log"
        self.notify_socket = ""
        self._clock_file = directory / "clock"
        self.process: subprocess.Popen[bytes] | None = None
        self._emulator = emulator
        default = _CONFIGURATION.format(directory=directory, knowledge=_SAMPLE_KNOWLEDGE)
        self.config.write_text(configuration or default, encoding="utf-8")

    def set_clock(self, ahead_seconds: float) -> None:
        """Let its clock be ahead of this machine's by so much from now on, also while it runs."""
        # In one step: it may be reading.
        new = self._clock_file.with_suffix(".new")
        new.write_text(str(ahead_seconds), encoding="ascii")
        new.replace(self._clock_file)

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self.process.pid if self.process else 0

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start it; its log goes to `log_file`."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._command(), *options],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for whoever started it, and they end it in order
            )
        return self.process

    def run_second(self, timeout_seconds: float) -> subprocess.CompletedProcess[str]:
        """Start it once more on the same session and wait for the end of that."""
        return subprocess.run(
            self._command(),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )

    def wait_for_code(self, timeout_seconds: float) -> str:
        """The text of its QR code as `wabot status` tells it; raises TimeoutError or BotEnded."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            self.check_alive()
            code = read_code(self.config)
            if code:
                return code
        raise TimeoutError(f"the bot showed no QR code within {timeout_seconds:g} s")

    def check_alive(self) -> None:
        """Raise BotEnded unless it runs."""
        code = self.process.poll() if self.process else None
        if code is not None:
            raise BotEnded(f"the bot ended by itself with exit code {code}")

    def stop(self, timeout_seconds: float) -> int:
        """Ask it to stop as systemd does, with SIGTERM; the exit code, or TimeoutError."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the bot did not stop within {timeout_seconds:g} s") from None

    def signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.process is not None:
            self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; the exit code, or the negative number of the signal that ended it."""
        return self.process.wait() if self.process else 0

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _command(self) -> list[str]:
        return self._emulator.command("run", "--config", str(self.config))

    def _environment(self) -> dict[str, str]:
        environment = self._emulator.environment(os.environ)
        environment[CLOCK_VARIABLE] = str(self._clock_file)
        environment.pop("NOTIFY_SOCKET", None)  # a service manager above us is not the bot's
        if self.notify_socket:
            environment["NOTIFY_SOCKET"] = self.notify_socket
        return environment


def read_sessions(config: Path) -> list[dict[str, Any]]:
    """The sessions as `wabot status --json` tells them with this configuration."""
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "wabot", "status", "--json", "--config", str(config)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_STATUS_SECONDS,
        check=False,
    )
    # Its exit code is 1 as long as the bot is not connected: the answer is what counts.
    sessions: list[dict[str, Any]] = json.loads(answer.stdout)["sessions"] if answer.stdout else []
    return sessions


def read_code(config: Path) -> str:
    """The text of the QR code that the bot with this configuration shows, "" while it shows none."""
    sessions = read_sessions(config)
    return str(sessions[0]["qr"] or "") if sessions else ""
