"""Opens the database, SQLite or PostgreSQL, and brings wabot's own tables up to date."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peewee
from playhouse.migrations import Migration, Runner

from wabot.clock import process_clock
from wabot.config.settings import Settings
from wabot.database import models
from wabot.database.address import postgresql_address, public_url, sqlite_file
from wabot.database.errors import bound_waiting, fault, patience
from wabot.database.tables import to_be_made, what_is_missing
from wabot.errors import OperatorNeeded
from wabot.system.files import require_plain_database

log = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
_INSUFFICIENT_PRIVILEGE = "42501"
_HISTORY_TABLE = "wabot_migrations"
_LONGEST_MIGRATION_SECONDS = 3600
_NUMBERS_SINCE = 1_577_836_800  # 2020: no table gets a row each second for years, and 32 bits are enough
_BUSY_MILLISECONDS = 5000
_MIGRATION_LOCK = 7_703_301  # any number will do, as long as every wabot takes the same


def open_database(url: str) -> Any:
    """Open the database and bind the models to it.

    Args:
        url: `sqlite:///PATH` (so four slashes for an absolute path) or `postgresql://…`.

    Returns:
        The peewee database. Connections are one per thread and opened on first use.

    Raises:
        DatabaseAway: it does not answer, or cannot be opened now.
        OperatorNeeded: the address can never work, or the file is no database.
    """
    try:
        file = sqlite_file(url)
        database = _sqlite(file) if file else _postgresql(url)
        database.connect()
        if file:
            file.chmod(0o600)
    except (ValueError, peewee.ProgrammingError):
        # ProgrammingError: a parameter after the "?" that PostgreSQL's library does not know.
        raise OperatorNeeded(
            f"database.url {public_url(url)}: no address such as postgresql://USER:PASSWORD@HOST:5432/NAME or sqlite:///PATH"
        ) from None
    except (peewee.DatabaseError, OSError) as error:
        raise fault(error, url) from None
    models.database.initialize(database)
    return database


def fresh_database(path: Path) -> Path:
    """Where a restored SQLite database is, until it is complete and takes its place."""
    return path.with_name(f".{path.name}.restoring")


def migrate(database: Any) -> list[str]:
    """Apply the migrations that are still missing; safe when several processes start at once.

    Returns:
        The names of those applied now.

    Raises:
        OperatorNeeded: the database was written by a newer wabot, or the role may not create tables.
    """
    runner = _runner(database)
    _refuse_newer(database)
    # Who has nothing to do need not wait for its turn, nor have the right to create: the runner creates its
    # own table "if not exists", and that needs it also where it exists.
    if not missing_migrations(database):
        return []
    with _one_at_a_time(database), _explained():
        _refuse_newer(database)
        _adopt_tables(database, runner)
        applied: list[str] = runner.up() if missing_migrations(database) else []
    for name in applied:
        log.info("database: applied %s", name)
    return applied


def make_missing_tables(database: Any) -> list[str]:
    """Make those of wabot's own tables again that somebody dropped; what they held is lost.

    Returns:
        Their names.

    Raises:
        OperatorNeeded: what is left cannot be used without them, or the role may not create tables.
    """
    if not what_is_missing(database):
        return []
    with _one_at_a_time(database), _explained():
        tables = to_be_made(database, what_is_missing(database))
        database.drop_tables(list(reversed(tables)), safe=True)
        if not isinstance(database, peewee.SqliteDatabase):
            database.create_tables(tables, safe=False)
        else:
            engine: Any = database
            for statement in _statements_for({model._meta.table_name for model in tables}):
                engine.execute_sql(statement)
        _skip_old_numbers(database, tables)
        if models.Outbound in tables and models.Inbound not in tables:
            models.Inbound.update(reply=None).where(models.Inbound.reply.is_null(False)).execute()
    names = [model._meta.table_name for model in tables]
    if names:
        log.error("database: %s were gone, and are made anew; what they held is lost", ", ".join(names))
    return names


def _skip_old_numbers(engine: Any, tables: Collection[Any]) -> None:
    """Let no row get the number of one that is gone: another bot that runs may remember whose that was."""
    start = int(process_clock.now()) - _NUMBERS_SINCE
    is_sqlite = isinstance(engine, peewee.SqliteDatabase)
    for model in tables:
        name = model._meta.table_name
        if not isinstance(model._meta.primary_key, peewee.AutoField):
            continue
        if not is_sqlite:
            engine.execute_sql("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (name, start))
        elif "AUTOINCREMENT" in _sql_of(engine, name):
            engine.execute_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, start))


def _sql_of(engine: Any, table: str) -> str:
    query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    return str(engine.execute_sql(query, (table,)).fetchone()[0])


def _statements_for(tables: Collection[str]) -> list[str]:
    """The statements that make these tables in SQLite as the migrations do, whose ids never come twice."""
    scratch: Any = peewee.SqliteDatabase(":memory:")
    try:
        _runner(scratch).up()
        query = "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC"
        return [sql for name, sql in scratch.execute_sql(query).fetchall() if name in tables]
    finally:
        scratch.close()


def _adopt_tables(database: Any, runner: Runner) -> None:
    """Write the record of migrations anew where only that is gone."""
    missing = what_is_missing(database)
    if runner.applied() or len(missing) == len(models.OWN_TABLES):
        return
    if columns := [each for each in missing if "." in each]:
        raise OperatorNeeded(
            f"wabot's own tables are there, but not the columns {', '.join(columns)}, nor {_HISTORY_TABLE}: "
            "restore a backup (wabot restore), or drop all tables named wabot_*: the next start makes them"
        )
    log.error("database: %s was gone; the tables are those of this version", _HISTORY_TABLE)
    runner.fake()


@contextmanager
def _explained() -> Iterator[None]:
    """Say what to do about a role that may not create tables."""
    try:
        yield
    except peewee.ProgrammingError as error:
        if getattr(getattr(error, "orig", None), "pgcode", None) != _INSUFFICIENT_PRIVILEGE:
            raise
        raise OperatorNeeded(
            f"wabot's own tables cannot be made ({error}): as the owner of the database, "
            "GRANT CREATE, USAGE ON SCHEMA public to the role in database.url"
        ) from None


def _refuse_newer(database: Any) -> None:
    newer = newer_migrations(database)
    if newer:
        raise OperatorNeeded(
            f"the database was written by a newer wabot (it knows {newer[-1]}): "
            "install that version again, or restore the backup from before the upgrade"
        )


def missing_migrations(database: Any) -> list[str]:
    """The names of the migrations that `migrate` would apply."""
    runner = _runner(database)
    applied = runner.applied()
    return [migration.name for migration in runner.migrations() if migration.name not in applied]


def known_migrations() -> frozenset[str]:
    """The names of all migrations of this program.

    Raises:
        OperatorNeeded: this user cannot read the program, which must not pass for having none.
    """
    names = frozenset(migration.name for migration in Migration.load_directory(str(_MIGRATIONS)))
    if not names:
        raise OperatorNeeded(f"{_MIGRATIONS} cannot be read, and so not told what is to change")
    return names


def newer_migrations(database: Any) -> list[str]:
    """The names of migrations that a newer wabot applied and this one does not know."""
    runner = _runner(database)
    return sorted(set(runner.applied()) - {migration.name for migration in runner.migrations()})


def _runner(database: Any) -> Runner:
    return Runner(database, str(_MIGRATIONS), table_name=_HISTORY_TABLE)


def _sqlite(path: Path) -> Any:
    if path.name == ":memory:":
        raise ValueError("each thread would have a database of its own")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_plain_database(path)
    if not path.exists() and fresh_database(path).exists():
        raise OperatorNeeded(
            f"the database {path} is missing, because `wabot restore` was interrupted: run it again; or, for "
            f"what was there before, rename {path.name}.replaced-… back and remove {fresh_database(path)}"
        )
    return peewee.SqliteDatabase(
        str(path),
        # FULL: a message that was acknowledged to WhatsApp must survive a power cut, too.
        pragmas={
            # Counts only when the file is made, and only before anything else is written.
            "auto_vacuum": "incremental",
            "journal_mode": "wal",
            "synchronous": "full",
            "busy_timeout": _BUSY_MILLISECONDS,
            "foreign_keys": 1,
            # KiB for each connection, and each thread has one: with SQLite's 2,000 the process grew by 7 MB
            # over 18,000 messages, with this by 4 and then no more. The system caches the file as well.
            "cache_size": -256,
        },
        # A transaction that reads and then writes fails at once where another one writes, in spite of the
        # busy timeout, unless it takes the write lock at its beginning (measured with peewee 4.5.3).
        lock_type="IMMEDIATE",
    )


def _postgresql(url: str) -> Any:
    # It brings pools for every engine along; where there is only a file, nobody has to wait for them.
    from playhouse import db_url

    from wabot.database.lent_connections import LendingPostgresql

    db_url.register_database(LendingPostgresql, "postgresql", "postgres")
    bound_waiting()
    address, schema = postgresql_address(url)
    search_path = f" -c search_path={schema}" if schema else ""
    return db_url.connect(
        address,
        unquote_user=True,
        unquote_password=True,
        connect_timeout=5,
        options=f"-c timezone=UTC -c statement_timeout=20000{search_path}",
        application_name="wabot",
        keepalives_idle=30,
        tcp_user_timeout=20_000,
    )


@contextmanager
def _one_at_a_time(database: Any) -> Iterator[None]:
    """Let only one process migrate; peewee's runner takes no lock of its own.

    On years of messages a migration takes longer than any question of the bot's may, and whoever waits for
    its end as well.
    """
    engine: Any = database
    if isinstance(database, peewee.SqliteDatabase):
        engine.execute_sql(f"PRAGMA busy_timeout = {1000 * _LONGEST_MIGRATION_SECONDS}")
        try:
            with database.atomic():
                yield
        finally:
            engine.execute_sql(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        return
    with patience(_LONGEST_MIGRATION_SECONDS), database.atomic():
        # All of the transaction: what is set for the session could stay behind in a pooler that lends its
        # connections.
        database.execute_sql(f"SET LOCAL statement_timeout = {1000 * _LONGEST_MIGRATION_SECONDS}")
        database.execute_sql("SET LOCAL lock_timeout = 0")
        database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        yield


def open_existing_database(settings: Settings) -> Any:
    """Open the database, but never create one: whoever looks for it in the wrong place must be told.

    Raises:
        OperatorNeeded: there is none.
        DatabaseAway: it does not answer.
    """
    file = sqlite_file(settings.database.url)
    if file is not None and not file.exists():
        raise OperatorNeeded(
            f"there is no database {file}: either the bot has never run, or paths.state or database.url "
            "names another place than where it runs"
        )
    return open_database(settings.database.url)
