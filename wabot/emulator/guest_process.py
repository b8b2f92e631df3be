"""Somebody's own bot as a process of its own, led to an emulator."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from wabot.emulator.server.emulator import Emulator


class GuestProcess:
    """A command, started at once; its output goes to `log_file`.

    Args:
        emulator: where it is led.
        command: the program, and what it is given.
        directory: for the log, and the code that it shows; it must exist.

    Raises:
        OSError: there is no such program.
    """

    def __init__(self, emulator: Emulator, command: Sequence[str], directory: Path) -> None:
        self.log_file = directory / "bot.log"
        self._code_file = directory / "code"
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**emulator.guest_environment(self._code_file), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for whoever started it, and they end it in order
            )

    def take_code(self) -> str:
        """The code that it has shown since the last call, "" for none."""
        try:
            code = self._code_file.read_text(encoding="ascii")
            self._code_file.unlink()
        except FileNotFoundError:
            return ""
        return code

    def wait(self) -> int:
        """Wait for its end; the exit code, or the negative number of the signal that ended it."""
        return self._process.wait()

    def end(self, timeout_seconds: float) -> None:
        """Ask it to stop, with SIGTERM; kill it when it does not."""
        self._process.terminate()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
