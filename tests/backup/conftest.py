from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backed_up_bot import Bot
from wabot.database.models import database as bound_database


@pytest.fixture
def bot(tmp_path: Path, database_url: str) -> Iterator[Bot]:
    yield Bot(tmp_path, database_url)
    bound_database.close()


@pytest.fixture
def small_bot(tmp_path: Path, sqlite_url: str) -> Iterator[Bot]:
    """The same on SQLite alone, for what does not depend on the engine."""
    yield Bot(tmp_path, sqlite_url)
    bound_database.close()
