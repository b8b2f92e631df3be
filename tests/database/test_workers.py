from __future__ import annotations

import logging
from typing import Any

import peewee
import pytest

from wabot.database import tables, workers
from wabot.database.models import Fact
from wabot.database.workers import DatabaseWorker, while_away

WAIT_SECONDS = 10.0


class BudgetHidden(Exception):
    """Another module's word for a database that is away."""


def test_where_the_database_is_away_the_block_ends_and_says_so(
    sqlite_database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    Fact.create(key="a", value="b")
    with while_away("the rest waits") as attempt:
        raise peewee.OperationalError("server closed the connection\n  unexpectedly")
    assert isinstance(attempt.error, peewee.OperationalError)
    assert sqlite_database.is_closed(), "every query on a connection that was cut fails until it is closed"
    (said,) = caplog.records
    assert said.levelno == logging.WARNING
    assert said.message == "database: server closed the connection; unexpectedly; the rest waits"


def test_nothing_is_said_where_all_is_well(sqlite_database: Any, caplog: pytest.LogCaptureFixture) -> None:
    with while_away("the rest waits") as attempt:
        Fact.create(key="a", value="b")
    assert attempt.error is None
    assert not caplog.records


def test_other_errors_are_nobodys_outage(sqlite_database: Any) -> None:
    with pytest.raises(peewee.DataError), while_away("the rest waits"):
        raise peewee.DataError("NUL")
    with while_away("the rest waits", BudgetHidden) as attempt:
        raise BudgetHidden from peewee.OperationalError("away")
    assert isinstance(attempt.error, BudgetHidden)


def test_a_table_that_is_gone_is_suspected(sqlite_database: Any) -> None:
    tables.suspected.clear()
    sqlite_database.execute_sql("DROP TABLE wabot_facts")
    with while_away("the rest waits"):
        Fact.create(key="a", value="b")
    assert tables.suspected.is_set()
    tables.suspected.clear()


class Clerk(DatabaseWorker):
    """Finds the database away, and then meets what nobody foresaw."""

    waits = "the files wait"

    def __init__(self) -> None:
        super().__init__("clerk")
        self.errors: list[Exception] = [peewee.InterfaceError("connection already closed"), KeyError("odd")]

    def work(self) -> float | None:
        if self.errors:
            raise self.errors.pop(0)
        Fact.create(key="done", value="")
        return None


def test_a_worker_lives_with_a_database_that_is_away(
    sqlite_database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clerk = Clerk()
    assert [clerk._step() for _ in range(3)] == [workers.RETRY_SECONDS, workers.FAILED_SECONDS, None]
    assert "database: connection already closed; the files wait" in caplog.text
    assert "clerk failed; it goes on" in caplog.text
    assert Fact.get().key == "done"
