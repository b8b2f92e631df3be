"""What a database says of wabot's own tables."""

from __future__ import annotations

from typing import Any

from wabot.database.models import OWN_TABLES


def schema(database: Any) -> dict[str, Any]:
    """What the database itself says of wabot's tables."""
    found = {}
    for table in OWN_TABLES:
        name = table._meta.table_name
        columns = [
            (each.name, each.data_type, each.null, each.primary_key) for each in database.get_columns(name)
        ]
        indexes = {(tuple(each.columns), each.unique) for each in database.get_indexes(name)}
        keys = {(each.column, each.dest_table, each.dest_column) for each in database.get_foreign_keys(name)}
        found[name] = (sorted(columns), indexes, keys)
    return found
