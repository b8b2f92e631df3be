from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.existing_schema import create_application
from tests.support.session_directories import hold
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.database.engine import migrate, open_database


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    file = tmp_path / "wabot.toml"
    file.write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[database]\nurl = "{database_url}"\n'
    )
    return load_settings(file, {})


@pytest.fixture
def database(database_url: str) -> Iterator[Any]:
    """An open database of its own for each test, with wabot's tables: the application's are added."""
    opened = open_database(database_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def application(database: Any) -> Any:
    create_application(database, foreign_key=False)
    return database


@pytest.fixture
def live_bot(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the session of user `live`."""
    settings.sessions.mkdir(parents=True, exist_ok=True)
    process = hold(settings.sessions / "live.lock")
    yield process
    process.communicate(timeout=10)
