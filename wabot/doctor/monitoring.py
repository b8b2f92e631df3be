"""Checks of what watches the bot from outside: the metrics file, and the channels of the alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from wabot.alerts.dispatcher import Dispatcher
from wabot.clock import local_text
from wabot.config.machine import configurations
from wabot.doctor.finding import Examined, Finding, healthy, problem
from wabot.session.lock import is_held
from wabot.system.files import why_unwritable
from wabot.system.units import METRICS

_STALE_SECONDS = 120.0


def check_metrics(examined: Examined) -> list[Finding]:
    """Whether the metrics file is written, and by this bot alone; nothing where none is wanted."""
    file = examined.settings.metrics.file
    if file is None:
        return []
    trouble = why_unwritable(file)
    if trouble:
        cure = f"set metrics.file in {examined.configuration} to {METRICS}/wabot.prom, or make the directory"
        if file.parent == METRICS:
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


def _age_seconds(file: Path, now: datetime) -> float | None:
    try:
        written_at = file.stat().st_mtime
    except OSError:
        return None
    return now.replace(tzinfo=UTC).timestamp() - written_at


def check_alerts(examined: Examined) -> list[Finding]:
    """Whether the channels took the last alerts; nothing is sent to find out."""
    dispatcher = Dispatcher(examined.settings)
    names = [channel.name for channel in dispatcher.channels]
    if not names:
        return [healthy("alerts", "none are configured")]
    refused = dispatcher.log_file.read().refused
    cure = f"mend [alerts] in {examined.configuration}; try it: {examined.command('alert --test')}"
    return [
        problem(
            "alerts",
            f"by {name}: {why}, since {local_text(datetime.fromtimestamp(at, UTC))}; none arrive so",
            cure,
        )
        for name, (at, why) in refused.items()
        if name in names
    ] or [healthy("alerts", f"by {' and '.join(names)}; {examined.command('alert --test')} tries them")]
