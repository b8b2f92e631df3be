from __future__ import annotations

from pathlib import Path

import pytest

from wabot.system import masking


@pytest.fixture(autouse=True)
def forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_secrets", set())
    monkeypatch.setattr(masking, "_redacted", None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wabot.toml"
