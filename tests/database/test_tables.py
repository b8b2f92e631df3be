"""Tables that somebody dropped are made again, as far as that is safe."""

from __future__ import annotations

from typing import Any

import peewee
import pytest

from tests.support.arrivals import NOON, arrival
from tests.support.own_tables import schema
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox, Part
from wabot.database.engine import (
    make_missing_tables,
    migrate,
    missing_migrations,
    open_database,
)
from wabot.database.models import OWN_TABLES, Chat, Inbound, ModelUsage, Outbound, OwnerLine
from wabot.database.tables import can_make, what_is_missing
from wabot.errors import OperatorNeeded
from wabot.trials.peers.postgresql import PostgresqlServer


def drop(database: Any, *models: Any) -> None:
    """As another program does; in PostgreSQL with what refers to it."""
    cascade = "" if isinstance(database, peewee.SqliteDatabase) else " CASCADE"
    for model in models:
        database.execute_sql(f"DROP TABLE {model._meta.table_name}{cascade}")


@pytest.mark.parametrize("gone", [[model] for model in OWN_TABLES] + [list(reversed(OWN_TABLES))])
@pytest.mark.parametrize("has_history", [True, False])
def test_own_tables_that_somebody_dropped_are_made_again(
    database_url: str, gone: list[Any], has_history: bool, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(database_url)
    migrate(database)
    whole = schema(database)
    drop(database, *gone)
    if not has_history:
        database.execute_sql("DROP TABLE wabot_migrations")
    assert what_is_missing(database) == [model._meta.table_name for model in OWN_TABLES if model in gone]
    migrate(database)
    make_missing_tables(database)
    assert schema(database) == whole
    assert (what_is_missing(database), missing_migrations(database)) == ([], [])
    assert "gone" in caplog.text or (gone[0] is OWN_TABLES[-1] and not has_history) or len(gone) > 1
    assert make_missing_tables(database) == []
    database.close()


def test_what_the_other_tables_hold_stays_and_refers_to_nothing_that_is_gone(database_url: str) -> None:
    database = open_database(database_url)
    migrate(database)
    inbox, outbox = Inbox("shop"), Outbox("shop")
    chat_id = inbox.store(arrival("answered"), NOON)
    assert chat_id is not None
    outbox.put(chat_id, [Part("answer", NOON)], "model:x", inbox.pending(chat_id), NOON)
    drop(database, OwnerLine, Outbound)
    assert make_missing_tables(database) == ["wabot_outbox", "wabot_owner_lines"]
    assert [(row.text, row.state, row.reply) for row in Inbound] == [("answered", "answered", None)]
    assert outbox.notify(chat_id, "later", Notice.APOLOGY, NOON) > 200_000_000, "the number of no earlier row"
    database.close()


def test_what_cannot_be_used_without_a_table_is_not_thrown_away_unasked(database_url: str) -> None:
    database = open_database(database_url)
    migrate(database)
    Inbox("shop").store(arrival(), NOON)
    if isinstance(database, peewee.SqliteDatabase):
        database.execute_sql("PRAGMA foreign_keys = OFF")
    drop(database, Chat)
    with pytest.raises(
        OperatorNeeded, match="wabot_chats are gone, and what wabot_inbox still hold cannot be used"
    ):
        make_missing_tables(database)
    assert Inbound.select().count() == 1
    drop(database, Inbound)
    assert make_missing_tables(database) == [
        "wabot_chats",
        "wabot_inbox",
        "wabot_received_files",
        "wabot_outbox",
        "wabot_owner_lines",
    ]
    database.execute_sql("ALTER TABLE wabot_outbox RENAME COLUMN error TO mistake")
    with pytest.raises(OperatorNeeded, match=r"the columns wabot_outbox\.error are gone: restore a backup"):
        make_missing_tables(database)
    database.close()


@pytest.mark.postgresql
def test_a_role_that_may_not_make_the_tables_again_is_told_what_it_lacks(
    postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    database = open_database(postgresql_url)
    migrate(database)
    name = postgresql_url.rpartition("/")[2]
    role = f"only_{name}"
    postgresql_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'p'")
    database.execute_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    database.execute_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    drop(database, ModelUsage)
    database.close()
    other = open_database(f"postgresql://{role}:p@127.0.0.1:{postgresql_server.port}/{name}")
    assert not can_make(other)
    with pytest.raises(OperatorNeeded, match="GRANT CREATE, USAGE ON SCHEMA public"):
        make_missing_tables(other)
    other.close()
