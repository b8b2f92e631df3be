"""Whoever is the user of the bot waits for root to type a command: no file of root's is changed by any."""

from __future__ import annotations

import argparse
import os
import resource
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from tests.support.hostile_state import plant_hot_journal
from tests.support.session_directories import make_session
from wabot.cli.parser import _parser
from wabot.database.engine import migrate, open_database
from wabot.database.models import Session
from wabot.database.models import database as bound_database

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that root could lose")

# Users of every Debian: the owner of the state, and another one.
OWNER, OTHER = 65_534, 1
NOW = datetime(2026, 11, 22, 10, 0, 0)
_MOST_MEMORY_BYTES = 3_000_000_000
_PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class Done:
    """A command that ended: how, what it said, and root's files as they were before."""

    code: int
    told: str
    before: dict[str, tuple[object, ...]]


class Machine:
    """Root's files, and a state directory of somebody else's in which everything may stand.

    Args:
        home: an empty directory of root's that everybody may enter.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "root"
        self.state = home / "state"
        self.etc = home / "etc"
        self.config = self.etc / "wabot.toml"
        for directory in (self.root, self.root / "empty", self.state, self.etc, self.etc / "knowledge"):
            directory.mkdir()
        self.root.chmod(0o711)
        (self.root / "secret").write_text("root's secret\n")
        (self.root / "secret").chmod(0o600)
        for name in ("empty.db", "victim", "empty/kept"):
            (self.root / name).write_bytes(b"" if name == "empty.db" else b"root's\n")
        (self.etc / "knowledge" / "shop.md").write_text("# Shop\nShipping costs 5 euros.\n")
        self.config.write_text(
            f'[account]\nuser_id = "ana"\n[paths]\nstate = "{self.state}"\n'
            f'[ai]\nknowledge = "{self.etc}/knowledge"\n'
        )
        url = f"sqlite:///{self.state}/wabot.db"
        make_session(self.state / "sessions", "ana", linked=True, used_at=NOW)
        opened = open_database(url)
        migrate(opened)
        Session.create(user_id="ana", state="connected", updated_at=NOW)
        opened.close()
        bound_database.close()
        self.give_state()

    def give_state(self) -> None:
        """Let everything in the state be its owner's."""
        for path in (self.state, *self.state.rglob("*")):
            os.chown(path, OWNER, OWNER, follow_symlinks=False)

    def roots_files(self) -> dict[str, tuple[object, ...]]:
        """Everything outside of the state: kind, mode, owner, time and content."""
        found = {}
        for path in sorted(self.home.rglob("*")):
            if path.relative_to(self.home).parts[0] in ("state", "out", "out.armed"):
                continue
            status = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            found[str(path)] = (
                status.st_mode,
                status.st_uid,
                status.st_gid,
                status.st_mtime_ns if stat.S_ISREG(status.st_mode) else 0,
                content,
            )
        return found

    def run(self, *arguments: str, **environ: str) -> Done:
        """A command as root types it; one that hangs or eats the memory fails, one that dials is stopped."""

        def bounded() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))

        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUDO", "WABOT"))}
        with tempfile.TemporaryFile("w+") as output, socket.create_server(("127.0.0.1", 0)) as whatsapp:
            proxy = f"http://127.0.0.1:{whatsapp.getsockname()[1]}"
            self.config.write_text(self.config.read_text().partition("[connection]")[0])
            with self.config.open("a") as config:
                config.write(f'[connection]\nproxy = "{proxy}"\n')
            before = self.roots_files()
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "wabot", *arguments, "--config", str(self.config)],
                cwd=REPOSITORY,
                env=kept | {"HOME": "/root"} | environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=bounded,
            )
            ended = os.pidfd_open(process.pid)
            try:
                ready, _, _ = select.select([ended, whatsapp], [], [], _PATIENCE_SECONDS)
                if whatsapp in ready:
                    process.terminate()
                    ready, _, _ = select.select([ended], [], [], _PATIENCE_SECONDS)
                assert ready, f"{arguments} hangs"
            finally:
                os.close(ended)
                process.kill()
                process.wait()
            output.seek(0)
            return Done(process.returncode, output.read(), before)


@pytest.fixture
def machine() -> Iterator[Machine]:
    # As root's shell has it; a command that ran within this process may have left a stricter one.
    before = os.umask(0o022)
    # Not below pytest's directory, which is root's alone.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        Path(home).chmod(0o755)
        yield Machine(Path(home))
    os.umask(before)


def _commands() -> list[str]:
    (found,) = (each for each in _parser()._actions if isinstance(each, argparse._SubParsersAction))
    return sorted(found.choices)


# What root types, with the configuration behind it. `run` and `pair` end by themselves: nothing answers them.
TYPED = {
    "alert": ["alert", "--test"],
    "backup": ["backup", "{out}", "--session"],
    "chat": ["chat", "--once", "How much is shipping?"],
    "check-config": ["check-config"],
    "doctor": ["doctor"],
    "export": ["export", "+34600111222"],
    "forget": ["forget", "+34600111222", "--yes", "--everything"],
    "janitor": ["janitor", "--apply"],
    "pair": ["pair", "--png", "{state}/code.png"],
    "pause": ["pause", "+34600111222"],
    "reset": ["reset", "--yes"],
    "restore": ["restore", "{state}/backups/nightly", "--yes", "--session"],
    "resume": ["resume", "+34600111222"],
    "run": ["run"],
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
