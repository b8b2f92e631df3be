"""The bot's database in a soak: read for the account, locked, and restarted."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg2

from wabot.trials.peers.postgresql import PostgresqlServer

_LOCK_TIMEOUT_SECONDS = 10
_NAME = "soak"


def _nothing() -> None:
    """What happens where nothing else is to happen."""


class SoakDatabase(Protocol):
    """What a soak needs of the bot's database.

    Attributes:
        name: what it is, for people.
        url: its address, for the bot's configuration.
    """

    name: str
    url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask it; raises Unreachable while it cannot be asked."""

    def lock(self, seconds: float, at_the_end: Callable[[], None] = _nothing) -> None:
        """Let nobody write for so long, as another program does in a long transaction."""

    def restart(self, seconds: float, crash: bool, meanwhile: Callable[[], None] = _nothing) -> None:
        """Take it away and bring it back after so long; half-way something else happens."""

    def drop(self, table: str) -> None:
        """Drop one of its tables."""

    def keep(self, directory: Path) -> None:
        """Leave what is in it in a directory, for people who look for the cause of a failure."""


class Unreachable(Exception):
    """The database cannot be asked at the moment."""


class SqliteFile:
    """A file of the bot's own."""

    name = "SQLite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = f"sqlite:///{path}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask it."""
        try:
            with closing(sqlite3.connect(self._path, timeout=_LOCK_TIMEOUT_SECONDS)) as opened:
                return opened.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            raise Unreachable(str(error)) from None

    def lock(self, seconds: float, at_the_end: Callable[[], None] = _nothing) -> None:
        """Hold the one lock for writing."""
        opened = sqlite3.connect(self._path, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None)
        with closing(opened):
            opened.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            at_the_end()
            opened.execute("ROLLBACK")

    def restart(self, seconds: float, crash: bool, meanwhile: Callable[[], None] = _nothing) -> None:
        """A file does not go away; to be kept from it comes nearest."""
        self.lock(seconds, meanwhile)

    def drop(self, table: str) -> None:
        """Drop one of its tables."""
        with closing(sqlite3.connect(self._path, timeout=_LOCK_TIMEOUT_SECONDS)) as opened:
            opened.execute(f"DROP TABLE IF EXISTS {table}")

    def keep(self, directory: Path) -> None:
        """Leave it in a directory."""
        if self._path.parent != directory:
            shutil.copy(self._path, directory)


class PostgresqlDatabase:
    """A database on a server of the soak's own, with one user in it."""

    name = "PostgreSQL"

    def __init__(self, server: PostgresqlServer, user_id: str) -> None:
        self._server = server
        server.execute(f"CREATE DATABASE {_NAME}")
        self.url = server.url(_NAME)
        # A server's database belongs to an application, and the bot's user is one of that.
        with closing(psycopg2.connect(self.url)) as opened, opened, opened.cursor() as cursor:
            cursor.execute("CREATE TABLE users (id text PRIMARY KEY)")
            cursor.execute("INSERT INTO users VALUES (%s)", (user_id,))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask it."""
        try:
            with closing(psycopg2.connect(self.url)) as opened, opened.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        except psycopg2.Error as error:
            raise Unreachable(str(error)) from None

    def lock(self, seconds: float, at_the_end: Callable[[], None] = _nothing) -> None:
        """Hold the tables of messages, as a migration of somebody else's does."""
        with closing(psycopg2.connect(self.url)) as opened, opened.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'")
            cursor.execute("LOCK TABLE wabot_inbox, wabot_outbox IN EXCLUSIVE MODE")
            time.sleep(seconds)
            at_the_end()
            opened.rollback()

    def restart(self, seconds: float, crash: bool, meanwhile: Callable[[], None] = _nothing) -> None:
        """Stop the server, and start it again."""
        self._server.stop(crash=crash)
        time.sleep(seconds / 2)
        meanwhile()
        time.sleep(seconds / 2)
        self._server.start()

    def drop(self, table: str) -> None:
        """Drop one of its tables."""
        with closing(psycopg2.connect(self.url)) as opened, opened, opened.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")

    def keep(self, directory: Path) -> None:
        """Leave it in a directory, as SQL."""
        self._server.dump(_NAME, directory / "wabot.sql")
