"""wabot's own tables: whether all of them are there, and which can be made again when some are gone.

Another program on the same database may drop what it does not know (prisma/orm#29905).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Any

import peewee

from wabot.database.catalogue import find_table
from wabot.database.models import OWN_TABLES, OwnerLine, ReceivedFile, database
from wabot.errors import OperatorNeeded
from wabot.system.threads import Worker

# SQLSTATE of PostgreSQL, appendix A: undefined table, undefined column.
_UNDEFINED = ("42P01", "42703")
# Of no use without the others, to anybody.
_PARTS = (OwnerLine, ReceivedFile)

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


log = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 10.0
_NO_RIGHT = (
    "and the role in database.url may not make them: GRANT CREATE ON SCHEMA public to it, or restore a backup"
)


class TableWatch(Worker):
    """A thread that sleeps as long as nothing is suspected.

    Attributes:
        gone: why the process has to start again, which makes the tables anew; "" while it has not.
        trouble: what keeps messages from being stored until somebody mends it; "" while nothing does.
    """

    def __init__(self) -> None:
        super().__init__("tables", suspected, first_seconds=None)
        self.gone = ""
        self.trouble = ""

    def work(self) -> float | None:
        """Look for the tables; again after a while if they are not there, however often it is suspected."""
        if self.look():
            return None
        self.stops_within(_LOOK_AGAIN_SECONDS)
        return 0.0

    def look(self) -> bool:
        """Look for the tables, and say what there is to say; whether all are there."""
        try:
            missing = what_is_missing(database.obj)
            names = ", ".join(missing)
            if not missing:
                self.trouble = ""
                return True
            if to_be_made(database.obj, missing) and can_make(database.obj):
                self.gone = f"wabot's own tables {names} are gone: starting again, which makes them anew"
            else:
                self._complain(f"wabot's own tables {names} are gone, {_NO_RIGHT}")
        except OperatorNeeded as error:
            self._complain(str(error))
        except (peewee.DatabaseError, peewee.InterfaceError) as error:
            log.warning("database: %s; its tables are looked for later", error)
        finally:
            database.close()
        return False

    def _complain(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.error("%s", trouble)
        self.trouble = trouble
