"""`wabot backup` and `wabot restore`."""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wabot.cli.leave_root import RootNeeds
from wabot.config.load import find_configuration
from wabot.config.machine import settings_in_unit
from wabot.config.setting_types import integer
from wabot.errors import ExitCode, OperatorNeeded
from wabot.privileges.become_owner import ROOT, owner_of
from wabot.system import units
from wabot.system.terminal import answers_yes, printable, show

if TYPE_CHECKING:
    from wabot.backup.restore import Step
    from wabot.config.settings import Settings

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
    backup.set_defaults(command=_backup, needs=_needs_of_backup)

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
    restore.set_defaults(command=_restore, needs=_needs_of_restore)


def _needs_of_backup(arguments: argparse.Namespace) -> RootNeeds:
    from wabot.backup.handover import Handover
    from wabot.backup.make import backup_name
    from wabot.clock import utc_now

    file = find_configuration(arguments.config, os.environ)
    directory = arguments.directory.absolute()
    arguments.handover = Handover(directory, backup_name(file), utc_now(), arguments.keep)
    owner = owner_of(directory, is_shared=True) if os.geteuid() == 0 else None
    return RootNeeds(
        file, tasks=arguments.handover.tasks, done_by=None if owner == ROOT else owner, may_ask=False
    )


def _needs_of_restore(arguments: argparse.Namespace) -> RootNeeds:
    """What a restore needs root for; root looks at a copy that nobody else can change from here on."""
    from wabot.backup.make import newest_backup
    from wabot.backup.manifest import MANIFEST
    from wabot.backup.private_copy import private_copy

    backup = arguments.backup.absolute()
    # Not searched for: the backup knows where its own stood.
    named = arguments.config or Path(os.environ.get("WABOT_CONFIG") or "")
    arguments.named = named.absolute() if named.name else None
    if not backup.is_dir():
        raise OperatorNeeded(f"{backup} is no directory, so it is no backup")
    if not os.path.lexists(backup / MANIFEST):
        backup = newest_backup(backup, arguments.named.stem if arguments.named else None)
    if os.geteuid() != 0:
        return _look_at(arguments, backup, backup)
    source = private_copy(backup)
    remove = partial(shutil.rmtree, source, ignore_errors=True)
    try:
        return replace(_look_at(arguments, backup, source), readable=source, at_end=remove)
    except BaseException:
        remove()
        raise


def _look_at(arguments: argparse.Namespace, backup: Path, source: Path) -> RootNeeds:
    from wabot.backup.make import CONFIGURATION
    from wabot.backup.manifest import read_manifest
    from wabot.backup.restore import Restoration
    from wabot.backup.texts import SavedTexts
    from wabot.clock import utc_now

    now = utc_now()
    manifest = read_manifest(source, backup)
    texts = SavedTexts(backup, source, manifest, arguments.named, now)
    state = None
    if os.geteuid() == 0:
        state = texts.judge(os.environ, with_texts=not arguments.database_only)
    restoration = Restoration(backup, manifest, arguments.named, os.environ, now, source, texts)
    arguments.restored = backup, manifest, restoration
    file = find_configuration(arguments.named or texts.places.get(CONFIGURATION), os.environ)
    return RootNeeds(file, state, tasks=texts.tasks, may_ask=False)


def _backup(arguments: argparse.Namespace) -> int:
    from wabot.backup.make import SESSION

    settings = settings_in_unit(arguments.config, os.environ, all_secrets=False)
    made = arguments.handover.make_backup(settings, with_session=arguments.session)
    manifest = made.manifest
    parts = [manifest.engine and f"the database ({manifest.engine})", *manifest.places]
    if SESSION in manifest.files:
        parts.append("the session")
    show(f"{made.path}: {', '.join(filter(None, parts))}")
    if SESSION in manifest.files:
        show(f"mind: {_SESSION_WARNING}")
    elif arguments.session:
        show("there is no session to copy: no number was ever linked")
    if made.removed:
        show(f"removed: {', '.join(path.name for path in made.removed)}")
    show(f"to put it back: {units.command(f'restore {made.path.absolute()}', settings.file)}")
    return ExitCode.OK


def _restore(arguments: argparse.Namespace) -> int:
    from wabot.backup.make import CONFIGURATION, SESSION

    backup, manifest, restoration = arguments.restored
    place = arguments.named or Path(manifest.places.get(CONFIGURATION, units.CONFIGURATION))
    with restoration.prepared(
        with_texts=not arguments.database_only, with_session=arguments.session
    ) as steps:
        show(printable(f"{backup}, made {manifest.made_at} by wabot {manifest.wabot}:"))
        show(*(printable(step.sentence) for step in steps), sep="\n")
        if arguments.session:
            show(f"mind: {_SESSION_WARNING}")
        elif SESSION in manifest.files:
            show(f"its session stays where it is; --session puts it back, {_SESSION_WARNING}")
        if not steps:
            show("there is nothing in it to put back")
            return ExitCode.OK
        if not arguments.yes and not answers_yes("Go on? [y/N] "):
            show("nothing was changed")
            return ExitCode.FINDINGS
        for step in steps:
            _take(step)
    show(f"done; {_how_to_go_on(restoration.numbers)}; and look at it: {units.command('doctor', place)}")
    return ExitCode.OK


def _how_to_go_on(numbers: Sequence[Settings]) -> str:
    from wabot.session.directories import SessionDirectories

    def is_linked(number: Settings) -> bool:
        return SessionDirectories((number.sessions,)).may_be_linked(number.account.user_id)

    pair = ", and ".join(units.command("pair", each.file) for each in numbers if not is_linked(each))
    # Who was never linked here was never enabled here.
    start = units.start(*(each.file for each in numbers), for_good=bool(pair))
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
