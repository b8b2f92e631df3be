from __future__ import annotations

import base64
import dataclasses
import re
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.existing_schema import add_row, add_user, create_application, rows
from wabot.application.connections import as_moment
from wabot.application.row import PLACEHOLDER, ConnectionRow, new_row_id
from wabot.application.users import require_user
from wabot.config.settings import AccountSettings, DatabaseSettings, PathSettings, Settings, TableSettings
from wabot.database.engine import migrate, open_database
from wabot.database.models import Session
from wabot.errors import OperatorNeeded
from wabot.janitor.run import clean
from wabot.janitor.sweep import Cleanup
from wabot.link.states import State
from wabot.status.record import SessionRecord

NOW = datetime(2026, 11, 22, 10, 0, 0, 123000)
SIX = {"DISCONNECTED", "CONNECTING", "CONNECTED", "ERROR", "QR_PENDING", "QR_EXPIRED"}


@pytest.fixture
def database(database_url: str) -> Iterator[Any]:
    """An open database of its own for each test, with wabot's tables: the application's are added."""
    opened = open_database(database_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def application(database: Any) -> Any:
    create_application(database)
    add_user(database, "ana")
    add_user(database, "ben")
    return database


def write(user_id: str = "ana", now: datetime = NOW, qr_format: str = "raw", **news: Any) -> None:
    news = {"state": "connecting", "reason": "", **news}
    ConnectionRow(user_id, DatabaseSettings(qr_format=qr_format)).write(news, now)


def row_of(database: Any, user_id: str = "ana") -> dict[str, Any]:
    row = rows(database)[user_id]
    return {name: as_moment(value) if name.endswith("At") else value for name, value in row.items()}


def test_every_state_is_one_of_the_six_words(application: Any) -> None:
    row = ConnectionRow("ana", DatabaseSettings())
    seen = {}
    for state in State:
        row.write({"state": state.value, "reason": "why"}, NOW)
        found = row_of(application)
        seen[state] = (found["status"], bool(found["isConnected"]), found["lastError"])
    assert {status for status, _, _ in seen.values()} == SIX
    assert seen[State.CONNECTED] == ("CONNECTED", True, None)
    assert [state for state, (_, connected, _) in seen.items() if connected] == [State.CONNECTED]
    assert seen[State.PAIRING][0] == "QR_PENDING"
    assert seen[State.PAIRING_EXPIRED] == ("QR_EXPIRED", False, "pairing expired: why")
    assert seen[State.REPLACED] == ("ERROR", False, "replaced: why")
    assert seen[State.LOGGED_OUT] == ("DISCONNECTED", False, "logged out: why")
    assert seen[State.BACKOFF] == ("CONNECTING", False, "backoff: why")


def test_a_missing_row_is_inserted_whole(application: Any) -> None:
    write(state="pairing", qr="2@abc", qr_expires_at=NOW + timedelta(seconds=60), connection_attempts=2)
    row = row_of(application)
    assert re.fullmatch("c[0-9a-z]{24}", row["id"])
    assert row["phoneNumber"] == PLACEHOLDER
    assert (row["status"], row["qrCode"]) == ("QR_PENDING", "2@abc")
    assert row["qrExpiresAt"] == NOW + timedelta(seconds=60)
    assert row["connectionAttempts"] == 2
    assert row["updatedAt"] == NOW
    assert row["createdAt"] is not None


def test_only_one_row_can_have_the_applications_placeholder(application: Any) -> None:
    write("ana")
    write("ben")
    assert {row["phoneNumber"] for row in rows(application).values()} == {PLACEHOLDER, "pending-ben"}


def test_an_existing_row_keeps_what_is_not_wabots(application: Any) -> None:
    add_row(application, "ana", NOW - timedelta(days=3), sessionId="theirs", phoneNumber="34600000001")
    write(state="connected", phone="34600111222", since=NOW)
    row = row_of(application)
    assert (row["id"], row["sessionId"], row["phoneNumber"]) == ("row-ana", "theirs", "34600111222")
    assert (row["status"], bool(row["isConnected"]), row["lastConnectedAt"]) == ("CONNECTED", True, NOW)


def test_the_code_goes_when_it_is_used(application: Any) -> None:
    row = ConnectionRow("ana", DatabaseSettings())
    row.write({"state": "pairing", "reason": "", "qr": "2@abc", "qr_expires_at": NOW}, NOW)
    row.write({"state": "connected", "reason": "", "phone": "34600111222"}, NOW)
    found = row_of(application)
    assert (found["qrCode"], found["qrExpiresAt"]) == (None, None)


def test_the_code_as_a_picture(application: Any) -> None:
    write(state="pairing", qr="2@abc", qr_format="data-url")
    kind, _, data = row_of(application)["qrCode"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG\r\n")


def test_the_time_of_the_last_error_stays_until_it_changes(application: Any) -> None:
    row = ConnectionRow("ana", DatabaseSettings())
    row.write({"state": "backoff", "reason": "no network"}, NOW)
    row.write({"last_inbound_at": NOW}, NOW + timedelta(minutes=5))
    found = row_of(application)
    assert (found["lastError"], found["lastErrorAt"]) == ("backoff: no network", NOW)
    assert (found["lastMessageAt"], found["updatedAt"]) == (NOW, NOW + timedelta(minutes=5))
    row.write({"state": "connected", "reason": ""}, NOW + timedelta(minutes=6))
    found = row_of(application)
    assert (found["lastError"], found["lastErrorAt"]) == (None, None)


def test_the_newer_of_message_and_reply_is_the_last_message(application: Any) -> None:
    write(last_inbound_at=NOW, last_reply_at=NOW + timedelta(seconds=3))
    assert row_of(application)["lastMessageAt"] == NOW + timedelta(seconds=3)


def test_a_number_of_another_user_is_left_there(application: Any) -> None:
    add_row(application, "ben", NOW, phoneNumber="34600111222")
    row = ConnectionRow("ana", DatabaseSettings())
    row.write({"state": "connecting", "reason": ""}, NOW)
    row.write({"state": "connected", "reason": "", "phone": "34600111222"}, NOW)
    row.write({"last_inbound_at": NOW}, NOW + timedelta(minutes=1))
    found = row_of(application)
    assert (found["phoneNumber"], found["status"]) == (PLACEHOLDER, "CONNECTED")
    assert found["lastError"] == "the number +34…22 already stands in another user's row"
    assert found["lastErrorAt"] == NOW
    assert rows(application)["ben"]["phoneNumber"] == "34600111222"

    application.execute_sql("""UPDATE whatsapp_connections SET "phoneNumber" = 'x' WHERE "userId" = 'ben'""")
    row.write({"last_inbound_at": NOW}, NOW + timedelta(minutes=11))
    found = row_of(application)
    assert (found["phoneNumber"], found["lastError"]) == ("34600111222", None)


def test_a_column_that_wabot_cannot_fill_is_told_as_that(
    database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    create_application(database)
    add_user(database, "ana")
    number = "TEXT NOT NULL UNIQUE"
    database.execute_sql("DROP TABLE whatsapp_connections")
    database.execute_sql(
        f'CREATE TABLE whatsapp_connections ("userId" TEXT, "phoneNumber" {number}, "tenant" TEXT NOT NULL)'
    )
    row = ConnectionRow("ana", DatabaseSettings())
    for minutes in (0, 1):
        row.write(
            {"state": "connected", "reason": "", "phone": "34600111222"}, NOW + timedelta(minutes=minutes)
        )
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "the row of ana in whatsapp_connections: not written: its column tenant must not be empty, and wabot "
        'has nothing for it; give it a default (ALTER TABLE "whatsapp_connections" ALTER COLUMN "tenant" SET '
        "DEFAULT …), or insert the row there yourself"
    ]


def test_the_row_of_a_user_that_is_gone_is_not_made_again(
    database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    create_application(database, foreign_key=False)
    add_user(database, "ben")
    write("ana")
    assert rows(database) == {}
    assert "the user is gone" in caplog.text


def test_a_row_that_somebody_deleted_comes_back(application: Any) -> None:
    row = ConnectionRow("ana", DatabaseSettings())
    row.write({"state": "connected", "reason": "", "phone": "34600111222", "since": NOW}, NOW)
    application.execute_sql("DELETE FROM whatsapp_connections")
    row.write({"last_inbound_at": NOW}, NOW)
    found = row_of(application)
    assert (found["status"], found["phoneNumber"]) == ("CONNECTED", "34600111222")


@pytest.mark.parametrize("foreign_key", [True, False])
def test_the_foreign_key_is_mentioned(
    database: Any, caplog: pytest.LogCaptureFixture, foreign_key: bool
) -> None:
    caplog.set_level("INFO")
    create_application(database, foreign_key=foreign_key)
    add_user(database, "ana")
    write()
    assert f"(foreign key to users: {'present' if foreign_key else 'absent'})" in caplog.text


SNAKE_CASE = """
CREATE TABLE app_users (id TEXT PRIMARY KEY);
CREATE TABLE app_numbers (
    user_id TEXT NOT NULL UNIQUE, phone_number TEXT, status TEXT NOT NULL DEFAULT 'disconnected',
    is_connected BOOLEAN, last_error TEXT, updated_at TIMESTAMP);
INSERT INTO app_users VALUES ('ana');
"""


def test_other_names_and_fewer_columns(database: Any) -> None:
    for statement in filter(str.strip, SNAKE_CASE.split(";")):
        database.execute_sql(statement)
    settings = DatabaseSettings(tables=TableSettings(users="app_users", connections="app_numbers"))
    ConnectionRow("ana", settings).write({"state": "replaced", "reason": "by another", "phone": "34"}, NOW)
    query = "SELECT user_id, phone_number, status, last_error FROM app_numbers"
    assert database.execute_sql(query).fetchall() == [("ana", "34", "error", "replaced: by another")]


def test_no_such_table_is_no_trouble(database: Any, caplog: pytest.LogCaptureFixture) -> None:
    database.execute_sql("CREATE TABLE users (id TEXT PRIMARY KEY)")
    row = ConnectionRow("ana", DatabaseSettings())
    row.write({"state": "connected", "reason": ""}, NOW)
    row.write({"state": "connected", "reason": ""}, NOW)
    assert caplog.text.count("no dashboard is told") == 1


@pytest.mark.postgresql
def test_an_enum_with_fewer_words(postgresql_url: str) -> None:
    database = open_database(postgresql_url)
    database.execute_sql(
        "CREATE TYPE connection_state AS ENUM ('open', 'connecting', 'Disconnected', 'connected');"
        "CREATE TABLE users (id INTEGER PRIMARY KEY); INSERT INTO users VALUES (7);"
        'CREATE TABLE whatsapp_connections (id SERIAL PRIMARY KEY, "userId" INTEGER, status connection_state)'
    )
    for state, word in (("pairing", "connecting"), ("failed", "Disconnected"), ("connected", "connected")):
        write("7", state=state)
        assert database.execute_sql("SELECT status FROM whatsapp_connections").fetchall() == [(word,)]
    database.close()


@pytest.mark.postgresql
def test_the_old_documents_sql_fails_and_ours_works(postgresql_url: str) -> None:
    database = open_database(postgresql_url)
    create_application(database)
    add_user(database, "ana")
    with pytest.raises(peewee.ProgrammingError, match='column "userid" does not exist'):
        database.execute_sql("DELETE FROM whatsapp_connections WHERE userId NOT IN (SELECT id FROM users)")
    write()
    assert rows(database)["ana"]["status"] == "CONNECTING"
    database.close()


GRANTS = """
CREATE ROLE {role} LOGIN PASSWORD '{password}';
GRANT CREATE, USAGE ON SCHEMA public TO {role};
GRANT SELECT ("id") ON "users" TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON "whatsapp_connections" TO {role};
"""


@pytest.fixture
def least_privileged_url(postgresql_url: str) -> Any:
    """The address with a role that may do what the handbook says, and nothing else."""
    owner = open_database(postgresql_url)
    create_application(owner)
    add_user(owner, "ana")
    role, password = f"role_{secrets.token_hex(6)}", secrets.token_hex(8)
    owner.execute_sql(GRANTS.format(role=role, password=password))
    yield re.sub(r"//.*@", f"//{role}:{password}@", postgresql_url)
    owner.execute_sql(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")
    owner.close()


@pytest.mark.postgresql
def test_a_role_that_may_not_create_tables_is_told_which_right_it_lacks(
    least_privileged_url: str, postgresql_url: str
) -> None:
    owner = open_database(postgresql_url)
    owner.execute_sql(
        "REVOKE CREATE ON SCHEMA public FROM " + least_privileged_url.split("//")[1].split(":")[0]
    )
    owner.close()
    database = open_database(least_privileged_url)
    with pytest.raises(OperatorNeeded, match="GRANT CREATE, USAGE ON SCHEMA public"):
        migrate(database)
    database.close()


@pytest.mark.postgresql
def test_least_privileges_are_enough(least_privileged_url: str, postgresql_url: str, tmp_path: Path) -> None:
    database = open_database(least_privileged_url)
    migrate(database)
    require_user(database, "ana")
    write(state="connected", phone="34600111222")
    assert rows(database)["ana"]["status"] == "CONNECTED"
    with pytest.raises(peewee.ProgrammingError, match="permission denied"):
        database.execute_sql("SELECT password FROM users")
    with pytest.raises(peewee.ProgrammingError, match="permission denied"):
        database.execute_sql("SELECT * FROM sessions")

    owner = open_database(postgresql_url)
    owner.execute_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    owner.execute_sql(f"REVOKE CREATE ON SCHEMA public FROM {database.connect_params['user']}")
    owner.close()
    database = open_database(least_privileged_url)
    assert migrate(database) == []
    settings = dataclasses.replace(
        Settings(), account=AccountSettings(user_id="ana"), paths=PathSettings(state=tmp_path)
    )
    done: list[Cleanup] = []
    clean(settings, {}, database, NOW, apply=True, tell=done.append)
    assert [str(action.kind) for action in done] == ["corrected row"]
    database.close()


def test_an_own_database_gets_both_tables_and_the_user(sqlite_database: Any) -> None:
    require_user(sqlite_database, "default")
    require_user(sqlite_database, "shop")
    write("default", state="connected", phone="34600111222")
    write("shop")
    assert rows(sqlite_database).keys() == {"default", "shop"}
    assert row_of(sqlite_database, "default")["updatedAt"] == NOW


def test_the_record_writes_both_rows_and_never_more_often_than_needed(application: Any) -> None:
    written: list[dict[str, Any]] = []

    class CountedRow(ConnectionRow):
        def write(self, news: Any, now: datetime) -> None:
            written.append(dict(news))
            super().write(news, now)

    record = SessionRecord("ana", CountedRow("ana", DatabaseSettings()))
    record.start()
    record.update(state="connected", reason="", connection_attempts=0)
    _wait(lambda: written)
    for second in range(50):
        record.update(last_inbound_at=NOW + timedelta(seconds=second))
    record.stop(5)
    assert len(written) == 2
    assert row_of(application)["lastMessageAt"] == NOW + timedelta(seconds=49)
    assert Session.get(Session.user_id == "ana").last_inbound_at == NOW + timedelta(seconds=49)


def test_what_cannot_be_written_to_the_row_does_not_stop_the_record(
    application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    application.execute_sql("DROP TABLE whatsapp_connections")
    application.execute_sql(
        'CREATE TABLE whatsapp_connections ("userId" TEXT, status TEXT, required TEXT NOT NULL)'
    )
    record = SessionRecord("ana", ConnectionRow("ana", DatabaseSettings()))
    record.start()
    record.update(state="connected", reason="")
    record.stop(5)
    assert Session.get(Session.user_id == "ana").state == "connected"
    assert "the row of ana in whatsapp_connections" in caplog.text


def test_row_ids_differ_and_sort_by_time() -> None:
    ids = [new_row_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {len(each) for each in ids} == {25}
    assert new_row_id("uuid").count("-") == 4


def _wait(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()
