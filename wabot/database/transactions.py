"""Transactions of this process: in turn where the engine has one writer, and as durable as each has to be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import peewee

from wabot.database.models import database

_turn = threading.RLock()
_free = nullcontext()


def one_at_a_time() -> AbstractContextManager[object]:
    """Wait until no other thread writes, where only one can.

    SQLite has one writer. Who comes second sleeps there for 1, 2, 5, 10 … ms until it finds the first gone
    (`sqliteDefaultBusyCallback`); here it is woken. Other processes still meet SQLite's own lock, and so does
    a transaction that was begun in another way: it is the writer then, and must not wait for its turn.
    """
    engine = database.obj
    has_one_writer = isinstance(engine, peewee.SqliteDatabase)
    return _turn if has_one_writer and not engine.in_transaction() else _free


@contextmanager
def transaction(*, survives_power_cut: bool = True) -> Iterator[None]:
    """Make a transaction of the block, or a part of the one that is open on this thread.

    Args:
        survives_power_cut: it is on the disk when this returns. Otherwise it only is when a later transaction
            that wants it is: SQLite writes all of them into one file, in their order, and syncs the whole
            (https://www.sqlite.org/wal.html). Either way the end of this process, even by kill -9, takes
            nothing back. PostgreSQL always syncs: to ask it not to costs as much as that saves.
    """
    with nullcontext() if survives_power_cut else unsynced(), one_at_a_time(), database.obj.atomic():
        yield


@contextmanager
def unsynced() -> Iterator[None]:
    """Let what the block writes be lost in a power cut; for one statement, which is a transaction by itself.

    See `transaction`. Inside a transaction it is that one which decides.
    """
    engine = database.obj
    syncs_each = isinstance(engine, peewee.SqliteDatabase) and not engine.in_transaction()
    if not syncs_each:
        yield
        return
    # Of this connection, and so of this thread, alone. It cannot be set inside a transaction.
    connection = engine.connection()
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")
