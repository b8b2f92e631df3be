"""The raw echo bot in its own process, started through the emulator's launcher."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from wabot.emulator.server.emulator import Emulator

_SCRIPT = Path(__file__).with_name("raw_echo.py")
_CHECKOUT = Path(__file__).parents[3]


class EchoProcess:
    """One run of raw_echo.py, or of another script that reports like it; a context manager that ends it."""

    def __init__(self, emulator: Emulator, session: Path, *options: str, script: Path = _SCRIPT) -> None:
        self.session = session
        self.events: list[dict[str, Any]] = []
        self._emulator = emulator
        self._changed = threading.Condition()
        self._log = (session.parent / f"{session.stem}.log").open("ab")
        environment = emulator.environment()
        # What wabot gives the library is wabot's doing.
        environment.pop("GOMAXPROCS", None)
        self._process = subprocess.Popen(
            emulator.command_for_script(script, str(session), *options),
            env=environment,
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> EchoProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What neonize wrote to stderr."""
        return Path(self._log.name).read_text()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.events.append({**json.loads(line), "at": time.monotonic()})
                self._changed.notify_all()

    def ask(self, **command: Any) -> None:
        """Write a line of JSON to its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def find(self, event: str, **details: Any) -> list[dict[str, Any]]:
        """The events of a kind so far."""
        with self._changed:
            return [
                seen
                for seen in self.events
                if seen["event"] == event and all(seen[key] == value for key, value in details.items())
            ]

    def wait_for(
        self, event: str, count: int = 1, timeout_seconds: float = 15.0, **details: Any
    ) -> dict[str, Any]:
        """The `count`-th event of a kind, once it comes."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.find(event, **details)) >= count, timeout_seconds):
                seen = [entry["event"] for entry in self.events]
                raise TimeoutError(
                    f"no {event} ({count}) within {timeout_seconds} s; seen {seen}; log: {self.log}"
                )
            return self.find(event, **details)[count - 1]

    def pair(self) -> None:
        """Scan its code and wait until it takes messages."""
        logins = self._emulator.bot.logins
        self._emulator.phone.scan(self.wait_for("qr")["code"])
        self._emulator.wait_for_login(logins + 1)
        self.wait_for("connected")

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._finish()

    def stop(self) -> None:
        """Let it disconnect and end."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._finish()

    def _finish(self) -> None:
        self._process.wait()
        self._reader.join()
        self._log.close()
