from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.existing_schema import add_user, create_application
from tests.support.session_directories import hold, make_session
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.janitor.run import clean
from wabot.janitor.sweep import ActionKind, Cleanup
from wabot.session.store_pruning import note_position, prunable_count, prune
from wabot.whatsapp.store import read_traces

NOW = datetime(2026, 11, 22, 10, 0)
HISTORY = timedelta(days=90)
TABLES = """
CREATE TABLE whatsmeow_message_secrets (
    our_jid TEXT, chat_jid TEXT, sender_jid TEXT, message_id TEXT, key BLOB NOT NULL,
    PRIMARY KEY (our_jid, chat_jid, sender_jid, message_id)
);
CREATE TABLE whatsmeow_lid_map (lid TEXT PRIMARY KEY, pn TEXT);
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "wabot.toml"
    file.write_text(f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n')
    return load_settings(file, {})


@pytest.fixture
def store(settings: Settings) -> Path:
    make_session(settings.sessions, "ana", linked=True, used_at=NOW)
    with closing(sqlite3.connect(settings.session_store)) as opened:
        opened.executescript(TABLES)
    return settings.session_store


def arrive(store: Path, first: int, last: int) -> None:
    with closing(sqlite3.connect(store)) as opened, opened:
        opened.executemany(
            "INSERT INTO whatsmeow_message_secrets VALUES ('me', 'c', 's', ?, x'00')",
            [(f"M{number}",) for number in range(first, last + 1)],
        )


def kept(store: Path) -> list[str]:
    with closing(sqlite3.connect(store)) as opened:
        rows = opened.execute("SELECT message_id FROM whatsmeow_message_secrets ORDER BY rowid").fetchall()
    return [message_id for (message_id,) in rows]


def look(store: Path, days: float) -> int:
    """What is noted and deleted so many days after the first look."""
    now = NOW + timedelta(days=days)
    note_position("ana", store, now, HISTORY)
    may_go = prunable_count("ana", store, now, HISTORY)
    deleted = prune("ana", store, now, HISTORY, 60)
    assert deleted == may_go
    return deleted


def test_what_is_older_than_the_history_goes_and_nothing_else(database: Any, store: Path) -> None:
    arrive(store, 1, 3)
    assert look(store, 0) == 0
    arrive(store, 4, 6)
    assert look(store, 45) == 0
    arrive(store, 7, 9)
    assert look(store, 89.9) == 0
    assert look(store, 90.1) == 3
    assert kept(store) == [f"M{number}" for number in range(4, 10)]
    assert look(store, 90.2) == 0
    assert look(store, 135.1) == 3
    assert kept(store) == ["M7", "M8", "M9"]


def test_the_last_row_stays_so_that_the_next_is_numbered_after_it(database: Any, store: Path) -> None:
    arrive(store, 1, 5)
    before = read_traces(store, 0).position
    look(store, 0)
    assert look(store, 91) == 4
    assert kept(store) == ["M5"]
    arrive(store, 6, 6)
    traces = read_traces(store, before)
    assert [trace.message_id for trace in traces.newest_first] == ["M6"]


@pytest.mark.parametrize("jid", ["34600111222:4@s.whatsapp.net", "34600111222:3@s.whatsapp.net"])
def test_a_number_that_was_linked_anew_begins_its_rows_anew(database: Any, store: Path, jid: str) -> None:
    arrive(store, 1, 9)
    look(store, 0)
    with closing(sqlite3.connect(store)) as opened, opened:
        opened.execute("DELETE FROM whatsmeow_message_secrets")
        opened.execute("UPDATE whatsmeow_device SET jid = ?", (jid,))
    arrive(store, 101, 103)
    assert look(store, 91) == 0
    arrive(store, 104, 120)
    assert look(store, 92) == 0
    assert len(kept(store)) == 20


def test_a_store_that_is_not_there_or_not_one(database: Any, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    assert look(missing, 0) == 0
    assert not missing.exists()
    (tmp_path / "odd.db").write_text("no database at all, and long enough to be taken for one" * 100)
    assert look(tmp_path / "odd.db", 0) == 0


def test_the_janitor_leaves_the_store_to_a_bot_that_runs(
    settings: Settings, store: Path, sqlite_database: Any
) -> None:
    create_application(sqlite_database, foreign_key=False)
    add_user(sqlite_database, "ana")
    arrive(store, 1, 5)

    def run(days: float, *, apply: bool = True) -> list[str]:
        actions: list[Cleanup] = []
        now = NOW + timedelta(days=days)
        clean(settings, {}, sqlite_database, now, apply=apply, tell=actions.append, clock_is_right=True)
        return [each.target for each in actions if each.kind is ActionKind.HISTORY_DELETED]

    bot = hold(settings.session_lock)
    assert run(0) == []
    assert run(91) == []
    bot.communicate(timeout=10)
    assert run(91, apply=False) == [f"4 rows of {store}"]
    assert len(kept(store)) == 5
    assert run(91) == [f"4 rows of {store}"]
    assert kept(store) == ["M5"]
