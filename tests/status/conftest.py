from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wabot.database.engine import migrate, open_database


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def database_of_state(state: Path) -> Iterator[Any]:
    """The database that a configuration without one has."""
    opened = open_database(f"sqlite:///{state}/wabot.db")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where it will stand; its directory exists."""
    (tmp_path / "metrics").mkdir()
    return tmp_path / "metrics" / "wabot.prom"
