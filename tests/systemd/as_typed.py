"""Commands as a person types them inside a container, with the client library led to an emulator."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.systemd.container import PREFIX, Container
from wabot.emulator.server.doorway import AUTHORITY_VARIABLES
from wabot.emulator.server.emulator import Emulator

COLUMNS, ROWS = 110, 60
_TIMEOUT_SECONDS = 40.0
_ROOT_KEY = "TEST_ROOT_KEY"
# The command as it is installed, except that it goes through the emulator's launcher where NAME.env says so.
_COMMAND = f"""#!{PREFIX}/bin/python
import os, sys
from wabot.cli.parser import entry_point
from wabot.emulator.server.launcher import main
if "{_ROOT_KEY}" in os.environ:
    sys.exit(main([os.environ["{_ROOT_KEY}"], "wabot", *sys.argv[1:]]))
entry_point()
"""


def lead(machine: Container, emulator: Emulator, name: str = "wabot") -> None:
    """Lead the unit of one number, unmodified, to an emulator, and have the command where users find it.

    Args:
        machine: where wabot is installed.
        emulator: in the machine's network.
        name: of the configuration.
    """
    authority = f"/etc/wabot/{name}-authority.pem"
    environment = emulator.environment({})
    machine.write(authority, Path(environment["SSL_CERT_FILE"]).read_text())
    command = emulator.command()
    variables = {
        **environment,
        **dict.fromkeys(AUTHORITY_VARIABLES, authority),
        _ROOT_KEY: command[command.index("wabot") - 1],
    }
    lines = (f"{variable}={value}\n" for variable, value in variables.items())
    machine.write(f"/etc/wabot/{name}.env", "".join(lines), mode=0o600)
    machine.write(PREFIX / "bin" / "wabot", _COMMAND, mode=0o755)
    machine.run("ln", "-sf", f"{PREFIX}/bin/wabot", "/usr/local/bin/wabot")


def type_in(
    machine: Container,
    command: str,
    react: Callable[[str], bool] = lambda _shown: True,
    environment_file: str = "/dev/null",
) -> str:
    """What a command shows on a terminal of its own.

    Args:
        machine: where.
        command: for the shell.
        react: called with what is shown so far, until it returns True.
        environment_file: variables that the unit would have.
    """
    controller, terminal = pty.openpty()
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    environment |= {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "SYSTEMD_URLIFY": "0", "HOME": "/root"}
    process = subprocess.Popen(
        [*machine.entrance(), "sh", "-c", f"set -a; . {environment_file}; set +a; {command}"],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        start_new_session=True,
    )
    os.close(terminal)
    shown, done = b"", False
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            shown += os.read(controller, 65_536)
        except OSError:
            # The last process that had the terminal open is gone.
            break
        done = done or react(shown.decode("utf-8", "replace"))
    os.close(controller)
    text = shown.decode().replace("\r\n", "\n")
    assert process.wait(_TIMEOUT_SECONDS) == 0, f"{command}: exit {process.returncode}\n{text}"
    return text


def scan_with(emulator: Emulator, qr: Callable[[], str]) -> Callable[[str], bool]:
    """Scan the code as soon as one is shown.

    Args:
        emulator: whose phone.
        qr: tells the code.
    """

    def react(shown: str) -> bool:
        if "Scan this code" not in shown or "█" not in shown:
            return False
        emulator.phone.scan(qr())
        return True

    return react
