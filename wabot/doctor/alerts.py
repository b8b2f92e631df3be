"""The check of the alerts: whether the channels took the last ones."""

from __future__ import annotations

from datetime import UTC, datetime

from wabot.alerts.dispatcher import Dispatcher
from wabot.clock import local_text
from wabot.doctor.finding import Examined, Finding, healthy, problem


def check_alerts(examined: Examined) -> list[Finding]:
    """What a channel refused; nothing is sent to find out."""
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
