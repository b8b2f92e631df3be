"""`wabot pair`: links a number at the terminal."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

from wabot.cli.leave_root import RootNeeds
from wabot.config.load import find_configuration
from wabot.config.machine import settings_in_unit
from wabot.config.phone_numbers import read_number
from wabot.errors import ExitCode, UsageError, WabotError
from wabot.service.picture_file import PictureFile
from wabot.system.logs import configure_logging, keep_stdout
from wabot.system.terminal import printable
from wabot.system.units import command, told
from wabot.whatsapp.library import load_client_library


def add_pairing_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add it to the command line.

    Args:
        commands: what `add_subparsers` returned.
        shared: the options that every command takes.
    """
    pair = commands.add_parser("pair", parents=[shared], help="link a number, with a QR code or a typed code")
    way = pair.add_mutually_exclusive_group()
    way.add_argument(
        "--phone",
        type=_phone_digits,
        metavar="NUMBER",
        help="show a code to type on the phone with this number (+34…) instead of a QR code to scan",
    )
    way.add_argument("--png", type=Path, metavar="FILE", help="write the QR code as a picture, too")
    pair.set_defaults(command=_pair, needs=_needs)


def _needs(arguments: argparse.Namespace) -> RootNeeds:
    png = arguments.png
    if png is not None and not png.absolute().parent.is_dir():
        raise UsageError(f"--png {png}: there is no directory {png.absolute().parent}")
    arguments.picture = PictureFile(png) if png else None
    return RootNeeds(find_configuration(arguments.config, os.environ), may_ask=False)


def _pair(arguments: argparse.Namespace) -> int:
    from wabot.service.pairing_screen import PairingScreen
    from wabot.session.ownership import hold_session

    settings = settings_in_unit(arguments.config, os.environ, all_secrets=False)
    otherwise = command("pair --png code.png", settings.file)
    screen = PairingScreen(keep_stdout(), arguments.picture, otherwise)
    configure_logging(level="WARNING", at_terminal=True)
    try:
        with hold_session(settings) as session:
            if session.tables_made:
                from wabot.alerts.watcher import report_lost_tables

                report_lost_tables(settings, session.tables_made)
            device = session.device
            if device is not None:
                screen.say(
                    f"user {settings.account.user_id} is linked already, as +{device.phone}; "
                    f"to link another number, first: {command('reset', settings.file)}"
                )
                return ExitCode.OK
            load_client_library()
            from wabot.service.pairing import Pairing

            code = Pairing(settings, screen, arguments.phone or "").run()
    except WabotError as error:
        for line in told(error):
            print(f"wabot: {printable(line)}", file=sys.stderr)
        code = error.exit_code
    finally:
        screen.close()
    return code


def _phone_digits(value: str) -> str:
    digits = read_number(value)
    # At most 15 digits (E.164); the client library refuses 6 and fewer, and a zero in front.
    if not re.fullmatch(r"[1-9][0-9]{6,14}", digits):
        raise argparse.ArgumentTypeError(
            f"{value!r} is no number with its country code, such as +34600123456"
        )
    return digits
