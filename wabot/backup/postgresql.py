"""Dumps wabot's own tables in a PostgreSQL database, and puts them back, with PostgreSQL's own programs.

The dump is of pg_dump's custom format: `pg_restore` can put it back without wabot, too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import parse_dsn

from wabot.database.address import postgresql_address
from wabot.database.engine import known_migrations
from wabot.database.errors import bound_waiting, fault
from wabot.database.models import OWN_TABLES
from wabot.errors import OperatorNeeded

_ENTRY = re.compile(r"(\d+); \d+ \d+ (.*)")
_DEPENDENCIES = re.compile(r";\s+depends on:((?: \d+)+)\s*")
_LIKE = r"wabot\_%"
_MIGRATIONS = "wabot_migrations"
# By name and owner; and whether one that is not known refers to one that is.
_TABLES = """
SELECT relname, pg_get_userbyid(relowner), pg_get_userbyid(relowner) = current_user, EXISTS (
    SELECT 1 FROM pg_constraint JOIN pg_class AS other ON other.oid = confrelid
    WHERE conrelid = pg_class.oid AND other.relnamespace = pg_class.relnamespace AND other.relname = ANY (%s)
)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND nspname = %s AND relname LIKE %s ORDER BY 1
"""
_CONNECT_SECONDS = "5"
_LOCK_SECONDS = 20


def own_entries(listed: str, schema: str, tables: Collection[str], owners_table: str) -> str:
    """The part of a dump's table of contents that belongs to tables of one owner.

    Args:
        listed: what `pg_restore --list --verbose` printed.
        schema: where the tables are.
        tables: what they are called.
        owners_table: the one whose owner is theirs.

    Returns:
        What `pg_restore --use-list` takes.
    """
    entries: dict[str, str] = {}
    needed: dict[str, set[str]] = {}
    number = ""
    for line in listed.splitlines():
        if entry := _ENTRY.fullmatch(line):
            number = entry[1]
            entries[number], needed[number] = entry[2], set()
        elif number and (dependencies := _DEPENDENCIES.fullmatch(line)):
            needed[number] = set(dependencies[1].split())
    head = f"TABLE {schema} {owners_table} "
    owners = {entry.removeprefix(head) for entry in entries.values() if entry.startswith(head)}
    wanted = {f"TABLE {schema} {name} {owner}" for name in tables for owner in owners}
    kept = {number for number, entry in entries.items() if entry in wanted}
    # What depends on them, and on what depends on them, and on nothing else.
    while True:
        more = {
            number
            for number in entries.keys() - kept
            if (needs := needed[number] & entries.keys()) and needs <= kept
        }
        if not more:
            return "".join(f"{number}; 0 0 {entries[number]}\n" for number in entries if number in kept)
        kept |= more


@dataclass(frozen=True, slots=True)
class PostgresqlTables:
    """wabot's tables in one database.

    Attributes:
        url: its address.
        schema: where they are.
        names: what they are called; empty where wabot has never run.
        migrations: that made them.
        foreign: those that belong to another role than that in the address, and to which.
        others: what else of that role's is called like them: a later program's, or the application's.
    """

    url: str
    schema: str
    names: tuple[str, ...]
    migrations: tuple[str, ...]
    foreign: Mapping[str, str]
    others: tuple[str, ...]

    def with_those_made_since(self, others: Collection[str]) -> PostgresqlTables:
        """These and, of the others, what was not there at a time when only `others` were."""
        made = {*self.others} - {*others}
        return replace(self, names=tuple(sorted({*self.names, *made})))

    def dump(self, target: Path, *extent: str) -> None:
        """Write them to a file, as they are at one moment; the application's tables are left out.

        Args:
            target: the file.
            extent: options of pg_dump that leave something out.

        Raises:
            OperatorNeeded: pg_dump is missing or fails, or another role could run something in them.
        """
        for name, owner in self.foreign.items():
            raise OperatorNeeded(
                f"the table {name} belongs to the role {owner} and not to that in database.url, so it is not "
                f'wabot\'s own: as a superuser, ALTER TABLE "{name}" OWNER TO that role'
            )
        with _service(self.url) as environ:
            # Quoted, because an unquoted name would be folded to lower case.
            wanted = [f'--table="{self.schema}"."{name}"' for name in self.names]
            _run(["pg_dump", "--format=custom", *extent, *wanted, f"--file={target}"], environ)

    def require_replaceable(self) -> None:
        """See beforehand that they can be dumped and put back.

        Raises:
            OperatorNeeded: a program of PostgreSQL's is missing, or too old for this server, or the role may
                not make tables.
        """
        for name in ("psql", "pg_restore"):
            _require(name)
        with closing(_connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT has_schema_privilege(%s, 'CREATE')", (self.schema,))
            if cursor.fetchone() != (True,):
                raise OperatorNeeded(
                    f"the role in database.url may not make tables in schema {self.schema}, so wabot's own "
                    "cannot be put back: as the owner of the database, GRANT CREATE ON SCHEMA "
                    f"{self.schema} to it"
                )
        if self.names:
            self.dump(Path(os.devnull), "--schema-only", "--no-sync")

    def replace(self, source: Path, corrections: str) -> None:
        """Put the tables in a dump in place of these, all or nothing.

        Args:
            source: what `dump` wrote.
            corrections: SQL that belongs to it.

        Raises:
            OperatorNeeded: the programs are missing or fail; nothing has changed.
        """
        tables = sql.SQL(", ").join(sql.Identifier(self.schema, name) for name in self.names)
        with _service(self.url) as environ:
            script = self._script(source, environ)
            with closing(_connect(self.url)) as connection:
                drop = sql.SQL("DROP TABLE {};").format(tables).as_string(connection) if self.names else ""
            # pg_dump leaves an empty search path behind.
            path = f'SET search_path = "{self.schema}";'
            text = "\n".join((drop, script, path, corrections))
            _run(
                [
                    "psql",
                    "--no-psqlrc",
                    "--quiet",
                    "--single-transaction",
                    "--set=ON_ERROR_STOP=1",
                    "--file=-",
                ],
                environ,
                text,
            )

    def _script(self, source: Path, environ: dict[str, str]) -> str:
        """The SQL in a dump that is about wabot's own tables, of the role that made them."""
        listed = _run(["pg_restore", "--list", "--verbose", str(source)], environ, wants=False)
        contents = Path(environ["PGSERVICEFILE"]).with_name("contents")
        contents.write_text(own_entries(listed, self.schema, known_tables(), _MIGRATIONS), encoding="utf-8")
        command = ["pg_restore", "--no-owner", "--no-privileges", f"--use-list={contents}", "--file=-"]
        return _run([*command, str(source)], environ, wants=False)


def find_tables(url: str) -> PostgresqlTables:
    """Look at wabot's tables.

    Raises:
        DatabaseAway: the database does not answer.
        OperatorNeeded: it refuses the connection.
    """
    try:
        with closing(_connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            (schema,) = cursor.fetchone() or ("public",)
            cursor.execute(_TABLES, (list(known_tables()), schema, _LIKE))
            found = cursor.fetchall()
            known = known_tables()
            foreign = {name: owner for name, owner, is_own, _ in found if name in known and not is_own}
            names = tuple(name for name, *_ in found if name in known)
            migrations: tuple[str, ...] = ()
            if _MIGRATIONS in names:
                cursor.execute("SELECT name FROM wabot_migrations ORDER BY name")
                migrations = tuple(name for (name,) in cursor.fetchall())
            is_newer = not known_migrations() >= set(migrations)
            # What a newer program has made besides, an older one would stumble over.
            more = (name for name, _, is_own, refers in found if is_own and (is_newer or refers))
            names = tuple(sorted({*names, *more}))
            others = tuple(name for name, _, is_own, _ in found if is_own and name not in names)
    except psycopg2.OperationalError as error:
        raise fault(error, url) from None
    return PostgresqlTables(url, schema, names, migrations, foreign, others)


def known_tables() -> frozenset[str]:
    """What this program's own tables are called."""
    return frozenset({_MIGRATIONS, *(str(model._meta.table_name) for model in OWN_TABLES)})


def _connect(url: str) -> psycopg2.extensions.connection:
    bound_waiting()
    address, schema = postgresql_address(url)
    options = f"-c search_path={schema}" if schema else ""
    return psycopg2.connect(address, connect_timeout=int(_CONNECT_SECONDS), options=options)


@contextmanager
def _service(url: str) -> Iterator[dict[str, str]]:
    """An environment in which PostgreSQL's programs find the database by the name of a service.

    Everybody on the machine can see the arguments of a program, so the password stands in a private file.
    """
    parameters = {"connect_timeout": _CONNECT_SECONDS, **parse_dsn(postgresql_address(url)[0])}
    with tempfile.TemporaryDirectory(prefix="wabot-") as directory:
        file = Path(directory) / "service.conf"
        lines = (f"{name}={value}\n" for name, value in parameters.items())
        file.touch(mode=0o600)
        file.write_text(f"[wabot]\n{''.join(lines)}", encoding="utf-8")
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
            "PGSERVICEFILE": str(file),
            "PGSERVICE": "wabot",
            "PGOPTIONS": f"-c lock_timeout={_LOCK_SECONDS}s",
        }


def _run(command: list[str], environ: dict[str, str], text: str = "", *, wants: bool = True) -> str:
    _require(command[0])
    words = [*command, "--no-password"] if wants else command
    done = subprocess.run(
        words,
        env=environ,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        # Away from the terminal of whoever typed the command.
        start_new_session=True,
    )
    if done.returncode:
        # The first line says what, the others are hints and what follows from it.
        first = next(iter(done.stderr.strip().splitlines()), f"exit {done.returncode}")
        raise OperatorNeeded(f"{command[0]} failed: {first}")
    return done.stdout


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise OperatorNeeded(
            f"{program} is not installed, and PostgreSQL's tables need it: "
            "sudo apt-get install postgresql-client"
        )
