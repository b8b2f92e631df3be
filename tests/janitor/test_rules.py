"""The janitor's rules, stated once more and compared with what it does to random databases and disks."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.existing_schema import add_row, add_user, create_application, rows
from tests.support.session_directories import make_session
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.database.engine import migrate, open_database
from wabot.janitor.run import clean
from wabot.janitor.sweep import Cleanup
from wabot.session.lock import SessionLock

NOW = datetime(2026, 11, 22, 10, 0, 0)
STATUSES = ("DISCONNECTED", "CONNECTING", "CONNECTED", "ERROR", "QR_PENDING", "QR_EXPIRED")
ages = st.sampled_from(
    [timedelta(0), timedelta(hours=23, minutes=59), timedelta(hours=24, minutes=1), timedelta(days=40)]
)


@dataclasses.dataclass(frozen=True)
class Row:
    status: str
    is_connected: bool
    age: timedelta


@dataclasses.dataclass(frozen=True)
class Directory:
    linked: bool
    age: timedelta


@dataclasses.dataclass(frozen=True)
class Person:
    """Everything there may be of one user id; `exists`: in the table of users."""

    exists: bool
    row: Row | None
    directory: Directory | None
    held: bool


people = st.lists(
    st.builds(
        Person,
        exists=st.booleans(),
        row=st.none() | st.builds(Row, st.sampled_from(STATUSES), st.booleans(), ages),
        directory=st.none() | st.builds(Directory, st.booleans(), ages),
        held=st.booleans(),
    ),
    max_size=6,
)


def row_afterwards(person: Person, other_users: str) -> tuple[str, bool] | None:
    row = person.row
    if row is None or not person.exists:
        return None
    if person.held:
        return row.status, row.is_connected
    is_old = row.age > timedelta(hours=24)
    if person.directory is None and (other_users == "leave" or not is_old):
        # Another bot may serve it.
        return row.status, row.is_connected
    if row.is_connected or row.status == "CONNECTED":
        return "DISCONNECTED", False
    linked = person.directory is not None and person.directory.linked
    if row.status == "DISCONNECTED" and is_old and not linked:
        return None
    return row.status, row.is_connected


def stays(person: Person) -> bool:
    directory = person.directory
    if directory is None or person.held:
        return directory is not None
    return person.exists and (directory.linked or directory.age <= timedelta(hours=24))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def application(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    directory = tmp_path_factory.mktemp("rules")
    url = f"sqlite:///{directory}/wabot.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        server.execute("CREATE DATABASE test_rules")
        url = server.url("test_rules")
    (directory / "wabot.toml").write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{directory}/state"\n[database]\nurl = "{url}"\n'
    )
    opened = open_database(url)
    migrate(opened)
    create_application(opened, foreign_key=False)
    yield opened, load_settings(directory / "wabot.toml", {})
    opened.close()


@given(people=people, other_users=st.sampled_from(["correct", "leave"]))
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_removes_exactly_what_the_rules_say(
    application: tuple[Any, Settings], people: list[Person], other_users: str
) -> None:
    database, settings = application
    settings = dataclasses.replace(
        settings, janitor=dataclasses.replace(settings.janitor, other_users=other_users)
    )
    _forget_everything(database, settings.paths.state)
    add_user(database, "somebody")
    everyone = {f"user{number}": person for number, person in enumerate(people)}
    settings.sessions.mkdir(parents=True)
    with ExitStack() as locks:
        for user_id, person in everyone.items():
            _set_up(database, settings, user_id, person)
            if person.held:
                locks.enter_context(SessionLock(settings.sessions / f"{user_id}.lock").acquire(0))
        _run(database, settings)
        found = rows(database)
        for user_id, person in everyone.items():
            row = found.get(user_id)
            assert row_afterwards(person, other_users) == (row and (row["status"], bool(row["isConnected"])))
            assert stays(person) == (settings.sessions / user_id).is_dir()
        moved = [path.name.partition(".")[0] for path in settings.quarantine.glob("*")]
        assert sorted(moved) == sorted(
            user_id for user_id, person in everyone.items() if person.directory and not stays(person)
        )
        assert _run(database, settings) == []


def _run(database: Any, settings: Settings) -> list[Cleanup]:
    actions: list[Cleanup] = []
    clean(settings, {}, database, NOW, apply=True, tell=actions.append)
    return [action for action in actions if action.user_id]


def _set_up(database: Any, settings: Settings, user_id: str, person: Person) -> None:
    if person.exists:
        add_user(database, user_id)
    if person.row is not None:
        row = person.row
        add_row(database, user_id, NOW - row.age, status=row.status, isConnected=row.is_connected)
    if person.directory is not None:
        directory = person.directory
        make_session(settings.sessions, user_id, linked=directory.linked, used_at=NOW - directory.age)


def _forget_everything(database: Any, state: Path) -> None:
    for table in ("whatsapp_connections", "users"):
        database.execute_sql(f"DELETE FROM {table}")
    shutil.rmtree(state, ignore_errors=True)
