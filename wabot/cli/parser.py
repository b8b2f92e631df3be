"""The command line: `main(argv) -> exit code`."""

from __future__ import annotations

import argparse
import difflib
import errno
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from wabot import __version__
from wabot.cli.alert import add_alert_command
from wabot.cli.backup import add_backup_commands
from wabot.cli.chats import add_chat_commands
from wabot.cli.conversations import add_conversation_commands
from wabot.cli.help import add_help_command
from wabot.cli.leave_root import RootNeeds, left_root
from wabot.cli.pair import add_pairing_command
from wabot.cli.run import add_run_command
from wabot.cli.send import add_send_command
from wabot.cli.upkeep import add_upkeep_commands
from wabot.config.load import find_configuration
from wabot.errors import ExitCode, OperatorNeeded, UsageError, WabotError
from wabot.system.process import leave
from wabot.system.terminal import INTERRUPTED, discard_output, mend_streams, printable
from wabot.system.units import configure_hints, told

log = logging.getLogger(__name__)

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
    with left_root(arguments.needs(arguments)):
        return int(arguments.command(arguments))


def _needs(arguments: argparse.Namespace) -> RootNeeds:
    return RootNeeds(find_configuration(arguments.config, os.environ))


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
    shared.set_defaults(needs=_needs, is_stateless=False)

    add_run_command(commands, shared)
    add_pairing_command(commands, shared)

    commands.add_parser("emulator", add_help=False, help="a WhatsApp on loopback, to try things")

    add_chat_commands(commands, shared)
    add_conversation_commands(commands, shared)
    add_send_command(commands, shared)
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


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, by its name."""
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


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
