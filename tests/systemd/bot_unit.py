"""The bot as the unit file runs it, led to an emulator in the container's network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.systemd.container import Container
from tests.systemd.launcher import command_inside
from tests.systemd.units import JournalLine, environment_lines
from wabot.emulator.server.doorway import AUTHORITY_VARIABLES
from wabot.emulator.server.emulator import Emulator

_ASK = """
import json, sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=10)
print(json.dumps(database.execute(sys.argv[2]).fetchall()))
"""
SAMPLE_KNOWLEDGE = "/opt/wabot/src/wabot/sample_knowledge"


class BotUnit:
    """One service, its configuration and its state.

    Args:
        container: where it runs.
        emulator: in the container's network; None for a machine without network.
        name: of the unit and of the configuration; "wabot" for the first number, else wabot@NAME.service.
    """

    def __init__(self, container: Container, emulator: Emulator | None, name: str = "wabot") -> None:
        self._container = container
        self._emulator = emulator
        self.unit = "wabot.service" if name == "wabot" else f"wabot@{name}.service"
        self.config = f"/etc/wabot/{name}.toml"
        self._authority = f"/etc/wabot/{name}-emulator-ca.pem"
        self._began = container.cursor()

    def configure(self, user_id: str = "default", provider: str = "", more: str = "", **lines: str) -> None:
        """Write the configuration and lead the service to the emulator.

        Args:
            user_id: whose session.
            provider: base URL of an OpenAI-compatible endpoint; "" for none.
            more: further lines of that provider.
            lines: settings of the unit to replace, such as RestartSec="1".
        """
        text = (
            f'[account]\nuser_id = "{user_id}"\n[paths]\nstate = "/var/lib/wabot"\n'
            f'[ai]\nknowledge = "{SAMPLE_KNOWLEDGE}"\ndisclosure = false\n[replies]\n'
            "debounce = 0\ntyping = false\n"
        )
        if provider:
            text += f'[[ai.providers]]\nname = "test"\nbase_url = "{provider}"\nmodel = "echo"\n{more}\n'
        self._container.write(self.config, text, mode=0o640)
        self._container.run("chown", "root:wabot", self.config)
        self.override(*(f"{name}={value}" for name, value in lines.items()))

    def add_settings(self, *sections: str) -> None:
        """Add sections to the configuration."""
        with self._container.path(self.config).open("a") as configuration:
            configuration.write("\n".join(sections) + "\n")

    def override(self, *lines: str) -> None:
        """Replace settings of the unit; where the emulator is stays known."""
        self._container.override(self.unit, ["[Service]", *self._way_to_emulator(), *lines])

    def start(self, check: bool = True) -> int:
        """`systemctl start`, which returns when the service is ready or has failed; its exit code."""
        code = self._container.run("systemctl", "start", self.unit, check=False).returncode
        assert not check or code == 0, self.messages()
        return code

    def pair(self) -> None:
        """Start, scan the code, and wait until messages are taken."""
        assert self._emulator is not None
        self.start()
        self.wait_for_state("pairing")
        logins = self._emulator.bot.logins
        self._emulator.phone.scan(self.status()["qr"])
        self._emulator.wait_for_login(logins + 1)
        self.wait_for_state("connected")

    def status(self) -> dict[str, Any]:
        """The session, as the operator sees it with `wabot status --json`."""
        command = ("/opt/wabot/bin/wabot", "status", "--json", "--config", self.config)
        answer = self._container.run(*command, check=False)
        assert answer.stdout, answer.stderr
        session: dict[str, Any] = json.loads(answer.stdout)["sessions"][0]
        return session

    def status_line(self) -> str:
        """What `systemctl status` shows of what the service says about itself; "" when it is down."""
        shown = self._container.run("systemctl", "status", "--no-pager", "--full", self.unit, check=False)
        lines = (line.strip() for line in shown.stdout.splitlines())
        line = next((line for line in lines if line.startswith("Status:")), "")
        return line.partition(":")[2].strip().strip('"')

    def rows(self, sql: str) -> list[list[Any]]:
        """Ask its database."""
        # From inside: SQLite resolves the links in a path, and that of the container leads out of it.
        python = ["runuser", "-u", "wabot", "--", "/opt/wabot/bin/python", "-S", "-c", _ASK]
        answer = self._container.run(*python, "/var/lib/wabot/wabot.db", sql).stdout
        rows: list[list[Any]] = json.loads(answer)
        return rows

    def show(self, *names: str) -> dict[str, str]:
        """Properties of the unit."""
        return self._container.show(self.unit, *names)

    def wait_for_state(self, state: str, timeout_seconds: float = 30) -> None:
        """Wait until the line in `systemctl status` begins with the state and the program says so too."""
        self._container.wait_until(
            lambda: (
                self.show("StatusText")["StatusText"].startswith(state) and self.status()["state"] == state
            ),
            self.unit,
            timeout_seconds,
            self._began,
        )

    def wait_for(self, timeout_seconds: float = 30, **wanted: str) -> None:
        """Wait until the unit's properties are as wanted."""
        self._container.wait_for_property(self.unit, timeout_seconds, **wanted)

    def kill(self, signal_name: str) -> None:
        """Send a signal to the process."""
        self._container.kill(self.unit, signal_name)

    def stop(self) -> None:
        """`systemctl stop`."""
        self._container.run("systemctl", "stop", self.unit)

    def journal(self) -> list[JournalLine]:
        """What it wrote since this object was made."""
        return self._container.journal(self.unit, self._began)

    def messages(self) -> str:
        """The same as one text."""
        return "\n".join(line.message for line in self.journal())

    def remove(self) -> None:
        """End it and remove what it left, so that the next test finds a new machine."""
        self._container.reset(self.unit)
        for inside in ("/var/lib/wabot", "/etc/wabot", "/etc/credstore"):
            shutil.rmtree(self._container.path(inside), ignore_errors=True)

    def _way_to_emulator(self) -> Iterable[str]:
        if self._emulator is None:
            return []
        environment: Mapping[str, str] = self._emulator.environment({})
        self._container.write(self._authority, Path(environment["SSL_CERT_FILE"]).read_text())
        # The unit's own command, behind the launcher that makes the client library trust the emulator.
        command = command_inside(self._container, self._emulator, "run", "--config", self.config)
        return [
            *environment_lines({**environment, **dict.fromkeys(AUTHORITY_VARIABLES, self._authority)}),
            "ExecStart=",
            f"ExecStart={' '.join(command)}",
        ]
