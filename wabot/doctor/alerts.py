"""The check of the alerts: whether the channels took the last ones."""

from __future__ import annotations

from datetime import UTC, datetime

from wabot.alerts.dispatcher import Courier
from wabot.clock import local_text
from wabot.doctor.finding import Finding, Patient, healthy, illness


def check_alerts(patient: Patient) -> list[Finding]:
    """What a channel refused; nothing is sent to find out."""
    courier = Courier(patient.settings)
    names = [channel.name for channel in courier.channels]
    if not names:
        return [healthy("alerts", "none are configured")]
    refused = courier.ledger.read().refused
    cure = f"mend [alerts] in {patient.configuration}; try it: {patient.command('alert --test')}"
    return [
        illness(
            "alerts",
            f"by {name}: {why}, since {local_text(datetime.fromtimestamp(at, UTC))}; none arrive so",
            cure,
        )
        for name, (at, why) in refused.items()
        if name in names
    ] or [healthy("alerts", f"by {' and '.join(names)}; {patient.command('alert --test')} tries them")]
