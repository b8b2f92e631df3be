"""What `wabot status` says of configurations side by side."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.database.models import Session
from wabot.errors import ExitCode

KEYS = [
    "name",
    "user_id",
    "state",
    "reason",
    "since",
    "pid",
    "host",
    "jid",
    "phone",
    "qr",
    "qr_expires_at",
    "pair_code",
    "unstable_cycles",
    "inbox_pending",
    "outbox_pending",
    "outbox_dead",
    "last_inbound_at",
    "last_reply_at",
    "undecryptable",
]


def configure(tmp_path: Path, name: str, more: str = "") -> Path:
    """A configuration, beside others of the same test."""
    file = tmp_path / f"{name}.toml"
    file.write_text(f'[account]\nuser_id = "{name}"\n[paths]\nstate = "{tmp_path}/state"\n{more}')
    return file


def status(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and every session by its name."""
    code = main(["status", "--json", "--config", str(file)])
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] == (code == ExitCode.OK)
    return code, {session["name"]: session for session in answer["sessions"]}


def record(user_id: str, **fields: Any) -> None:
    """Let a bot have said this of its session."""
    Session.insert(user_id=user_id, **{"updated_at": utc_now() + timedelta(seconds=5), **fields}).execute()
