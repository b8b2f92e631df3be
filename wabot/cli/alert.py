"""`wabot alert`: tells the owner by hand, or for systemd that a unit has failed."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wabot.clock import process_clock
from wabot.config.machine import settings_in_unit
from wabot.errors import ExitCode, OperatorNeeded, UsageError
from wabot.system.logs import configure_logging
from wabot.system.terminal import printable, show
from wabot.system.units import CONFIGURATION

if TYPE_CHECKING:
    from wabot.alerts.dispatcher import Dispatcher

# The unit gives two minutes.
_PATIENCE_SECONDS = 90.0
_LONGEST_UNIT = 255


def add_alert_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add it to the command line.

    Args:
        commands: what `add_subparsers` returned.
        shared: the options that every command takes.
    """
    alert = commands.add_parser(
        "alert", parents=[shared], help="tell the owner, or try whether alerts arrive"
    )
    what = alert.add_mutually_exclusive_group(required=True)
    what.add_argument("--test", action="store_true", help="send a test to every channel")
    what.add_argument("--failed", metavar="UNIT", help="this systemd unit has failed; for the alert unit")
    alert.set_defaults(command=_alert)


def _alert(arguments: argparse.Namespace) -> int:
    from wabot.alerts.dispatcher import Dispatcher
    from wabot.alerts.units import is_started_again, unit_failure

    configure_logging(level="WARNING", at_terminal=True)
    # No more than what is needed, and of that what can be read: a mistake may be the very thing to tell.
    mistakes: list[str] | None = None if arguments.test else []
    settings = settings_in_unit(
        arguments.config, os.environ, sections=("account", "paths", "alerts"), tolerated=mistakes
    )
    for mistake in mistakes or ():
        show(f"wabot: {printable(mistake)}", to_errors=True)
    dispatcher = Dispatcher(settings)
    if arguments.test:
        return _test(dispatcher, settings.file)
    unit = arguments.failed
    if not unit or not unit.isprintable() or len(unit) > _LONGEST_UNIT:
        raise UsageError(f"--failed {unit!r}: name the unit, such as wabot.service")
    if is_started_again(unit):
        show(f"{unit} is started again by systemd; the owner is told when it fails for good")
        return ExitCode.OK
    if not dispatcher.channels:
        show(f"{unit} failed; {_nothing_configured(settings.file)}")
        return ExitCode.OK
    dispatcher.tell_failure(unit_failure(unit, os.environ))
    if dispatcher.deliver_within(_PATIENCE_SECONDS):
        return ExitCode.OK
    show("not delivered everywhere; it is tried again when the bot runs or starts")
    return ExitCode.FINDINGS


def _test(dispatcher: Dispatcher, file: Path | None) -> int:
    from wabot.alerts.notice import NotDelivered

    if not dispatcher.channels:
        raise OperatorNeeded(_nothing_configured(file))
    notice = dispatcher.test_notice()
    code = ExitCode.OK
    for channel in dispatcher.channels:
        try:
            channel.send(notice)
            show(f"{channel.name}: delivered")
            with dispatcher.log_file.changing() as notifications:
                notifications.channel_works(channel.name, process_clock.now())
        except NotDelivered as error:
            show(f"{channel.name}: {error}")
            code = ExitCode.FINDINGS
    return code


def _nothing_configured(file: Path | None) -> str:
    where = file or f"a configuration, such as {CONFIGURATION}"
    return f"no alerts are configured: set alerts.webhook_url, or alerts.smtp_url and alerts.to, in {where}"
