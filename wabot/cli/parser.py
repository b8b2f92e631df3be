"""The command line: `main(argv) -> exit code`."""

from __future__ import annotations

import argparse
import difflib
import errno
import gc
import logging
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from wabot import __version__
from wabot.cli.alert import add_alert_command
from wabot.cli.backup import add_backup_commands
from wabot.cli.chats import add_chat_commands
from wabot.cli.help import add_help_command
from wabot.cli.leave_root import Errand, left_root
from wabot.cli.pair import add_pairing_command
from wabot.cli.upkeep import add_upkeep_commands
from wabot.config.load import find_configuration
from wabot.config.machine import settings_in_unit
from wabot.config.settings import Settings
from wabot.errors import DatabaseAway, ExitCode, OperatorNeeded, UsageError, WabotError
from wabot.system.logs import LEVELS, configure_logging, keep_stdout
from wabot.system.process import leave, share_heaps, show_stacks_on_abort
from wabot.system.terminal import INTERRUPTED, discard_output, mend_streams, printable
from wabot.system.units import configure_hints, told
from wabot.whatsapp.library import bury_children, ensure_library_environment, load_client_library

log = logging.getLogger(__name__)

_ALERT_SECONDS = 5.0
_DISK_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
# What is there is not what the bot put there: a link, a pipe, a device.
_STRANGE_ERRNOS = (errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EISDIR, errno.ENOTDIR)


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name.

    Returns:
        The exit code, from the table in `errors.py`.
    """
    os.umask(0o077)
    try:
        code = _obey(argv)
        # Now, and not when the interpreter ends: there a reader that left is an error.
        sys.stdout.flush()
        return code
    except WabotError as error:
        return _fail(error)
    except PermissionError as error:
        path = f"{error.filename} is not yours to look at" if error.filename else "this is not yours to do"
        return _fail(OperatorNeeded(f"{path} ({error.strerror}): put sudo before the command"))
    except BrokenPipeError:
        # The reader of our output left (as in `wabot status | head`); nothing is wrong.
        discard_output()
        return ExitCode.OK
    except KeyboardInterrupt:
        print("wabot: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if error.errno in _STRANGE_ERRNOS and error.filename is not None:
            strange = f"{error.filename} cannot be used ({error.strerror}): ls -ld shows what it is"
            return _fail(OperatorNeeded(f"{strange}; the bot's own files are regular ones"))
        if error.errno not in _DISK_ERRNOS:
            raise
        if error.filename is None:
            discard_output()
        where = error.filename or "what is written to"
        return _fail(OperatorNeeded(f"{where}: {error.strerror}; see df -h and mount, then try again"))


def entry_point() -> NoReturn:
    """The console script."""
    mend_streams()
    try:
        code = main(sys.argv[1:])
    except Exception:
        # Only raised, it would not end the process where the client library has threads.
        log.exception("this is a bug in wabot")
        code = ExitCode.BUG
    sys.exit(leave(code))


def _obey(argv: Sequence[str]) -> int:
    if argv[:1] == ["emulator"]:
        # It has options of its own, and the packages it needs may not be installed.
        return _emulate(argv[1:])
    if argv[:1] == ["--version"]:
        argv = ["version"]
    try:
        arguments, unknown = build_parser().parse_known_args(argv)
    except SystemExit as shown:
        # After --help; every mistake is a UsageError.
        return int(shown.code or ExitCode.OK)
    if unknown:
        named = f"{arguments.name} " if arguments.name else ""
        raise UsageError(f"unknown: {' '.join(unknown)}; see wabot {named}--help")
    if "config" in arguments:
        configure_hints(find_configuration(arguments.config, os.environ))
    if "config" not in arguments or arguments.is_stateless:
        return int(arguments.command(arguments))
    with left_root(arguments.errand(arguments)):
        return int(arguments.command(arguments))


def _errand(arguments: argparse.Namespace) -> Errand:
    return Errand(find_configuration(arguments.config, os.environ))


def _errand_of_run(arguments: argparse.Namespace) -> Errand:
    # First: as somebody else it would find no credentials after the new start.
    ensure_library_environment()
    return replace(_errand(arguments), asks=False)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # As argparse of Python 3.11 to 3.13 says it.
        wrong = re.search(r"invalid choice: (['\"])(.*)\1 \(choose from (.*)\)$", message, re.DOTALL)
        if wrong:
            allowed = re.findall(r"[\w-]+", wrong[3])
            close = difflib.get_close_matches(wrong[2][:80], allowed, n=1)
            guess = f"perhaps {close[0]} was meant" if close else f"there are {', '.join(allowed)}"
            message = f"{message[: wrong.start()]}'{wrong[2]}' is not known; {guess}"
        raise UsageError(f"{message}; see {self.prog} --help")


class _Commands(argparse._SubParsersAction):  # type: ignore[type-arg]
    """Commands whose own --help says what the list of commands says of them."""

    def add_parser(self, name: str, **options: Any) -> Any:
        says: str = options["help"]
        return super().add_parser(name, description=f"{says[0].upper()}{says[1:]}.", **options)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; the arguments it reads have a `command` that obeys them."""
    parser = _Parser(
        prog="wabot",
        description="Answers a WhatsApp number with an AI, day and night.",
        epilog="wabot help lists the pages of the handbook.",
    )
    parser.set_defaults(command=lambda _arguments: _show_help(parser))
    parser.add_argument("--version", action="store_true", help="the same as the command version")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="name", parser_class=_Parser, action=_Commands
    )
    shared = _Parser(add_help=False)
    shared.add_argument("--config", type=Path, metavar="FILE", help="configuration file (TOML)")
    shared.set_defaults(errand=_errand, is_stateless=False)

    run = commands.add_parser("run", parents=[shared], help="link the number and answer; the service")
    run.add_argument("--log-level", choices=LEVELS, default="INFO", help="how much to log (default: INFO)")
    run.add_argument("--log-json", action="store_true", help="log one JSON object a line")
    run.set_defaults(command=_run, errand=_errand_of_run)

    add_pairing_command(commands, shared)

    commands.add_parser("emulator", add_help=False, help="a WhatsApp on loopback, to try things")

    add_chat_commands(commands, shared)
    add_upkeep_commands(commands, shared)
    add_backup_commands(commands, shared)
    add_alert_command(commands, shared)

    # Every command takes --config, so that a script may pass it without thinking.
    version = commands.add_parser(
        "version", parents=[shared], help="the versions of wabot and of the client library"
    )
    version.set_defaults(command=_version, is_stateless=True)
    add_help_command(commands, shared)
    return parser


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


def _emulate(argv: Sequence[str]) -> int:
    try:
        from wabot.emulator.command import main as emulate
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the emulator needs {error.name}, which an installation leaves out: "
            "scripts/demo in a checkout gets it, then: .venv/bin/wabot emulator --run"
        ) from None
    return emulate(list(argv))


def _version(_arguments: argparse.Namespace) -> int:
    from importlib.metadata import version

    print(f"wabot {__version__}, neonize {version('neonize')}")
    return ExitCode.OK


def _show_help(parser: argparse.ArgumentParser) -> int:
    parser.print_help(sys.stderr)
    return ExitCode.USAGE


def _fail(error: WabotError) -> int:
    for line in told(error):
        print(f"wabot: {printable(line)}", file=sys.stderr)
    return error.exit_code
