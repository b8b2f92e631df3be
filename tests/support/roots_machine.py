"""A machine on which root types commands, and the state is somebody else's."""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.session_directories import make_session
from tests.support.warm_interpreter import WarmInterpreter
from wabot.database.engine import migrate, open_database
from wabot.database.models import Session
from wabot.database.models import database as bound_database
from wabot.whatsapp.library import LIBRARY_ENVIRONMENT

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
        interpreter: runs its commands.
    """

    def __init__(self, home: Path, interpreter: WarmInterpreter) -> None:
        self.home = home
        self._interpreter = interpreter
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
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUDO", "WABOT"))}
        with tempfile.NamedTemporaryFile("r") as output, socket.create_server(("127.0.0.1", 0)) as whatsapp:
            proxy = f"http://127.0.0.1:{whatsapp.getsockname()[1]}"
            self.config.write_text(self.config.read_text().partition("[connection]")[0])
            with self.config.open("a") as config:
                config.write(f'[connection]\nproxy = "{proxy}"\n')
            before = self.roots_files()
            # Only `run` starts itself once more here, for the environment that the client library wants.
            is_new = arguments[0] == "run"
            library = {} if is_new else LIBRARY_ENVIRONMENT
            process = self._interpreter.begin(
                *(*arguments, "--config", str(self.config)),
                environ=kept | library | {"HOME": "/root"} | environ,
                output=Path(output.name),
                errors=Path(output.name),
                most_memory_bytes=_MOST_MEMORY_BYTES,
                is_new=is_new,
            )
            ready, _, _ = select.select([self._interpreter, whatsapp], [], [], _PATIENCE_SECONDS)
            if whatsapp in ready:
                os.kill(process, signal.SIGTERM)
                ready, _, _ = select.select([self._interpreter], [], [], _PATIENCE_SECONDS)
            if self._interpreter not in ready:
                os.kill(process, signal.SIGKILL)
                raise AssertionError(f"{arguments} hangs")
            return Done(self._interpreter.end(), output.read(), before)


@pytest.fixture(scope="module")
def interpreter() -> Iterator[WarmInterpreter]:
    """What runs the commands of all machines of a file, one after the other."""
    with WarmInterpreter() as running:
        yield running


@pytest.fixture
def machine(interpreter: WarmInterpreter) -> Iterator[Machine]:
    """A machine of root's, with somebody else's state."""
    # As root's shell has it; a command that ran within this process may have left a stricter one.
    before = os.umask(0o022)
    # Not below pytest's directory, which is root's alone.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        Path(home).chmod(0o755)
        yield Machine(Path(home), interpreter)
    os.umask(before)
