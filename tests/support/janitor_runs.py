"""One run of the janitor, and what it did to whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from wabot.config.settings import Settings
from wabot.janitor.run import CleaningOutcome, clean
from wabot.janitor.sweep import ActionKind, Cleanup

NOW = datetime(2026, 11, 22, 10, 0, 0)
OLD = NOW - timedelta(days=3)
PHANTOM = "cmhc22zw20000kmhgvx5ubazy"


def run(
    settings: Settings, database: Any, *, apply: bool = True, now: datetime = NOW
) -> tuple[CleaningOutcome, list[Cleanup]]:
    """Clean once; how it ended, and every action."""
    actions: list[Cleanup] = []
    return clean(settings, {}, database, now, apply=apply, tell=actions.append), actions


def told(actions: list[Cleanup]) -> set[tuple[ActionKind, str]]:
    """What was done, and to whom."""
    return {(action.kind, action.user_id) for action in actions}
