"""Whoever is the user of the bot waits for root to type a command: no file of root's is changed by any."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Callable

import pytest

from tests.support.hostile_state import plant_hot_journal
from tests.support.roots_machine import Machine, interpreter, machine
from wabot.cli.parser import build_parser

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that root could lose")

__all__ = ["interpreter", "machine"]


def _commands() -> list[str]:
    (found,) = (each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction))
    return sorted(found.choices)


# What root types, with the configuration behind it. `run` and `pair` end by themselves: nothing answers them.
TYPED = {
    "alert": ["alert", "--test"],
    "backup": ["backup", "{out}", "--session"],
    "chat": ["chat", "--once", "How much is shipping?"],
    "chat-log": ["chat-log", "+34600111222"],
    "chats": ["chats"],
    "check-config": ["check-config"],
    "doctor": ["doctor"],
    "export": ["export", "+34600111222"],
    "forget": ["forget", "+34600111222", "--yes", "--everything"],
    "help": ["help", "operate"],
    "janitor": ["janitor", "--apply"],
    "outbox": ["outbox", "--cancel", "1"],
    "pair": ["pair", "--png", "{state}/code.png"],
    "pause": ["pause", "+34600111222"],
    "reset": ["reset", "--yes"],
    "restore": ["restore", "{state}/backups/nightly", "--yes", "--session"],
    "resume": ["resume", "+34600111222"],
    "run": ["run"],
    "send": ["send", "+34600111222", "Your order has left"],
    "status": ["status", "--json"],
    "version": ["version"],
}
# The emulator has no state; the bot that it starts is `run`.
WITHOUT_STATE = {"emulator"}


def test_every_command_is_tried() -> None:
    assert set(_commands()) == set(TYPED) | WITHOUT_STATE


def hot_journal(machine: Machine) -> None:
    """SQLite, as root, would delete a file of root's."""
    for database in (machine.state / "wabot.db", machine.state / "sessions" / "ana" / "whatsapp.db"):
        plant_hot_journal(str(database), str(machine.root / "victim"))


def links(machine: Machine) -> None:
    """Every file of the bot's leads to one of root's."""
    state, session = machine.state, machine.state / "sessions" / "ana"
    for path in (state / "wabot.db", session / "whatsapp.db"):
        path.unlink()
        path.symlink_to(machine.root / "empty.db")
    (session / "spool").symlink_to("/dev/zero")
    for name in ("sessions/ana.lock", "alerts.json", "code.png"):
        (state / name).symlink_to(machine.root / "victim")
    for name in ("backups", "quarantine", "spool", "alerts"):
        (state / name).symlink_to(machine.root / "empty")


def pipes(machine: Machine) -> None:
    """What is read never ends."""
    state, session = machine.state, machine.state / "sessions" / "ana"
    for path in (session / "spool", session / "spool.damaged", state / "sessions" / "ana.lock"):
        os.mkfifo(path)
    for path in (state / "wabot.db", session / "whatsapp.db"):
        os.mkfifo(path.with_name(path.name + "-journal"))
    nightly = state / "backups" / "nightly" / "wabot-20261122T100000Z"
    nightly.mkdir(parents=True)
    os.mkfifo(nightly / "manifest.json")
    entry = state / "quarantine" / "ana.20261122T100000Z"
    (entry / "session").mkdir(parents=True)
    os.mkfifo(entry / "note.json")
    os.mkfifo(entry / "session" / "whatsapp.db")
    os.mkfifo(entry / "session" / "spool")


def devices(machine: Machine) -> None:
    """What is read has no end, and all of it would be kept."""
    state, session = machine.state, machine.state / "sessions" / "ana"
    for path in (state / "wabot.db", session / "whatsapp.db"):
        path.unlink()
    for path in (
        state / "wabot.db",
        session / "whatsapp.db",
        session / "spool",
        state / "sessions" / "ana.lock",
    ):
        path.symlink_to("/dev/zero")
    (state / "backups").mkdir()
    (state / "backups" / "nightly").mkdir()
    (state / "backups" / "nightly" / "manifest.json").symlink_to("/dev/zero")


def swapped(machine: Machine) -> None:
    """The directories themselves lead elsewhere."""
    for name in ("sessions", "backups", "quarantine"):
        shutil.rmtree(machine.state / name, ignore_errors=True)
        (machine.state / name).symlink_to(machine.root)


def odd_names(machine: Machine) -> None:
    """Names that steer a terminal, or are taken for several."""
    for below in ("backups/nightly", "quarantine", "sessions"):
        for name in (f"wabot-20261122T100000Z\n{machine.root}/victim", "\x1b[2J\x1b]0;x\x07", "-rf", "$(id)"):
            path = machine.state / below / name.replace("/", "\u2215")
            path.mkdir(parents=True)
    (machine.state / "wabot.db.replaced-\x1b[31m").touch()


def hot_journal_and_odd_names(machine: Machine) -> None:
    """Two that do not get in each other's way."""
    hot_journal(machine)
    odd_names(machine)


ATTACKS: list[Callable[[Machine], None]] = [hot_journal_and_odd_names, links, pipes, devices, swapped]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_no_command_of_roots_changes_a_file_of_roots(
    machine: Machine, attack: Callable[[Machine], None]
) -> None:
    attack(machine)
    machine.give_state()
    kept = machine.home / "out"
    armed = machine.home / "out.armed"
    machine.state.rename(armed)
    for name in sorted(TYPED):
        shutil.rmtree(machine.state, ignore_errors=True)
        subprocess.run(["cp", "--archive", str(armed), str(machine.state)], check=True)
        typed = [each.format(out=kept, state=machine.state) for each in TYPED[name]]
        done = machine.run(*typed)
        assert machine.roots_files() == done.before, typed
        assert "\x1b" not in done.told, typed
        assert "Traceback" not in done.told and done.code not in (70, -9), (typed, done.told)
        shutil.rmtree(kept, ignore_errors=True)
