"""wabot's own tables: whether all of them are there, and which can be made again when some are gone.

Another program on the same database may drop what it does not know (prisma/orm#29905).
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

import peewee

from wabot.database.catalogue import find_table
from wabot.database.models import OWN_TABLES, OwnerLine
from wabot.errors import OperatorNeeded

# SQLSTATE of PostgreSQL, appendix A: undefined table, undefined column.
_UNDEFINED = ("42P01", "42703")
# Of no use without the others, to anybody.
_PARTS = (OwnerLine,)

suspected = threading.Event()
"""Set when a statement failed as it does where a table is gone."""


def suspect(error: BaseException) -> None:
    """Have somebody look for the tables if this error may come of one that is gone."""
    code = getattr(getattr(error, "orig", None), "pgcode", None) or getattr(error, "pgcode", None)
    if code in _UNDEFINED or "no such table" in str(error) or "no such column" in str(error):
        suspected.set()


def what_is_missing(database: Any) -> list[str]:
    """The tables that are not there, and the columns (TABLE.COLUMN) that others lack."""
    missing = []
    for model in OWN_TABLES:
        name = model._meta.table_name
        table = find_table(database, name)
        if table is None:
            missing.append(name)
        else:
            columns = (field.column_name for field in model._meta.sorted_fields)
            missing += [f"{name}.{column}" for column in columns if column not in table.columns]
    return missing


def to_be_made(database: Any, missing: Collection[str]) -> list[Any]:
    """The models whose tables are to be made (again), those that have to be dropped for that included.

    Args:
        database: open.
        missing: as `what_is_missing` says.

    Raises:
        OperatorNeeded: what is left cannot be used, and should not be thrown away unasked.
    """
    columns = [each for each in missing if "." in each]
    if columns:
        raise OperatorNeeded(
            f"of wabot's own tables the columns {', '.join(columns)} are gone: restore a backup (wabot "
            "restore), or drop those tables: the next start makes them anew, empty"
        )
    gone = {model for model in OWN_TABLES if model._meta.table_name in missing}
    while True:
        orphans = {
            field.model
            for parent in gone
            for field in parent._meta.backrefs
            if field.model in OWN_TABLES and field.model not in gone
        }
        if not orphans:
            return [model for model in OWN_TABLES if model in gone]
        full = [each for each in orphans if each not in _PARTS and _has_rows(database, each)]
        if full:
            names = ", ".join(each._meta.table_name for each in full)
            raise OperatorNeeded(
                f"wabot's own {', '.join(sorted(missing))} are gone, and what {names} still hold cannot be "
                "used without: restore a backup (wabot restore), or drop those as well: the next start makes "
                "all of them anew, empty"
            )
        gone |= orphans


def can_make(database: Any) -> bool:
    """Whether this role may create tables."""
    if isinstance(database, peewee.SqliteDatabase):
        return True
    query = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
    return bool(database.execute_sql(query).fetchone()[0])


def _has_rows(database: Any, model: Any) -> bool:
    return database.execute_sql(f'SELECT 1 FROM "{model._meta.table_name}" LIMIT 1').fetchone() is not None
