"""A bot whose owner is told: its settings, and a link that is banned or well."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from wabot.alerts.checks import LinkView
from wabot.alerts.notice import Condition, NoticeWriter, Problem
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.link.states import State

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
AUTHOR = NoticeWriter("shop", "vps-1", "es")
NOTICE = AUTHOR.alert(Problem(Condition.LOGGED_OUT, "the phone removed it (401)"), "2026-11-22T10:00:00Z")
TO = ("owner@example.com", "second@example.com")


def configured(tmp_path: Path, alerts: str, environ: dict[str, str] | None = None) -> Settings:
    """The settings with this in their section alerts."""
    file = tmp_path / "shop.toml"
    account = '[account]\nuser_id = "shop"\nlanguage = "en"\n'
    file.write_text(f'{account}[paths]\nstate = "{tmp_path / "state"}"\n[alerts]\n{alerts}\n')
    return load_settings(file, environ or {})


def banned() -> LinkView:
    return LinkView(State.BANNED, "too many messages to strangers (101)", time.time(), time.time() + 600)


def well() -> LinkView:
    return LinkView(State.CONNECTED, "", time.time() - 100)
