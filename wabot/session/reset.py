"""Starts a number afresh: moves its session to the quarantine, takes back what the database says of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import peewee

from wabot.application.row import ConnectionRow
from wabot.config.settings import Settings
from wabot.database.address import sqlite_file
from wabot.database.engine import open_database
from wabot.database.models import Session, database
from wabot.errors import DatabaseAway, OperatorNeeded
from wabot.session.host_lock import holder_on_any_machine
from wabot.session.lock import SessionLock
from wabot.session.quarantine import Quarantine
from wabot.system import units
from wabot.system.masking import mask_phone
from wabot.whatsapp.store import read_device

log = logging.getLogger(__name__)

_REASON = "wabot reset"


@dataclass(frozen=True, slots=True)
class ResetOutcome:
    """How a reset ended: whether anything was changed, and a sentence for the operator."""

    done: bool
    sentence: str


def reset(settings: Settings, now: datetime, confirm: Callable[[list[str]], bool]) -> ResetOutcome:
    """Reset the session, if the operator confirms.

    Args:
        settings: whose session.
        now: naive UTC.
        confirm: is shown what will be done, a line for each step, and says whether to go on.

    Raises:
        SessionInUse: a bot holds the session.
        DatabaseAway: the database does not answer; nothing was changed.
    """
    user_id, directory = settings.account.user_id, settings.session_directory
    with SessionLock(settings.session_lock).acquire(0):
        file = sqlite_file(settings.database.url)
        has_database = file is None or file.exists()
        steps = []
        if directory.is_dir():
            steps.append(f"move {directory} ({_linked_to(settings)}) to {settings.quarantine}")
        holder = ""
        if has_database:
            open_database(settings.database.url)
            holder = holder_on_any_machine(user_id)
            steps.append(
                f"leave the database as it is, because another machine has this session: {holder}"
                if holder
                else f"say in the database that {user_id} is disconnected and has no number"
            )
        if not steps:
            return ResetOutcome(True, "there is nothing to reset")
        if not confirm(steps):
            return ResetOutcome(False, "nothing was changed")
        if has_database and not holder:
            _take_back(settings, now)
        undo = ""
        if directory.is_dir():
            entry = Quarantine(settings.quarantine, settings.sessions).take(user_id, _REASON, now)
            keep_messages(settings, entry.session)
            undo = f"; to undo it: {units.command(f'janitor --restore {entry.name}', settings.file)}"
    pair, start = units.command("pair", settings.file), units.start(settings.file)
    return ResetOutcome(True, f"done; link the number: {pair}, then: {start}{undo}")


def keep_messages(settings: Settings, moved: Path) -> None:
    """Leave behind the messages that the database does not have yet: they are no part of the link.

    Args:
        settings: whose session.
        moved: where its directory is now.
    """
    for kept in moved.glob(f"{settings.spool.name}*"):
        settings.session_directory.mkdir(mode=0o700, exist_ok=True)
        kept.rename(settings.session_directory / kept.name)


def _linked_to(settings: Settings) -> str:
    try:
        device = read_device(settings.session_store)
    except OperatorNeeded:
        return "damaged"
    return f"linked as {mask_phone(device.phone)}" if device else "not linked"


def _take_back(settings: Settings, now: datetime) -> None:
    user_id = settings.account.user_id
    try:
        if Session.table_exists():
            Session.delete().where(Session.user_id == user_id).execute()
            # With its time, so that `wabot status` takes no earlier end for one that nobody wrote down.
            Session.create(user_id=user_id, reason=_REASON, updated_at=now)
        ConnectionRow(user_id, settings.database).unlink(now)
    except (peewee.OperationalError, peewee.InterfaceError) as error:
        raise DatabaseAway(f"the database does not answer, so nothing was reset: {error}") from None
    except OperatorNeeded as error:
        # A database without users is an illness of its own; it does not keep the session from being moved.
        log.warning("no row was corrected: %s", error)
    finally:
        database.close()
