"""Whoever has become the user of the service, and waits for root to type something."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from tests.support.hostile_state import plant_hot_journal
from tests.systemd.container import Container

# Nothing of wabot's may change any of this, whoever asked root for what.
_CANARIES = "/root /etc /usr/local /boot /var/lib/hostile"
_SECRET = "/var/lib/hostile/secret"
_VICTIM = "/var/lib/hostile/victim"
# Deep below a developer's hidden directories are hundreds of thousands of files.
_LOOK = (
    f"find {_CANARIES} -xdev -path '/root/.*/*/*' -prune -o ! -type d "
    "-printf '%p %y %m %U %G %s %T@ %l\\n' 2>/dev/null | sort"
)
_TAMPER = """
import json, sys
from pathlib import Path
(manifest,) = Path("/var/lib/wabot/backups/nightly").glob("*/manifest.json")
told = json.loads(manifest.read_text())
told["places"]["knowledge"] = "/etc/cron.d/wabot\\x1b[2J"
manifest.write_text(json.dumps(told))
"""
_COMMANDS = (
    "status",
    "doctor",
    "janitor --apply",
    "backup /var/backups/hostile --session",
    "backup /var/lib/wabot/backups/more",
    "export +34600111222",
    "forget +34600111222 --yes",
    "pause +34600111222",
    "restore /var/lib/wabot/backups/nightly --yes",
    "reset --yes",
    "alert --test",
    "check-config",
    "chat --once Hola",
)


def attack(machine: Container, typed: Callable[[str], str]) -> None:
    """Let the user of the service prepare what it can, type all commands, and see that root lost nothing.

    Args:
        machine: with a bot that has run and is stopped; its state is as before at the end.
        typed: runs a command of wabot's as root, and gives back what it said.
    """
    for line in (
        "cp --archive /var/lib/wabot /var/lib/wabot.before",
        "mkdir --mode=711 /var/lib/hostile",
        f"echo secret >{_SECRET} && chmod 600 {_SECRET} && echo root >{_VICTIM}",
        "touch /var/lib/hostile/empty",
    ):
        machine.run("sh", "-c", line)
    typed("backup /var/lib/wabot/backups/nightly")
    _as_wabot(machine, "/opt/wabot/bin/python", "-c", _TAMPER)
    machine.run("sh", "-c", "rm -rf /var/lib/wabot.armed && cp --archive /var/lib/wabot /var/lib/wabot.armed")
    before = machine.run("sh", "-c", _LOOK).stdout
    plant = f'{inspect.getsource(plant_hot_journal)}\nplant_hot_journal("{{}}", "{_VICTIM}")'
    rounds = (
        [
            *(
                ("/opt/wabot/bin/python", "-c", plant.format(database))
                for database in ("/var/lib/wabot/wabot.db", "/var/lib/wabot/sessions/default/whatsapp.db")
            )
        ],
        [
            (
                "sh",
                "-c",
                f"cd /var/lib/wabot && rm -rf wabot.db* sessions/default/spool && "
                f"ln -s /var/lib/hostile/empty wabot.db && ln -s /dev/zero sessions/default/spool && "
                f"ln -sf {_VICTIM} sessions/default.lock && mkfifo sessions/default/spool.damaged",
            )
        ],
        [
            (
                "sh",
                "-c",
                "cd /var/lib/wabot && mv backups away && ln -s /var/lib/hostile backups && "
                "ln -s /var/lib/hostile quarantine",
            )
        ],
    )
    for prepared in rounds:
        for command in _COMMANDS:
            machine.run(
                "sh", "-c", "rm -rf /var/lib/wabot && cp --archive /var/lib/wabot.armed /var/lib/wabot"
            )
            for words in prepared:
                _as_wabot(machine, *words)
            told = typed(command)
            assert machine.run("sh", "-c", _LOOK).stdout == before, command
            assert "\x1b" not in told and "Traceback" not in told, (command, told)
    machine.run(
        "rm", "-rf", "/var/lib/wabot", "/var/lib/wabot.armed", "/var/lib/hostile", "/var/backups/hostile"
    )
    machine.run("mv", "/var/lib/wabot.before", "/var/lib/wabot")


def _as_wabot(machine: Container, *words: str) -> None:
    machine.run("runuser", "-u", "wabot", "--", *words)
