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


Preparation = tuple[tuple[str, ...], ...]
"""What the user of the service types, as commands."""

_PLANT = f'{inspect.getsource(plant_hot_journal)}\nplant_hot_journal("{{}}", "{_VICTIM}")'
# What SQLite would delete as root, a backup that says where it belongs, and where the janitor puts things.
HOT: Preparation = (
    *(
        ("/opt/wabot/bin/python", "-c", _PLANT.format(database))
        for database in ("/var/lib/wabot/wabot.db", "/var/lib/wabot/sessions/default/whatsapp.db")
    ),
    ("sh", "-c", "cd /var/lib/wabot && rm -rf quarantine && ln -s /var/lib/hostile quarantine"),
)
# Names that lead to files of root's or to what never ends.
LED_AWAY: Preparation = (
    (
        "sh",
        "-c",
        "cd /var/lib/wabot && rm -rf wabot.db* sessions/default/spool && "
        "ln -s /var/lib/hostile/empty wabot.db && ln -s /dev/zero sessions/default/spool && "
        f"ln -sf {_VICTIM} sessions/default.lock && mkfifo sessions/default/spool.damaged && "
        "mv backups away && ln -s /var/lib/hostile backups",
    ),
)


def attack(machine: Container, typed: Callable[[str], str], *prepared: Preparation) -> None:
    """Let the user of the service prepare what it can, type all commands, and see that root lost nothing.

    Args:
        machine: with a bot that has run and is stopped; its state is as before at the end.
        typed: runs a command of wabot's as root, and gives back what it said.
        prepared: one after the other, and for each of them all commands.
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
    machine.run("cp", "--archive", "/var/lib/wabot", "/var/lib/wabot.tampered")
    before = machine.run("sh", "-c", _LOOK).stdout
    for preparation in prepared:
        _replace(machine, "wabot", "wabot.tampered")
        for words in preparation:
            _as_wabot(machine, *words)
        _replace(machine, "wabot.armed", "wabot")
        for command in _COMMANDS:
            _replace(machine, "wabot", "wabot.armed")
            told = typed(command)
            assert machine.run("sh", "-c", _LOOK).stdout == before, command
            assert "\x1b" not in told and "Traceback" not in told, (command, told)
    _replace(machine, "wabot", "wabot.before")
    machine.run("sh", "-c", "rm -rf /var/lib/wabot.* /var/lib/hostile /var/backups/hostile")


def _replace(machine: Container, directory: str, by: str) -> None:
    machine.run("sh", "-c", f"cd /var/lib && rm -rf {directory} && cp --archive {by} {directory}")


def _as_wabot(machine: Container, *words: str) -> None:
    machine.run("runuser", "-u", "wabot", "--", *words)
