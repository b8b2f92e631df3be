"""Figures from the database, counted again only after somebody has written there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import peewee

from wabot.database.models import database

_Figure = TypeVar("_Figure")

# A count may take so much of the time.
_SHARE = 0.1
_LONGEST_PAUSE_SECONDS = 60.0


class KeptFigure(Generic[_Figure]):
    """A figure, as it was at the last change of the database.

    For one thread. What that thread itself writes is not noticed in SQLite.

    Args:
        count: asks the database.
    """

    def __init__(self, count: Callable[[], _Figure]) -> None:
        self._count = count
        self._mark: object = None
        self._kept: _Figure | None = None
        self._not_before = float("-inf")

    def get(self, *, is_last: bool = False) -> _Figure:
        """The figure; counted anew where somebody has written since.

        Args:
            is_last: nobody will ask again, so it is counted now.

        Raises:
            peewee.OperationalError, peewee.InterfaceError: the database is away.
        """
        mark = _mark_of_last_write()
        began = time.monotonic()
        kept = self._kept
        if kept is not None and not is_last and (mark == self._mark or began < self._not_before):
            return kept
        # Not remembered until it is known: a count that fails is no news.
        self._kept = None
        figure = self._count()
        ended = time.monotonic()
        self._not_before = ended + min((ended - began) / _SHARE, _LONGEST_PAUSE_SECONDS)
        self._mark, self._kept = mark, figure
        return figure


def _mark_of_last_write() -> object:
    """A mark that is another one after each write of anybody; read without a look at a table."""
    engine: Any = database.obj
    if isinstance(database.obj, peewee.SqliteDatabase):
        # Another connection counts anew: https://www.sqlite.org/pragma.html#pragma_data_version
        return engine.connection(), engine.execute_sql("PRAGMA data_version").fetchone()[0]
    # Which transactions are over; of the whole server.
    return engine.execute_sql("SELECT txid_current_snapshot()::text").fetchone()[0]
