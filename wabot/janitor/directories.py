"""Sweeps over the session directories: what belongs to nobody, what is old and not linked, moves aside."""

from __future__ import annotations

from datetime import timedelta

from wabot.clock import local_text
from wabot.config.settings import SPOOL, STORE, lock_file
from wabot.errors import OperatorNeeded
from wabot.inbound.spool import read_spool
from wabot.janitor.sweep import ActionKind, Sweep
from wabot.session.directories import last_used, session_names
from wabot.session.lock import SessionInUse, SessionLock, borrowed
from wabot.session.quarantine import Quarantine
from wabot.whatsapp.store import read_device


def sweep_directories(sweep: Sweep) -> None:
    """Move aside what belongs to nobody, then delete what was moved aside long ago."""
    quarantine = Quarantine(sweep.settings.quarantine, sweep.settings.sessions)
    for user_id in session_names(sweep.settings.sessions):
        try:
            _judge(sweep, quarantine, user_id)
        except SessionInUse:
            continue
        except OperatorNeeded as error:
            # One directory that cannot be read must not keep the others from being cleaned.
            sweep.report(ActionKind.LEFT_ALONE, str(sweep.settings.sessions / user_id), user_id, str(error))
    _delete_old(sweep, quarantine)


def _judge(sweep: Sweep, quarantine: Quarantine, user_id: str) -> None:
    lock = lock_file(sweep.settings.sessions, user_id)
    directory = sweep.settings.sessions / user_id
    with borrowed(lock) as free:
        reason = _objection(sweep, user_id) if free else ""
        is_wanted = (
            bool(reason) and user_id in sweep.configured and read_device(directory / STORE) is not None
        )
    if is_wanted:
        # A slip in the configuration, as the address of another database, must not cost the linked number.
        reason = f"{reason}, but a number is linked and a configuration is for this user: correct that"
        sweep.report(ActionKind.LEFT_ALONE, str(directory), user_id, reason)
    if is_wanted or not reason:
        return
    if sweep.apply:
        with SessionLock(lock).acquire(0):
            # Somebody may have used it between the look and the lock.
            reason = _objection(sweep, user_id)
            if not reason:
                return
            quarantine.take(user_id, reason, sweep.now)
    sweep.report(ActionKind.DIRECTORY_MOVED, str(directory), user_id, reason)


def _objection(sweep: Sweep, user_id: str) -> str:
    """Why this directory must go, or ""; the session lock is held."""
    directory = sweep.settings.sessions / user_id
    if not directory.is_dir():
        return ""
    if user_id not in sweep.protected and sweep.may_move_unknown and sweep.users.lack(user_id):
        kept = len(read_spool(directory / SPOOL))
        return "this user does not exist" + (f"; {kept} message(s) on disk go with it" if kept else "")
    if read_spool(directory / SPOOL):
        # Linked or not: the next start brings them into the database.
        return ""
    used_at = last_used(directory)
    if sweep.now - used_at <= timedelta(seconds=sweep.settings.janitor.disconnected_after_seconds):
        return ""
    if read_device(directory / STORE) is not None:
        return ""
    return f"no number is linked, and unused since {local_text(used_at)}"


def _delete_old(sweep: Sweep, quarantine: Quarantine) -> None:
    if sweep.apply:
        quarantine.finish_deleting()
    days = sweep.settings.janitor.quarantine_days
    for entry in quarantine.expired(timedelta(days=days), sweep.now):
        if sweep.apply:
            quarantine.delete(entry)
        reason = f"moved aside on {entry.moved_at:%Y-%m-%d}, more than {days} days ago ({entry.reason})"
        sweep.report(ActionKind.DIRECTORY_DELETED, entry.name, entry.user_id, reason)
