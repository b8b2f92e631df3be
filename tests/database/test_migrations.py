"""The migrations make what the models say, once, whoever starts at the same time."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support import REPOSITORY
from tests.support.arrivals import NOON, arrival
from tests.support.own_tables import schema
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox, Part
from wabot.database.engine import (
    known_migrations,
    migrate,
    missing_migrations,
    open_database,
)
from wabot.database.models import OWN_TABLES, Chat, Fact, Inbound, Outbound, OwnerLine
from wabot.errors import OperatorNeeded

ALL_MIGRATIONS = sorted(
    path.stem for path in (REPOSITORY / "wabot" / "database" / "migrations").glob("[0-9]*.py")
)
MIGRATE = """
import sys
from wabot.database.engine import migrate, open_database
database = open_database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(len(migrate(database)))
"""


# Migrations
def test_the_migrations_make_what_the_models_say(database_url: str) -> None:
    database = open_database(database_url)
    assert missing_migrations(database) == ALL_MIGRATIONS
    assert migrate(database) == ALL_MIGRATIONS
    migrated = schema(database)
    database.drop_tables(OWN_TABLES)
    database.create_tables(OWN_TABLES)
    assert migrated == schema(database)
    assert all(columns for columns, _, _ in migrated.values())
    database.close()


def test_everything_said_in_a_chat_goes_with_it(database: Any) -> None:
    inbox, outbox = Inbox("shop"), Outbox("shop")
    chat_id = inbox.store(arrival(), NOON)
    assert chat_id is not None
    outbox.put(chat_id, [Part("answer", NOON)], "model:x", inbox.pending(chat_id), NOON)
    Chat.delete().where(Chat.id == chat_id).execute()
    assert (Inbound.select().count(), Outbound.select().count()) == (0, 0)


def test_what_the_owner_was_told_before_is_kept_where_it_is_surely_about_one_chat(database_url: str) -> None:
    database = open_database(database_url)
    migrate(database)
    database.drop_tables([OwnerLine])
    database.execute_sql("DELETE FROM wabot_migrations WHERE name = '0003_owner_lines'")
    inbox, outbox = Inbox("shop"), Outbox("shop")
    for number, name in enumerate(("Ana", "Ana", "Eva: 2\n of", "", "Me")):
        phone = f"3460011122{number}"
        inbox.store(arrival(chat=f"{phone}@s.whatsapp.net", phone=phone, name=name), NOON)
    Inbox("salon").store(arrival(name="Zoe"), NOON)
    own = Chat.get(Chat.name == "Me").id
    told = (
        "🤖 Ana: a",
        "🤖 Eva: 2 of: waits\n🤖 Ana: b\n🤖 +34600111223: c",
        "🤖 Zoe: d",
        "🤖 I answer in every chat.",
    )
    for text in told:
        outbox.notify(own, text, Notice.UNANSWERED, NOON)
    outbox.notify(own, "🤖 Ana: not to the owner", Notice.APOLOGY, NOON)
    assert migrate(database) == ["0003_owner_lines"]
    assert [(line.notice_id, line.about and line.about.phone, line.text) for line in OwnerLine] == [
        (2, "34600111222", "🤖 Eva: 2 of: waits"),
        (2, "34600111223", "🤖 +34600111223: c"),
        (4, None, "🤖 I answer in every chat."),
    ]
    assert [(row.id, row.text) for row in Outbound.select().order_by(Outbound.id)] == [
        (2, ""),
        (4, ""),
        (5, "🤖 Ana: not to the owner"),
    ]
    database.close()


def test_a_second_start_has_nothing_to_migrate(database_url: str) -> None:
    database = open_database(database_url)
    assert migrate(database)
    Fact.create(key="kept", value="yes")
    assert (migrate(database), missing_migrations(database)) == ([], [])
    assert Fact.get(Fact.key == "kept").value == "yes"
    database.close()


def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    # Each waits for its line, so that they begin together.
    answers = [None] * len(processes)
    threads = [
        threading.Thread(target=lambda i=i: answers.__setitem__(i, processes[i].communicate("go\n", 60)))
        for i in range(len(processes))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.returncode for process in processes] == [0, 0, 0], answers
    assert sorted(answer[0] for answer in answers if answer) == ["0\n", "0\n", f"{len(ALL_MIGRATIONS)}\n"]


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    database = open_database(database_url)
    migrate(database)
    database.execute_sql(
        "INSERT INTO wabot_migrations (name, applied) VALUES ('9999_the_future', CURRENT_TIMESTAMP)"
    )
    with pytest.raises(OperatorNeeded, match=r"written by a newer wabot \(it knows 9999_the_future\)"):
        migrate(database)
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str) -> None:
    database = open_database(database_url)
    database.execute_sql("CREATE TABLE wabot_outbox (id INTEGER)")
    with pytest.raises(OperatorNeeded, match=r"the columns wabot_outbox\.user_id, .*drop all tables"):
        migrate(database)
    assert not Fact.table_exists()
    database.execute_sql("DROP TABLE wabot_outbox")
    assert migrate(database) == ALL_MIGRATIONS
    database.close()


def test_a_program_that_cannot_be_read_does_not_pass_for_one_without_migrations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user that a command goes on as need not be able to read a checkout in a home directory."""
    monkeypatch.setattr("wabot.database.engine._MIGRATIONS", tmp_path)
    with pytest.raises(OperatorNeeded, match="cannot be read"):
        known_migrations()


def test_a_migration_may_take_longer_than_a_question(database_url: str) -> None:
    """As it does where there are years of messages, and for whoever waits for its end."""
    other, database = open_database(database_url), open_database(database_url)
    is_sqlite = isinstance(database, peewee.SqliteDatabase)
    other.execute_sql("CREATE TABLE users (id TEXT PRIMARY KEY)")
    done: list[object] = []

    def run() -> None:
        # A question may take next to no time.
        database.execute_sql("PRAGMA busy_timeout = 1" if is_sqlite else "SET statement_timeout = 100")
        try:
            done.append(migrate(database))
        except peewee.PeeweeException as error:
            done.append(error)
        database.close()

    lock = "SELECT 1" if is_sqlite else "SELECT pg_advisory_xact_lock(7703301)"
    with other.atomic():
        other.execute_sql(lock)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(1.0)
        assert done == []
    thread.join(30)
    assert done == [ALL_MIGRATIONS]
    other.close()
