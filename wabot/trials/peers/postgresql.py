"""A real PostgreSQL server on loopback, with a data directory of its own, thrown away at the end."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class PostgresqlMissing(Exception):
    """There is no PostgreSQL here, or nobody who may run it; says what is missing."""


class PostgresqlServer:
    """A server for a with block; its data is thrown away at the end.

    Args:
        options: settings of the server as NAME=VALUE, in addition to those that make it private.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._programs = find_programs()
        self._user = _unprivileged_user()
        self.password = secrets.token_hex(16)
        self.port = free_port()
        own = (f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=")
        self._options = [part for each in (*own, *options) for part in ("-c", each)]
        # Not below pytest's tmp_path: root's is closed to the user that has to run the server.
        self._home = Path(tempfile.mkdtemp(prefix="wabot-postgresql-"))
        self._process: subprocess.Popen[bytes] | None = None
        # pdeathsig comes at the end of the thread that started a process: this one stays.
        self._starter = ThreadPoolExecutor(1, "postgresql")

    def __enter__(self) -> Self:
        try:
            if self._user:
                shutil.chown(self._home, self._user)
            self._make_cluster()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def url(self, name: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://wabot:{self.password}@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str) -> None:
        """Run a statement outside of every other database."""
        with closing(psycopg2.connect(self.url())) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)

    def start(self) -> None:
        """Start it; returns when it answers."""
        self._process = self._starter.submit(self._launch).result()
        self._wait_until_it_answers(self._process)

    def stop(self, *, crash: bool = False) -> None:
        """End it: every connection is cut; after a `crash` it has to recover when it starts again."""
        process, self._process = self._process, None
        if process is None:
            return
        # PostgreSQL's fast and its immediate shutdown.
        process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """Let all its processes stand still: connections stay open and nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        for each in (pid, *map(int, children)):
            os.kill(each, number)

    def dump(self, name: str, file: Path) -> None:
        """Write one of its databases down as SQL."""
        address = ["--host=127.0.0.1", f"--port={self.port}", "--username=wabot", f"--dbname={name}"]
        dumped = subprocess.run(
            [str(self._programs / "pg_dump"), *address],
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            timeout=60,
            check=True,
        )
        file.write_bytes(dumped.stdout)

    def _launch(self) -> subprocess.Popen[bytes]:
        command = [str(self._programs / "postgres"), "-D", str(self._home / "data"), *self._options]
        with (self._home / "log").open("ab") as log:
            return subprocess.Popen(
                self._as_user(command),
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for whoever started it
            )

    def _remove(self) -> None:
        self.stop()
        self._starter.shutdown()
        shutil.rmtree(self._home, ignore_errors=True)

    def _make_cluster(self) -> None:
        password_file = self._home / "password"
        password_file.write_text(self.password, encoding="ascii")
        if self._user:
            shutil.chown(password_file, self._user)
        initdb = [str(self._programs / "initdb"), "-D", str(self._home / "data"), "--no-sync"]
        initdb += ["--encoding=UTF8", "--locale=C.UTF-8", "--username=wabot", "--auth=scram-sha-256"]
        made: Any = subprocess.run(
            self._as_user([*initdb, f"--pwfile={password_file}"]),
            cwd=self._home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if made.returncode:
            raise PostgresqlMissing(f"initdb failed: {made.stderr.strip()}")

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg2.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg2.OperationalError:
                time.sleep(0.05)
        log = (self._home / "log").read_text(encoding="utf-8", errors="replace")
        raise PostgresqlMissing(f"PostgreSQL did not start: {log[-1000:]}")

    def _as_user(self, command: list[str]) -> list[str]:
        if not self._user:
            return command
        group = str(pwd.getpwnam(self._user).pw_gid)
        # pdeathsig: the server ends with whoever started it, even when those are killed.
        become = ["setpriv", "--reuid", self._user, "--regid", group, "--clear-groups", "--pdeathsig", "INT"]
        return [*become, *command]


def find_programs() -> Path:
    """Where the server's programs are; raises PostgresqlMissing."""
    installed = list(Path("/usr/lib/postgresql").glob("[0-9]*/bin/postgres"))
    if installed:
        return max(installed, key=lambda program: float(program.parts[4])).parent
    on_path = shutil.which("postgres")
    if on_path is None:
        raise PostgresqlMissing("no PostgreSQL server is installed")
    return Path(on_path).resolve().parent


def free_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged_user() -> str:
    """Who runs the server, which refuses to run as root; "" when this process is not root's."""
    if os.geteuid() != 0:
        return ""
    if shutil.which("setpriv") is None:
        raise PostgresqlMissing("PostgreSQL refuses to run as root, and there is no setpriv")
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise PostgresqlMissing("PostgreSQL refuses to run as root, and there is no other user")
