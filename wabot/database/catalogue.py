"""Looks at tables that another program made: what they and their columns are really called.

Names are taken from the catalogue letter by letter and quoted in every statement, because PostgreSQL folds an
unquoted name to lower case: `userId` becomes `userid`, which does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import peewee


class ForeignKey(StrEnum):
    """What keeps a row from outliving the row it belongs to."""

    PRESENT = "present"
    SWITCHED_OFF = "switched off"
    NOT_VALIDATED = "present, but older rows were never checked"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class ExistingColumn:
    """One column.

    Attributes:
        name: as the catalogue has it.
        type: in the database's own words.
        default: the expression that fills it when a statement does not; "" when there is none.
        labels: what an enum allows; empty for other types.
    """

    name: str
    type: str
    default: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExistingTable:
    """One table; its columns by their names."""

    schema: str | None
    name: str
    columns: Mapping[str, ExistingColumn]

    def column(self, name: str) -> ExistingColumn | None:
        """The column of this name in any spelling (`userId`, `user_id`, `USERID`), if any."""
        if name in self.columns:
            return self.columns[name]
        return next((each for each in self.columns.values() if _plain(each.name) == _plain(name)), None)

    def bind(self, database: Any) -> Any:
        """The table for peewee's query builder, which quotes every name."""
        return peewee.Table(self.name, schema=self.schema).bind(database)


def find_table(database: Any, name: str) -> ExistingTable | None:
    """The table of just this name, `TABLE` or `SCHEMA.TABLE`, or None."""
    schema, _, table = name.rpartition(".")
    if _is_sqlite(database):
        return _find_in_sqlite(database, table)
    return _find_in_postgresql(database, schema, table)


def similar_tables(database: Any, name: str) -> list[str]:
    """Tables whose names differ only in case, underscores or a plural s."""
    wanted = _plain(name.rpartition(".")[2]).rstrip("s")
    if _is_sqlite(database):
        query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    else:
        query = (
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') "
            "AND pg_table_is_visible(c.oid) ORDER BY c.relname"
        )
    names = [str(row[0]) for row in database.execute_sql(query).fetchall()]
    return [each for each in names if _plain(each).rstrip("s") == wanted]


def find_foreign_key(database: Any, table: ExistingTable, column: str, target: ExistingTable) -> ForeignKey:
    """Whether the database itself refuses or removes rows of `table` whose row in `target` is gone."""
    if _is_sqlite(database):
        keys = database.execute_sql(
            'SELECT "table", "from" FROM pragma_foreign_key_list(?)', (table.name,)
        ).fetchall()
        if (target.name.lower(), column.lower()) not in {(to.lower(), name.lower()) for to, name in keys}:
            return ForeignKey.ABSENT
        enforced = database.execute_sql("PRAGMA foreign_keys").fetchone()[0]
        return ForeignKey.PRESENT if enforced else ForeignKey.SWITCHED_OFF
    row = database.execute_sql(
        "SELECT k.convalidated, EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgconstraint = k.oid "
        "AND t.tgenabled = 'D') FROM pg_constraint k "
        "JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] "
        "WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND a.attname = %s "
        "AND k.conrelid = %s::regclass AND k.confrelid = %s::regclass",
        (column, _quoted(table), _quoted(target)),
    ).fetchone()
    if row is None:
        return ForeignKey.ABSENT
    if row[1]:
        return ForeignKey.SWITCHED_OFF
    return ForeignKey.PRESENT if row[0] else ForeignKey.NOT_VALIDATED


def _is_sqlite(database: Any) -> bool:
    return isinstance(database, peewee.SqliteDatabase)


def _find_in_sqlite(database: Any, name: str) -> ExistingTable | None:
    columns = database.execute_sql("SELECT name, type, dflt_value, pk FROM pragma_table_info(?)", (name,))
    found = {
        # SQLite numbers an INTEGER PRIMARY KEY by itself.
        row[0]: ExistingColumn(row[0], row[1], row[2] or ("rowid" if row[3] and row[1] == "INTEGER" else ""))
        for row in columns.fetchall()
    }
    return ExistingTable(None, name, found) if found else None


def _find_in_postgresql(database: Any, schema: str, name: str) -> ExistingTable | None:
    table = database.execute_sql(
        "SELECT n.nspname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'v', 'f') AND c.relname = %s "
        "AND CASE WHEN %s = '' THEN pg_table_is_visible(c.oid) ELSE n.nspname = %s END",
        (name, schema, schema),
    ).fetchone()
    if table is None:
        return None
    columns = database.execute_sql(
        "SELECT a.attname, format_type(a.atttypid, NULL), coalesce(pg_get_expr(d.adbin, d.adrelid), "
        "CASE WHEN a.attidentity <> '' THEN 'identity' ELSE '' END), "
        "ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = a.atttypid "
        "ORDER BY e.enumsortorder) "
        "FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
        "WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        (table[1],),
    )
    found = {row[0]: ExistingColumn(row[0], row[1], row[2], tuple(row[3])) for row in columns.fetchall()}
    return ExistingTable(table[0], name, found)


def _quoted(table: ExistingTable) -> str:
    names = (table.schema, table.name) if table.schema else (table.name,)
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
