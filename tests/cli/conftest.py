from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import SAMPLE_KNOWLEDGE


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "shop.toml"
    knowledge = SAMPLE_KNOWLEDGE
    text = f'paths.state = "{tmp_path}/state"\nai.knowledge = "{knowledge}"\nai.disclosure = false\n'
    file.write_text(text, encoding="utf-8")
    return file
