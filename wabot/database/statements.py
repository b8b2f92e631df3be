"""Queries that are rendered once: peewee's, with parameters in place of values, for what each message needs.

To render a query takes peewee several times as long as it takes SQLite to run it (measured with peewee 4.5.3:
0.3 to 1.5 ms against 0.05), and it renders anew at each call.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import peewee

from wabot.database.models import database
from wabot.database.transactions import one_at_a_time

_Converter = Callable[[Any], Any]
_PLAIN_FIELDS = (
    peewee.IntegerField,
    peewee.CharField,
    peewee.TextField,
    peewee.DateTimeField,
    peewee.BooleanField,
)


class Parameter(peewee.ColumnBase):
    """Stands in a query for a value that is given when the statement runs.

    It has the type of what it is compared with, or assigned to. An insert tells its values nothing of their
    columns: wherever a database value differs from Python's there, `convert` is needed.

    Args:
        name: of the keyword argument.
        convert: makes of it what the driver takes, if that is not clear from its place.
    """

    def __init__(self, name: str, convert: _Converter | None = None) -> None:
        self.name = name
        self._convert = convert

    def __sql__(self, context: Any) -> Any:
        """Render the place of the value, and note in the list of values whose it is."""
        # Context.state.converter is that of the column on the other side of an operator (peewee 4.5.3).
        convert = self._convert or context.state.converter
        return context.value(_Place(self.name, convert), False)


class _Place:
    """Where a value goes; among the values of a query that are known already."""

    __slots__ = ("convert", "name")

    def __init__(self, name: str, convert: _Converter | None) -> None:
        self.name = name
        # Of these the driver, or `execute`, takes what Python has.
        is_plain = isinstance(getattr(convert, "__self__", None), _PLAIN_FIELDS)
        self.convert = None if is_plain else convert


def is_one_of(column: peewee.Field, name: str) -> Any:
    """The condition that a column has one of the values of a list, which are given when the statement runs.

    The text of the statement is the same for a list of any length: SQLite keeps each text it met, for each
    thread, and a list of 250 in it takes 50 kB there. Made for the engine that the database has now.

    Args:
        column: of texts.
        name: of the keyword argument; its value is a list.
    """
    if isinstance(database.obj, peewee.SqliteDatabase):
        # https://www.sqlite.org/json1.html: built in since SQLite 3.38.
        values = peewee.fn.json_each(Parameter(name, json.dumps))
        return column.in_(peewee.Select([values], [peewee.SQL("value")]))
    # psycopg2 hands a list over as an array.
    return column == peewee.fn.ANY(Parameter(name, list))


class Statement:
    """A query of peewee's that is rendered at its first run on a database, and kept.

    Args:
        build: makes the query; called once for each database.
        make: makes an object of the columns of a row; without it, a row is a tuple.
    """

    def __init__(self, build: Callable[[], Any], make: Callable[..., Any] | None = None) -> None:
        self._build = build
        self._make = make
        self._rendered: _Rendered | None = None

    def rows(self, **values: Any) -> list[Any]:
        """Run it, and return what it finds, or what it says of the rows it wrote.

        Args:
            values: one for each parameter.
        """
        rendered = self._for_database()
        if rendered.writes:
            with one_at_a_time():
                found = rendered.execute(values).fetchall()
        else:
            found = rendered.execute(values).fetchall()
        if rendered.readers:
            found = [rendered.read(row) for row in found]
        return [self._make(*row) for row in found] if self._make else found

    def first(self, **values: Any) -> Any:
        """Run it, and return the first row; None when there is none."""
        found = self.rows(**values)
        return found[0] if found else None

    def change(self, **values: Any) -> int:
        """Run it, and return how many rows it changed."""
        rendered = self._for_database()
        with one_at_a_time():
            return int(rendered.execute(values).rowcount)

    def _for_database(self) -> _Rendered:
        rendered = self._rendered
        if rendered is None or rendered.database is not database.obj:
            rendered = self._rendered = _Rendered(self._build(), database.obj)
        return rendered


def select(model: Any, complete: Callable[[Any], Any]) -> Statement:
    """A statement that finds whole rows of a table, as objects of its model.

    Args:
        model: the table.
        complete: given the bare query, adds conditions and order.
    """
    names = [field.name for field in model._meta.sorted_fields]

    def make(*values: Any) -> Any:
        # As peewee makes them of what it finds, without defaults. Setting each field takes far longer.
        row = model(__no_default__=True)
        row.__data__.update(zip(names, values, strict=True))
        return row

    return Statement(lambda: complete(model.select()), make)


class _Rendered:
    """The text of a query for one database, and how values go in and come out."""

    def __init__(self, query: Any, engine: Any) -> None:
        self.database = engine
        self.writes = not isinstance(query, peewee.SelectBase)
        self._sql, values = engine.get_sql_context().parse(query)
        self._values = [None if type(each) is _Place else _plain(each) for each in values]
        self._places = [
            (position, each.name, each.convert)
            for position, each in enumerate(values)
            if type(each) is _Place
        ]
        self._is_sqlite = isinstance(engine, peewee.SqliteDatabase)
        columns = (query._returning or ()) if self.writes else query.selected_columns
        self.readers = _readers(columns, engine)

    def execute(self, values: dict[str, Any]) -> Any:
        """Run it."""
        given = self._values.copy()
        for position, name, convert in self._places:
            value = values[name]
            if convert is not None:
                value = convert(value)
            elif self._is_sqlite and type(value) is datetime:
                # As the driver writes it as well, until Python takes that out (deprecated since 3.12).
                value = value.isoformat(" ")
            given[position] = value
        if not self._is_sqlite:
            return self.database.execute_sql(self._sql, given)
        # Not through peewee, which takes as long as SQLite.
        try:
            return self.database.connection().execute(self._sql, given)
        except sqlite3.Error as error:
            kind = getattr(peewee, type(error).__name__, peewee.DatabaseError)
            raise kind(error, *error.args) from error

    def read(self, row: Sequence[Any]) -> list[Any]:
        """A row as Python has it."""
        found = list(row)
        for position, reader in self.readers:
            if found[position] is not None:
                found[position] = reader(found[position])
        return found


def _plain(value: Any) -> Any:
    """A text as the driver takes it without asking what it is: that would be asked again at each run."""
    return value.value if isinstance(value, Enum) else value


def _readers(columns: Sequence[Any], engine: Any) -> list[tuple[int, _Converter]]:
    """The columns whose values the driver hands over as something else than Python has."""
    if not isinstance(engine, peewee.SqliteDatabase):
        return [(at, bytes) for at, column in enumerate(columns) if isinstance(column, peewee.BlobField)]
    readers: dict[type, _Converter] = {
        peewee.DateTimeField: datetime.fromisoformat,
        peewee.BooleanField: bool,
    }
    return [(at, readers[type(column)]) for at, column in enumerate(columns) if type(column) in readers]
