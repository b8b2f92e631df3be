from __future__ import annotations

import threading
from typing import Any

import peewee
import pytest

from wabot.database import kept_figures
from wabot.database.kept_figures import KeptFigure
from wabot.database.models import Fact


class Facts:
    """Counts facts, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    def __call__(self) -> int:
        self.asked += 1
        if self.error:
            raise self.error
        return int(Fact.select().count())


@pytest.fixture(autouse=True)
def _counts_as_often_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_figures, "_LONGEST_PAUSE_SECONDS", 0.0)


def elsewhere(database: Any, action: Any) -> None:
    """On another connection, as another thread or another process has it."""

    def act() -> None:
        action()
        database.close()

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def test_counts_once_as_long_as_nobody_writes(database: Any) -> None:
    facts = Facts()
    figure = KeptFigure(facts)
    assert [figure.get() for _ in range(3)] == [0, 0, 0]
    assert facts.asked == 1


def test_counts_again_when_somebody_wrote(database: Any) -> None:
    facts = Facts()
    figure = KeptFigure(facts)
    assert figure.get() == 0
    elsewhere(database, lambda: Fact.create(key="a", value=""))
    assert (figure.get(), figure.get()) == (1, 1)
    elsewhere(database, lambda: Fact.delete().execute())
    assert figure.get() == 0


def test_sees_the_end_of_a_transaction_that_had_begun_before_the_count(database: Any) -> None:
    figure = KeptFigure(Facts())
    has_written, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with database.atomic():
            Fact.create(key="a", value="")
            has_written.set()
            may_end.wait(30)
        database.close()

    thread = threading.Thread(target=write)
    thread.start()
    has_written.wait(30)
    assert figure.get() == 0
    may_end.set()
    thread.join()
    assert figure.get() == 1


def test_what_could_not_be_counted_is_counted_at_the_next_look(database: Any) -> None:
    facts = Facts()
    figure = KeptFigure(facts)
    assert figure.get() == 0
    elsewhere(database, lambda: Fact.create(key="a", value=""))
    facts.error = peewee.OperationalError("away")
    with pytest.raises(peewee.OperationalError):
        figure.get()
    facts.error = None
    assert figure.get() == 1


def test_counts_again_on_another_connection(database: Any) -> None:
    facts = Facts()
    figure = KeptFigure(facts)
    assert figure.get() == 0
    database.close()
    Fact.create(key="a", value="")
    database.close()
    assert figure.get() == 1


def test_a_count_that_takes_long_is_not_made_all_the_time(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_figures, "_LONGEST_PAUSE_SECONDS", 3600.0)
    monkeypatch.setattr(kept_figures, "_SHARE", 1e-9)
    facts = Facts()
    figure = KeptFigure(facts)
    assert figure.get() == 0
    elsewhere(database, lambda: Fact.create(key="a", value=""))
    assert (figure.get(), facts.asked) == (0, 1)
    assert figure.get(is_last=True) == 1
