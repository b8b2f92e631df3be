"""What the failure of a systemd unit means to the owner."""

from __future__ import annotations

from collections.abc import Mapping

from wabot.alerts.janitor_unit import JANITOR_UNITS
from wabot.alerts.notice import Condition, Problem
from wabot.errors import ExitCode
from wabot.privileges import systemd as systemd_units


def unit_failure(unit: str, environ: Mapping[str, str]) -> Problem:
    """What to tell the owner of it.

    Args:
        unit: its name.
        environ: of a process that OnFailure= started.
    """
    refused = environ.get("MONITOR_EXIT_STATUS") == str(int(ExitCode.OPERATOR_NEEDED))
    if unit.startswith(JANITOR_UNITS) and refused:
        # It has told so itself and why, if it got so far.
        return Problem(Condition.JANITOR_REFUSED, _how_it_ended(environ))
    return Problem(Condition.PROCESS_FAILED, _how_it_ended(environ), (("unit", unit),), subject=unit)


def is_started_again(unit: str) -> bool:
    """Whether systemd starts a unit again by itself, so that it has not failed for good.

    Since systemd 254 OnFailure= is heard before each automatic restart, too (systemd.service(5),
    RestartMode=). Where systemd cannot be asked, the answer is no.
    """
    shown = systemd_units.show(unit, "ActiveState") or {}
    return shown.get("ActiveState") in ("activating", "active", "reloading")


def _how_it_ended(environ: Mapping[str, str]) -> str:
    """What systemd says about the unit that failed (systemd.exec(5), OnFailure=)."""
    status = environ.get("MONITOR_EXIT_STATUS", "")
    if status.isdecimal() and int(status) in set(ExitCode):
        return f"exit {status}, {ExitCode(int(status)).meaning}"
    parts = (environ.get("MONITOR_SERVICE_RESULT", ""), status)
    return ", ".join(part for part in parts if part and part.isprintable())
