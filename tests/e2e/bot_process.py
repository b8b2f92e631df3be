"""`wabot run` as a process of its own, led to the emulator, with a configuration in a temporary directory."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.warm_interpreter import of_this_process
from wabot.emulator import bot_process
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.notify_socket import NotifySocket

REPOSITORY = Path(__file__).parents[2]
SAMPLE_KNOWLEDGE = REPOSITORY / "wabot" / "sample_knowledge"
_LONGEST_SECONDS_WITHOUT_ASKING = 0.5


class BotProcess(bot_process.BotProcess):
    """One bot with what tests ask it, below a systemd that keeps what it is told.

    Args:
        emulator: where it is led.
        directory: for the configuration, the state and the log.
        user_id: whose session.
        provider: base URL of an OpenAI-compatible endpoint; "" for none.
        sections: lines to add to sections of the configuration, by section.
    """

    def __init__(
        self,
        emulator: Emulator,
        directory: Path,
        user_id: str = "shop",
        provider: str = "",
        sections: Mapping[str, str] | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.emulator = emulator
        self.state = directory / "state"
        self.user_id = user_id
        self.systemd = NotifySocket()
        self._started_at = datetime.min
        wanted = {
            "account": f'user_id = "{user_id}"',
            "paths": f'state = "{self.state}"',
            "ai": f'knowledge = "{SAMPLE_KNOWLEDGE}"\ndisclosure = false',
            "replies": "debounce = 0\ntyping = false\nworkers = 8",
        }
        for section, lines in (sections or {}).items():
            wanted[section] = wanted.get(section, "") + "\n" + lines
        text = "\n".join(f"[{section}]\n{lines}" for section, lines in wanted.items())
        if provider:
            text += (
                f'\n[[ai.providers]]\nname = "test"\nbase_url = "{provider}"\nmodel = "echo"\ntimeout = 20\n'
            )
        super().__init__(emulator, directory, text)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start the process."""
        self._started_at = datetime.now(UTC)
        return super().start(*options)

    def pair(self) -> None:
        """Start, scan the code, and wait until messages are taken."""
        self.start()
        status = self.wait_for(lambda status: bool(status["qr"]))
        logins = self.emulator.bot.logins
        self.emulator.phone.scan(status["qr"])
        self.emulator.wait_for_login(logins + 1)
        self.wait_for_state("connected")

    def restart(self) -> None:
        """Start again, already linked, and wait until messages are taken."""
        self.start()
        self.wait_for_state("connected")

    def status(self) -> dict[str, Any]:
        """This session as `wabot status --json` prints it."""
        command = ("status", "--json", "--config", str(self.config))
        told = of_this_process().run(*command, environ=os.environ)
        sessions: list[dict[str, Any]] = json.loads(told.stdout)["sessions"]
        return next(each for each in sessions if each["user_id"] == self.user_id)

    def wait_for(
        self, reached: Callable[[dict[str, Any]], bool], timeout_seconds: float = 20
    ) -> dict[str, Any]:
        """Ask for the status until it is as wanted: each asking is a process, so only when there is news."""
        deadline = time.monotonic() + timeout_seconds
        news = self._news()
        while not reached(status := self.status()):
            ask_again = time.monotonic() + _LONGEST_SECONDS_WITHOUT_ASKING
            while True:
                self._check(deadline, str(status))
                if news != (news := self._news()) or time.monotonic() > ask_again:
                    break
        return status

    def wait_until(self, reached: Callable[[], bool], timeout_seconds: float = 30) -> None:
        """Wait for something that is seen elsewhere than in its own database."""
        deadline = time.monotonic() + timeout_seconds
        while not reached():
            self._check(deadline, "and what was waited for has not happened")

    def _news(self) -> object:
        """Something that is different after most changes of the status."""
        return self.row(), len(self.systemd.messages)

    def wait_for_state(self, *states: str, timeout_seconds: float = 20) -> dict[str, Any]:
        """Wait until the session is in one of these states, and everybody who asks is told so.

        The row is looked at, because that is cheaper than a process that asks. A state that has passed by the
        time of the asking counts as well.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            row = self.row()
            if row.get("state") in states:
                status = self.status()
                if self.row() != row:
                    return {**status, **row}
                shown = str(row["state"]).replace("_", " ")
                if status["state"] == row["state"] and self.systemd.shows(shown):
                    return status
            self._check(deadline, f"in {row} instead of {' or '.join(states)}")

    def _check(self, deadline: float, where: str) -> None:
        """Give the bot time, unless it ended or there is none left."""
        ended = self.process is not None and self.process.poll() is not None
        if ended or time.monotonic() > deadline:
            told = self.systemd.statuses[-3:]
            raise AssertionError(
                f"bot {'ended' if ended else 'is late'}, {where}; systemd: {told}\n{self.log()}"
            )
        time.sleep(0.05)

    def row(self) -> dict[str, Any]:
        """What the present process wrote down of its session; empty before it did."""
        try:
            found = self.rows(
                "SELECT state, reason, phone, qr, unstable_cycles, updated_at FROM wabot_sessions "
                f"WHERE updated_at >= '{self._started_at:%Y-%m-%d %H:%M:%S.%f}'"
            )
        except sqlite3.OperationalError:
            return {}
        names = ("state", "reason", "phone", "qr", "unstable_cycles")
        return dict(zip(names, found[0], strict=False)) if found else {}

    def state_in_row(self) -> str:
        """The state as the present process wrote it down; "" before it did."""
        return str(self.row().get("state", ""))

    def wait_for_log(self, text: str, timeout_seconds: float = 20) -> None:
        """Wait until it has logged this."""
        deadline = time.monotonic() + timeout_seconds
        while text not in self.log():
            self._check(deadline, f"never said {text!r}")

    def wait_for_exit(self, timeout_seconds: float = 30) -> int:
        """The exit code, once the process ended."""
        assert self.process is not None
        try:
            return self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the bot did not end\n{self.log()}") from None

    def stop(self, timeout_seconds: float = 25) -> int:
        """SIGTERM; the exit code."""
        return super().stop(timeout_seconds)

    def close(self) -> None:
        """End whatever still runs."""
        self.kill()
        self.systemd.close()

    def log(self) -> str:
        """All it has logged."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def execute(self, sql: str) -> None:
        """Change its database."""
        with closing(sqlite3.connect(self.state / "wabot.db", timeout=10)) as database:
            database.execute(sql)
            database.commit()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask its database."""
        with closing(sqlite3.connect(self.state / "wabot.db")) as database:
            return database.execute(sql).fetchall()

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "NOTIFY_SOCKET": self.systemd.address}
