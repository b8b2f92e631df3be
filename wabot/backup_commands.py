"""`wabot backup` and `wabot restore`."""

from __future__ import annotations

import argparse
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wabot import hints
from wabot.errors import ExitCode, OperatorNeeded
from wabot.setting_types import integer
from wabot.terminal_question import answers_yes
from wabot.unit_environment import settings_in_unit

if TYPE_CHECKING:
    from wabot.restore import Step
    from wabot.settings import Settings

_MOST_KEPT = 10_000
_SESSION_WARNING = (
    "only for moving to another machine while no bot runs. An old copy breaks the encryption with "
    "every chat that went on since, and two bots on copies of one session throw each other out."
)


def add_backup_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add them to the command line.

    Args:
        commands: what `add_subparsers` returned.
        shared: the options that every command takes.
    """
    backup = commands.add_parser(
        "backup", parents=[shared], help="copy database, configuration and texts; the bot may be running"
    )
    backup.add_argument("directory", metavar="DIRECTORY", type=Path, help="where the backups are kept")
    backup.add_argument(
        "--keep", type=_count, default=7, metavar="N", help="how many to keep there (default: 7)"
    )
    backup.add_argument(
        "--session", action="store_true", help=f"copy the keys of the linked number, too: {_SESSION_WARNING}"
    )
    backup.set_defaults(command=_backup)

    restore = commands.add_parser(
        "restore", parents=[shared], help="put a backup back; what it replaces is moved aside"
    )
    restore.add_argument(
        "backup", metavar="BACKUP", type=Path, help="a backup, or a directory of them for the newest"
    )
    restore.add_argument("--database-only", action="store_true", help="leave configuration and texts alone")
    restore.add_argument(
        "--session", action="store_true", help=f"put the session back, too: {_SESSION_WARNING}"
    )
    restore.add_argument("--yes", action="store_true", help="do not ask")
    restore.set_defaults(command=_restore)


def _backup(arguments: argparse.Namespace) -> int:
    from wabot.backup import SESSION, make_backup
    from wabot.models import utc_now

    settings = settings_in_unit(arguments.config, os.environ, all_secrets=False)
    made = make_backup(
        settings, arguments.directory, utc_now(), keep=arguments.keep, with_session=arguments.session
    )
    manifest = made.manifest
    parts = [manifest.engine and f"the database ({manifest.engine})", *manifest.places]
    if SESSION in manifest.files:
        parts.append("the session")
    print(f"{made.path}: {', '.join(filter(None, parts))}")
    if SESSION in manifest.files:
        print(f"mind: {_SESSION_WARNING}")
    elif arguments.session:
        print("there is no session to copy: no number was ever linked")
    if made.removed:
        print(f"removed: {', '.join(path.name for path in made.removed)}")
    print(f"to put it back: {hints.command(f'restore {made.path.absolute()}', settings.file)}")
    return ExitCode.OK


def _restore(arguments: argparse.Namespace) -> int:
    from wabot.backup import CONFIGURATION, SESSION, newest_backup
    from wabot.backup_manifest import MANIFEST, read_manifest
    from wabot.models import utc_now
    from wabot.restore import Restoration

    backup = arguments.backup.absolute()
    # Not searched for: the backup knows where its own stood.
    named = arguments.config or Path(os.environ.get("WABOT_CONFIG") or "")
    named = named.absolute() if named.name else None
    if not backup.is_dir():
        raise OperatorNeeded(f"{backup} is no directory, so it is no backup")
    if not (backup / MANIFEST).exists():
        backup = newest_backup(backup, named.stem if named else None)
    manifest = read_manifest(backup)
    place = named or Path(manifest.places.get(CONFIGURATION, "/etc/wabot/wabot.toml"))
    restoration = Restoration(backup, manifest, named, os.environ, utc_now())
    with restoration.prepared(
        with_texts=not arguments.database_only, with_session=arguments.session
    ) as steps:
        print(f"{backup}, made {manifest.made_at} by wabot {manifest.wabot}:")
        print(*(step.sentence for step in steps), sep="\n")
        if arguments.session:
            print(f"mind: {_SESSION_WARNING}")
        elif SESSION in manifest.files:
            print(f"its session stays where it is; --session puts it back, {_SESSION_WARNING}")
        if not steps:
            print("there is nothing in it to put back")
            return ExitCode.OK
        if not arguments.yes and not answers_yes("Go on? [y/N] "):
            print("nothing was changed")
            return ExitCode.FINDINGS
        for step in steps:
            _take(step)
    print(f"done; {_how_to_go_on(restoration.numbers)}; and look at it: {hints.command('doctor', place)}")
    return ExitCode.OK


def _how_to_go_on(numbers: Sequence[Settings]) -> str:
    from wabot.session_directories import SessionDirectories

    def is_linked(number: Settings) -> bool:
        return SessionDirectories((number.sessions,)).may_be_linked(number.account.user_id)

    pair = ", and ".join(hints.command("pair", each.file) for each in numbers if not is_linked(each))
    # Who was never linked here was never enabled here.
    start = hints.start(*(each.file for each in numbers), for_good=bool(pair))
    return f"link the number: {pair}; then: {start}" if pair else f"go on: {start}"


def _take(step: Step) -> None:
    try:
        step.do()
    except (OSError, sqlite3.Error) as error:
        raise OperatorNeeded(
            f"it could not {step.sentence.partition(';')[0]}: {error}; what was there stands aside, "
            "under the name above. Run the same command again when that is mended"
        ) from None


def _count(text: str) -> int:
    try:
        return int(integer(1, _MOST_KEPT).read(int(text)))
    except (ValueError, TypeError):
        raise argparse.ArgumentTypeError(f"{text!r}: allowed is a number from 1 to {_MOST_KEPT}") from None
