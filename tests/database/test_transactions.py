from __future__ import annotations

import threading
from typing import Any

import peewee
import pytest

from wabot.database.models import Fact
from wabot.database.statements import Parameter, Statement
from wabot.database.transactions import one_at_a_time, transaction

FULL, NORMAL = 2, 1
_WAIT_SECONDS = 10.0
_INSERT = Statement(lambda: Fact.insert(key=Parameter("key"), value=""))


def synchronous(database: Any) -> int:
    return int(database.execute_sql("PRAGMA synchronous").fetchone()[0])


def keys() -> list[str]:
    return sorted(fact.key for fact in Fact)


def test_only_what_may_be_undone_by_a_power_cut_is_not_synced(sqlite_database: Any) -> None:
    with transaction(survives_power_cut=False):
        assert synchronous(sqlite_database) == NORMAL
        with transaction():
            Fact.create(key="one", value="")
    assert synchronous(sqlite_database) == FULL
    with transaction():
        assert synchronous(sqlite_database) == FULL
        with transaction(survives_power_cut=False):
            assert synchronous(sqlite_database) == FULL
    with pytest.raises(ZeroDivisionError), transaction(survives_power_cut=False):
        Fact.create(key="two", value="")
        raise ZeroDivisionError
    assert synchronous(sqlite_database) == FULL
    assert keys() == ["one"]


@pytest.mark.parametrize("survives", [True, False])
def test_a_transaction_is_whole_or_not_at_all(database: Any, survives: bool) -> None:
    with transaction(survives_power_cut=survives):
        _INSERT.change(key="kept")
    with pytest.raises(peewee.IntegrityError), transaction(survives_power_cut=survives):
        _INSERT.change(key="undone")
        _INSERT.change(key="kept")
    assert keys() == ["kept"]


def test_threads_take_turns_where_the_engine_has_one_writer(database: Any) -> None:
    entered, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction():
            _INSERT.change(key="first")
            entered.set()
            assert may_end.wait(_WAIT_SECONDS)
        database.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(_WAIT_SECONDS)
    turn: Any = one_at_a_time()
    if isinstance(database, peewee.SqliteDatabase):
        assert not turn.acquire(blocking=False)
    else:
        _INSERT.change(key="at the same time")
    # Who only reads waits for nobody.
    assert "first" not in keys()
    may_end.set()
    _INSERT.change(key="second")
    holder.join(_WAIT_SECONDS)
    assert {"first", "second"} <= set(keys())


def test_a_transaction_that_is_open_does_not_wait_for_one_that_waits_for_it(database: Any) -> None:
    """Else each would wait for the other until SQLite gives up."""
    failures: list[Exception] = []

    def write() -> None:
        try:
            with transaction():
                _INSERT.change(key="second")
        except peewee.OperationalError as error:
            failures.append(error)
        database.close()

    with database.atomic():
        _INSERT.change(key="first")
        second = threading.Thread(target=write)
        second.start()
        # Until it waits for the end of this transaction.
        second.join(0.2)
        _INSERT.change(key="third")
    second.join(_WAIT_SECONDS)
    assert failures == []
    assert keys() == ["first", "second", "third"]
