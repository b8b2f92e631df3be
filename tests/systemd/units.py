"""The units of a machine and their journal, by the commands an operator types there."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of the journal."""

    priority: int
    message: str


class Units(ABC):
    """What a machine that runs commands knows of its units."""

    @abstractmethod
    def path(self, inside: str | Path) -> Path:
        """Where a file of the machine is to be found from outside."""

    @abstractmethod
    def write(self, inside: str | Path, text: str, mode: int = 0o644) -> None:
        """Write a file that belongs to root."""

    @abstractmethod
    def run(
        self, *command: str, check: bool = True, timeout_seconds: float = 60, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root, in the machine's own environment."""

    def override(self, unit: str, lines: Iterable[str]) -> None:
        """Write the unit's drop-in file, as `systemctl edit` would; replaces the one before."""
        self.write(f"/etc/systemd/system/{unit}.d/test.conf", "\n".join(lines) + "\n")
        self.run("systemctl", "daemon-reload")

    def reset(self, unit: str) -> None:
        """End the unit at once, and forget its override and its failure."""
        self.run("systemctl", "stop", "--no-block", unit, check=False)
        self.run("systemctl", "kill", "--signal=KILL", unit, check=False)
        self.run("systemctl", "stop", unit, check=False)
        shutil.rmtree(self.path(f"/etc/systemd/system/{unit}.d"), ignore_errors=True)
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "reset-failed", unit, check=False)

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of the unit, as `systemctl show` prints them."""
        shown = self.run("systemctl", "show", unit, "--property", ",".join(names)).stdout
        return dict(line.split("=", 1) for line in shown.splitlines())

    def property(self, unit: str, name: str) -> str:
        """One property of the unit."""
        return self.show(unit, name)[name]

    def main_pid(self, unit: str) -> int:
        """The unit's main process, as numbered inside; 0 when there is none."""
        return int(self.property(unit, "MainPID"))

    def kill(self, unit: str, signal_name: str) -> None:
        """Send a signal to the unit's main process."""
        self.run("kill", f"-{signal_name}", str(self.main_pid(unit)))

    def cursor(self) -> str:
        """Where the journal ends now."""
        self.run("journalctl", "--sync")
        shown = self.run("journalctl", "--lines", "0", "--show-cursor", "--quiet").stdout
        return shown.rpartition("-- cursor: ")[2].strip()

    def journal(self, unit: str, after: str = "") -> list[JournalLine]:
        """What the unit, and systemd about it, wrote to the journal after a cursor."""
        since = ["--after-cursor", after] if after else []
        self.run("journalctl", "--sync")
        # It fails when a pattern fits no unit that ever wrote.
        wanted = ["--unit", unit, "--output", "json", "--quiet", *since]
        shown = self.run("journalctl", *wanted, check="*" not in unit).stdout
        entries = [json.loads(line) for line in shown.splitlines()]
        return [JournalLine(int(entry["PRIORITY"]), _message(entry["MESSAGE"])) for entry in entries]

    def wait_until(
        self, reached: Callable[[], Any], unit: str, timeout_seconds: float = 30, after: str = ""
    ) -> None:
        """Ask until the answer is true; when it takes too long, show what the unit is doing."""
        deadline = time.monotonic() + timeout_seconds
        while not reached():
            if time.monotonic() > deadline:
                status = self.run("systemctl", "status", "--no-pager", unit, check=False).stdout
                lines = "\n".join(f"<{line.priority}>{line.message}" for line in self.journal(unit, after))
                raise AssertionError(f"not within {timeout_seconds:g} s\n{status}\n{lines}")
            time.sleep(0.1)

    def wait_for_property(self, unit: str, timeout_seconds: float = 30, **wanted: str) -> None:
        """Wait until the unit's properties are as wanted."""
        self.wait_until(lambda: self.show(unit, *wanted) == wanted, unit, timeout_seconds)


def _message(found: str | list[int]) -> str:
    """journald gives what is not plain text as a list of bytes."""
    return found if isinstance(found, str) else bytes(found).decode("utf-8", "replace")


def environment_lines(environment: Mapping[str, str]) -> list[str]:
    """Environment= lines for an override."""
    return [f'Environment="{name}={value}"' for name, value in environment.items()]
