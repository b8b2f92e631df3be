"""Checks whether the metrics file can be written, and is."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from wabot.config.machine import configurations
from wabot.doctor.finding import Examined, Finding, healthy, problem
from wabot.session.lock import is_held

_STALE_SECONDS = 120.0
#: What the units make for it (RuntimeDirectory=).
OF_THE_UNIT = Path("/run/wabot-metrics")


def check_metrics(examined: Examined) -> list[Finding]:
    """Nothing when no file is wanted."""
    file = examined.settings.metrics.file
    if file is None:
        return []
    trouble = trouble_with(file)
    if trouble:
        cure = (
            f"set metrics.file in {examined.configuration} to {OF_THE_UNIT}/wabot.prom, or make the directory"
        )
        if file.parent == OF_THE_UNIT:
            cure = f"sudo systemctl restart {examined.unit}"
        return [problem("metrics", trouble, cure)]
    for other in configurations(examined.settings, examined.environ)[1:]:
        if other.settings is not None and other.settings.metrics.file == file:
            # The one that is called as its bot should is right.
            is_own = file.stem == _name_of(examined)
            change = other.settings.file if is_own else examined.configuration
            name = other.name if is_own else _name_of(examined)
            cure = f"set metrics.file in {change} to {file.parent}/{name}.prom"
            return [problem("metrics", f"{other.name} writes to {file} as well", cure)]
    if is_held(examined.settings.session_lock):
        age_seconds = _age_seconds(file, examined.now)
        if age_seconds is None or age_seconds > _STALE_SECONDS:
            age = "never" if age_seconds is None else f"{age_seconds:.0f} s ago"
            unit = examined.unit
            cure = f"sudo systemctl restart {unit}; and sudo journalctl -u {unit} --grep metrics"
            return [problem("metrics", f"the bot runs, and {file} was last written {age}", cure)]
    return [healthy("metrics", str(file))]


def _name_of(examined: Examined) -> str:
    return examined.file.stem if examined.file else "wabot"


def trouble_with(file: Path) -> str:
    """Why the file cannot be written; "" when it can."""
    directory = file.parent
    if not directory.is_dir():
        return f"{directory} does not exist, so {file.name} cannot be written there"
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"{directory} may not be written to, so {file.name} cannot be written there"
    if file.is_dir():
        return f"{file} is a directory"
    return ""


def _age_seconds(file: Path, now: datetime) -> float | None:
    try:
        written_at = file.stat().st_mtime
    except OSError:
        return None
    return now.replace(tzinfo=UTC).timestamp() - written_at
