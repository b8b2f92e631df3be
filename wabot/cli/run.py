"""`wabot run`: the service. Takes the session, settles what the last process left, then runs Service."""

from __future__ import annotations

import argparse
import gc
import logging
import os
from typing import Any

from wabot import __version__
from wabot.cli.leave_root import RootNeeds
from wabot.config.load import find_configuration
from wabot.config.machine import settings_in_unit
from wabot.config.settings import Settings
from wabot.errors import DatabaseAway, ExitCode, WabotError
from wabot.system.logs import LEVELS, configure_logging, keep_stdout
from wabot.system.process import share_heaps, show_stacks_on_abort
from wabot.system.units import told
from wabot.whatsapp.library import bury_children, ensure_library_environment, load_client_library

log = logging.getLogger(__name__)

# For a process that ends without its database; systemd starts it again at once.
_ALERT_SECONDS = 5.0


def add_run_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add it to the command line.

    Args:
        commands: what `add_subparsers` returned.
        shared: the options that every command takes.
    """
    run = commands.add_parser("run", parents=[shared], help="link the number and answer; the service")
    run.add_argument("--log-level", choices=LEVELS, default="INFO", help="how much to log (default: INFO)")
    run.add_argument("--log-json", action="store_true", help="log one JSON object a line")
    run.set_defaults(command=_run, needs=_needs)


def _needs(arguments: argparse.Namespace) -> RootNeeds:
    # First: as somebody else it would find no credentials after the new start.
    ensure_library_environment()
    return RootNeeds(find_configuration(arguments.config, os.environ), may_ask=False)


def _run(arguments: argparse.Namespace) -> int:
    share_heaps()
    keep_stdout()
    configure_logging(level=arguments.log_level, json_lines=arguments.log_json)
    show_stacks_on_abort()
    settings = None
    try:
        # Typed by hand it means the same session as the service, and is refused as long as that one runs.
        settings = settings_in_unit(arguments.config, os.environ)
        code = _serve(settings)
    except WabotError as error:
        for line in told(error):
            log.error("%s", line)
        code = error.exit_code
        if isinstance(error, DatabaseAway) and settings is not None:
            from wabot.alerts.watcher import report_database_away

            report_database_away(settings, str(error), _ALERT_SECONDS)
    except Exception:
        log.exception("this is a bug in wabot; systemd starts it again")
        code = ExitCode.BUG
    return code


def _serve(settings: Settings) -> ExitCode:
    """Hold the session, settle what the last process left, then serve until the end."""
    # All that is imported and made here is there until the end: the collector need not look at it.
    gc.disable()
    try:
        from wabot.session.ownership import hold_session
        from wabot.system.notify import ServiceNotifier
        from wabot.system.start_turn import start_turn

        notifier = ServiceNotifier()
        notifier.starting()
        log.info(
            "wabot %s, user %s, configuration: %s", __version__, settings.account.user_id, settings.source
        )
        with hold_session(settings) as session:
            if session.tables_made:
                from wabot.alerts.watcher import report_lost_tables

                report_lost_tables(settings, session.tables_made)
            with start_turn(settings.paths.state):
                load_client_library()
                from wabot.conversation.outbox import Outbox
                from wabot.conversation.send_queue import SendQueue
                from wabot.outbound.unconfirmed import (
                    forget_old_senders,
                    give_up_old_replies,
                    recover_in_flight,
                )
                from wabot.service.service import Service

                user_id = settings.account.user_id
                recover_in_flight(SendQueue(user_id), settings.session_store)
                give_up_old_replies(Outbox(user_id))
                forget_old_senders(settings)
                service = Service(settings, session, notifier)
                bury_children()
            gc.freeze()
            gc.enable()
            return service.run()
    finally:
        gc.enable()
