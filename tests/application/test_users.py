from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from wabot.application.users import find_users, require_user
from wabot.config.settings import TableSettings
from wabot.database.engine import migrate, open_database
from wabot.errors import DatabaseAway, ExitCode, OperatorNeeded
from wabot.trials.peers.postgresql import PostgresqlServer


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[Any]:
    """A PostgreSQL database with wabot's tables, that an application may have filled."""
    database = open_database(postgresql_url)
    migrate(database)
    yield database
    database.close()


def ids(database: Any, table: str = "users") -> list[str]:
    return [str(row[0]) for row in database.execute_sql(f'SELECT "id" FROM "{table}" ORDER BY "id"')]


def test_an_own_database_gets_its_user(sqlite_database: Any) -> None:
    require_user(sqlite_database, "shop")
    require_user(sqlite_database, "shop")
    assert ids(sqlite_database) == ["shop"]
    require_user(sqlite_database, "salon")
    assert ids(sqlite_database) == ["salon", "shop"]


def test_a_table_of_users_that_another_program_made_is_only_read(sqlite_database: Any) -> None:
    sqlite_database.execute_sql('CREATE TABLE "users" ("id" TEXT PRIMARY KEY)')
    sqlite_database.execute_sql("INSERT INTO \"users\" VALUES ('ana')")
    require_user(sqlite_database, "ana")
    with pytest.raises(OperatorNeeded, match="user shop is not in the table users") as caught:
        require_user(sqlite_database, "shop")
    assert caught.value.exit_code is ExitCode.OPERATOR_NEEDED
    assert ids(sqlite_database) == ["ana"]
    assert not sqlite_database.table_exists("whatsapp_connections")


@pytest.mark.parametrize("user_id", ["'; DROP TABLE users; --", "x' OR 'x'='x", "%"])
def test_a_strange_id_is_only_an_id(sqlite_database: Any, user_id: str) -> None:
    require_user(sqlite_database, "shop")
    assert not find_users(sqlite_database, TableSettings()).has(user_id)
    assert ids(sqlite_database) == ["shop"]


@pytest.mark.postgresql
def test_an_application_without_a_table_of_users(postgresql: Any) -> None:
    with pytest.raises(OperatorNeeded, match="the database has no table users: "):
        require_user(postgresql, "shop")
    postgresql.execute_sql('CREATE TABLE "User" ("id" TEXT PRIMARY KEY)')
    with pytest.raises(OperatorNeeded, match="no table users, but it has User: "):
        require_user(postgresql, "shop")
    postgresql.execute_sql("INSERT INTO \"User\" VALUES ('shop')")
    require_user(postgresql, "shop", TableSettings(users="User"))


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("type_", "known", "unknown"),
    [
        ("TEXT", "shop", "phantom"),
        ("INTEGER", "7", "phantom"),
        ("UUID", "0b5f0b1e-5d4c-4b52-8a55-1f1d6c1f0b1e", "phantom"),
    ],
)
def test_ids_may_be_of_any_type(postgresql: Any, type_: str, known: str, unknown: str) -> None:
    postgresql.execute_sql(f'CREATE TABLE "users" ("id" {type_} PRIMARY KEY)')
    postgresql.execute_sql('INSERT INTO "users" VALUES (%s)', (known,))
    require_user(postgresql, known)
    with pytest.raises(OperatorNeeded, match="user phantom is not in the table users"):
        require_user(postgresql, unknown)
    assert ids(postgresql) == [known]


@pytest.mark.postgresql
def test_a_table_that_may_not_be_read(
    postgresql_server: PostgresqlServer, postgresql_url: str, postgresql: Any
) -> None:
    name = postgresql_url.rpartition("/")[2]
    postgresql.execute_sql('CREATE TABLE "users" ("id" TEXT PRIMARY KEY)')
    postgresql_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'p4ss'")
    stranger = open_database(f"postgresql://{name}:p4ss@127.0.0.1:{postgresql_server.port}/{name}")
    with pytest.raises(OperatorNeeded, match=r'GRANT SELECT \("id"\) ON "users" to the role'):
        require_user(stranger, "shop")
    stranger.close()
    postgresql_server.execute(f"DROP ROLE {name}")


@pytest.mark.postgresql
def test_it_is_known_whether_a_user_is_gone_or_all_of_them(postgresql: Any) -> None:
    postgresql.execute_sql('CREATE TABLE "users" ("id" TEXT PRIMARY KEY)')
    users = find_users(postgresql, TableSettings())
    assert (users.count(), users.lack("shop")) == (0, False)
    postgresql.execute_sql("INSERT INTO \"users\" VALUES ('ana'), ('eva')")
    assert (users.count(), users.lack("shop"), users.lack("ana")) == (2, True, False)
    assert (users.ids(1), users.ids(9)) == (["ana"], ["ana", "eva"])


@pytest.mark.postgresql
def test_a_database_that_went_away_is_no_missing_user(postgresql_url: str, postgresql: Any) -> None:
    postgresql.execute_sql('CREATE TABLE "users" ("id" TEXT PRIMARY KEY)')
    killer = open_database(postgresql_url)
    killer.execute_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    killer.close()
    with pytest.raises(DatabaseAway, match="the table users cannot be read"):
        require_user(postgresql, "shop")
