"""What the failure of a systemd unit means to the owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from wabot.alerts.dispatcher import Dispatcher
from wabot.alerts.notice import Condition, Findings, Problem, problem_key
from wabot.config.settings import Settings
from wabot.errors import ExitCode, OperatorNeeded
from wabot.privileges.root_queries import show_unit
from wabot.session.lock import own_unit

_JANITOR_UNITS = "wabot-janitor"
# The janitor's unit gives five minutes; what is not delivered is tried again by the bot and the alert unit.
_PATIENCE_SECONDS = 20.0


def unit_failure(unit: str, environ: Mapping[str, str]) -> Problem:
    """The problem that a unit has failed, or that a janitor refused to clean.

    Args:
        unit: the unit's name.
        environ: of a process that OnFailure= started.
    """
    refused = environ.get("MONITOR_EXIT_STATUS") == str(int(ExitCode.OPERATOR_NEEDED))
    if unit.startswith(_JANITOR_UNITS) and refused:
        # It has told so itself and why, if it got so far.
        return Problem(Condition.JANITOR_REFUSED, _how_it_ended(environ))
    return Problem(Condition.PROCESS_FAILED, _how_it_ended(environ), (("unit", unit),), subject=unit)


def is_started_again(unit: str) -> bool:
    """Whether systemd starts a unit again by itself, so that it has not failed for good.

    Since systemd 254 OnFailure= is heard before each automatic restart, too (systemd.service(5),
    RestartMode=). Where systemd cannot be asked, the answer is no.
    """
    shown = show_unit(unit, "ActiveState") or {}
    return shown.get("ActiveState") in ("activating", "active", "reloading")


def _how_it_ended(environ: Mapping[str, str]) -> str:
    """What systemd says about the unit that failed (systemd.exec(5), OnFailure=)."""
    status = environ.get("MONITOR_EXIT_STATUS", "")
    if status.isdecimal() and int(status) in set(ExitCode):
        return f"exit {status}, {ExitCode(int(status)).meaning}"
    parts = (environ.get("MONITOR_SERVICE_RESULT", ""), status)
    return ", ".join(part for part in parts if part and part.isprintable())


@contextmanager
def owner_told(settings: Settings) -> Iterator[None]:
    """Tell the owner how the janitor's run in the block ends; who types the command reads for themselves.

    Args:
        settings: the configuration.
    """
    unit = own_unit() or ""
    dispatcher = Dispatcher(settings)
    if not unit.startswith(_JANITOR_UNITS) or not dispatcher.channels:
        yield
        return
    try:
        yield
    except OperatorNeeded as error:
        dispatcher.tell(Findings([Problem(Condition.JANITOR_REFUSED, str(error))]))
        dispatcher.deliver_within(_PATIENCE_SECONDS)
        raise
    over = (Condition.JANITOR_REFUSED, problem_key(Condition.PROCESS_FAILED, unit))
    dispatcher.tell(Findings(cleared=over))
    dispatcher.deliver_within(_PATIENCE_SECONDS)
