"""What every session of this configuration is doing: the truth from the lock, the rest from the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee
from peewee import SQL

from wabot.answers.spending import spending_on
from wabot.clock import HOUR, utc_now
from wabot.config.machine import Configuration, configurations
from wabot.config.settings import Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.send_queue import OPEN_STATES, UNDELIVERED_STATES
from wabot.conversation.sources import Notice
from wabot.database.address import sqlite_file
from wabot.database.engine import open_database
from wabot.database.models import Inbound, Outbound, Session, database
from wabot.errors import WabotError
from wabot.inbound.spool import read_spool
from wabot.link.states import STOPPED, TERMINAL_STATES, State
from wabot.privileges.unit_end import ended_since
from wabot.session.lock import is_held
from wabot.session.lock_holder import Holder, read_holder
from wabot.system import units as hints
from wabot.whatsapp.messages import NOT_RECEIVED_KINDS, Kind

UNKNOWN = "unknown"
NEVER_RAN = "it never ran"
_FIELDS = (
    "name",
    "user_id",
    "state",
    "reason",
    "since",
    "pid",
    "host",
    "jid",
    "phone",
    "qr",
    "qr_expires_at",
    "pair_code",
    "unstable_cycles",
    "inbox_pending",
    "outbox_pending",
    "outbox_dead",
    "last_inbound_at",
    "last_reply_at",
    "undecryptable",
)
# For people only: the fields for programs are fixed.
LOST = "lost"
COLLECTED = "collected"
KEPT = "kept"
MODELS = "models"


def all_sessions(settings: Settings, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every session that is configured beside this one, and this one first.

    Args:
        settings: of the configuration in use.
        environ: the process environment.
    """
    first_of: dict[Path, str] = {}
    return [_status_of(configuration, first_of) for configuration in configurations(settings, environ)]


def session_status(settings: Settings, name: str) -> dict[str, Any]:
    """One session as `wabot status --json` prints it, and more for people; times are ISO-8601 UTC.

    Args:
        settings: its configuration; the database is open.
        name: what the session is called, after its configuration file.
    """
    user_id = settings.account.user_id
    held = is_held(settings.session_lock)
    holder = read_holder(settings.session_lock) if held else None
    if not database.table_exists("wabot_sessions"):
        return unknown_status(settings, name, NEVER_RAN, ended_since(settings.file, None))
    session = Session.get_or_none(Session.user_id == user_id) or Session(user_id=user_id)
    state = state_of(session, holder) if held else STOPPED
    pairing = state == State.PAIRING
    later = ended_since(settings.file, session.updated_at) if state == STOPPED else ""
    inbox, outbox = Inbox(user_id), Outbox(user_id)
    return {
        "name": name,
        "user_id": user_id,
        "state": state,
        "reason": _reasons(settings, _reason(session, state), later),
        "since": _iso(session.since),
        "pid": holder.pid if holder else None,
        "host": holder.host if holder else None,
        "jid": session.jid or None,
        "phone": session.phone or None,
        "qr": session.qr if pairing else None,
        "qr_expires_at": _iso(session.qr_expires_at) if pairing else None,
        "pair_code": session.pair_code if pairing else None,
        "unstable_cycles": session.unstable_cycles,
        "inbox_pending": inbox.pending_count(),
        "outbox_pending": outbox.count(OPEN_STATES),
        "outbox_dead": outbox.count(UNDELIVERED_STATES),
        "last_inbound_at": _iso(_later(session.last_inbound_at, _last_inbound_at(user_id))),
        "last_reply_at": _iso(_later(session.last_reply_at, outbox.last_sent_at())),
        "undecryptable": inbox.undecryptable_count(),
        LOST: _lost_count(user_id),
        COLLECTED: _collected_count(user_id),
        KEPT: _kept_count(user_id) if settings.ai.providers else 0,
        MODELS: [
            *([session.models_trouble] if session.models_trouble and held else []),
            *(
                f"{spending}{', spent' if spending.is_spent else ''}"
                for spending in spending_on(settings, settings.account.local_time().date())
            ),
        ],
    }


def unknown_status(settings: Settings, name: str, *reasons: str) -> dict[str, Any]:
    """A session whose database cannot be asked: only the lock can tell."""
    held = is_held(settings.session_lock)
    holder = read_holder(settings.session_lock) if held else None
    return dict.fromkeys(_FIELDS) | {
        "name": name,
        "user_id": settings.account.user_id,
        "state": UNKNOWN if held else STOPPED,
        "reason": _reasons(settings, *reasons),
        "pid": holder.pid if holder else None,
        "host": holder.host if holder else None,
    }


def _status_of(configuration: Configuration, first_of: dict[Path, str]) -> dict[str, Any]:
    """One of several; `first_of` holds, of each session, the name of the configuration that it is told of."""
    settings, name, problem = configuration.settings, configuration.name, configuration.problem
    if settings and (first := first_of.setdefault(settings.session_lock, name)) != name:
        problem = f"{first}.toml is for user {configuration.user_id}, too; give this one a user_id of its own"
    if settings is None or problem:
        known = {"name": name, "user_id": configuration.user_id or None}
        return dict.fromkeys(_FIELDS) | known | {"state": UNKNOWN, "reason": problem}
    file = sqlite_file(settings.database.url)
    if file is not None and not file.exists():
        # Looking must not make a database; as root it would even belong to the wrong user.
        return unknown_status(settings, name, NEVER_RAN, ended_since(settings.file, None))
    try:
        opened = open_database(settings.database.url)
        try:
            return session_status(settings, name)
        finally:
            opened.close()
    except (WabotError, peewee.DatabaseError, peewee.InterfaceError) as error:
        return unknown_status(settings, name, str(error), *_without_database(settings))


def state_of(session: Session, holder: Holder | None) -> str:
    """What the living process is doing; what an earlier one wrote does not count."""
    written_at = session.updated_at
    if holder and (written_at is None or written_at < holder.since.replace(tzinfo=None)):
        return State.STARTING
    return str(session.state)


def _reason(session: Session, state: str) -> str:
    if state == STOPPED and session.state not in (STOPPED, *TERMINAL_STATES):
        return f"the process ended without a word; it was {str(session.state).replace('_', ' ')}"
    return str(session.reason) if state == session.state or state == STOPPED else ""


def _without_database(settings: Settings) -> list[str]:
    """What can be said of a bot all the same, and done for it."""
    cure = f"what to do: {hints.command('doctor', settings.file)}"
    if not is_held(settings.session_lock):
        return [cure]
    holder = read_holder(settings.session_lock)
    shown = f": systemctl status {holder.unit} shows its state" if holder and holder.unit else ""
    return [f"the bot runs{shown}", cure]


def _reasons(settings: Settings, *reasons: str) -> str:
    """Messages that came while the database was away, and are not there yet, are worth a word, too."""
    try:
        kept = len(read_spool(settings.spool))
    except OSError:
        # Somebody else's file: whoever may not look is not told.
        kept = 0
    messages = f"{kept} message{'' if kept == 1 else 's'} kept on disk" if kept else ""
    return "; ".join(part for part in (*reasons, messages) if part)


def _lost_count(user_id: str) -> int:
    """How many messages of the history only the client library ever had."""
    count: int = Inbound.select().where(Inbound.user_id == user_id, Inbound.kind == Kind.LOST).count()
    return count


def _last_inbound_at(user_id: str) -> datetime | None:
    """From the history, which outlives the session's row: a reset empties that, a backup may have none.

    And what was kept on disk while the database was away may have come there after another start.
    """
    theirs = (
        (Inbound.user_id == user_id) & (Inbound.state != "owner") & Inbound.kind.not_in(NOT_RECEIVED_KINDS)
    )
    # And not the maximum: that is looked for in all of them.
    last = Inbound.select(Inbound.received_at).where(theirs).order_by(Inbound.received_at.desc()).first()
    return last.received_at if last else None


def _later(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _kept_count(user_id: str) -> int:
    """How many questions wait for a model: they were tried, and their customers got an apology."""
    # For each of the few that wait: an apology is one of many replies.
    apologized = Outbound.select(SQL("1")).where(
        Outbound.chat == Inbound.chat,
        Outbound.created_at >= utc_now() - HOUR,
        Outbound.source == Notice.APOLOGY,
    )
    tried = (Inbound.user_id == user_id) & (Inbound.state == "pending") & (Inbound.attempts > 0)
    count: int = Inbound.select().where(tried, peewee.fn.EXISTS(apologized)).count()
    return count


def _collected_count(user_id: str) -> int:
    """How many notes to the owner still wait for what else there may be to tell."""
    waits = (Outbound.source == Notice.UNANSWERED) & (Outbound.not_before > utc_now())
    count: int = (
        Outbound.select().where(Outbound.user_id == user_id, Outbound.state == "pending", waits).count()
    )
    return count


def report(sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole answer of `wabot status --json`."""
    return {
        "sessions": [{name: session[name] for name in _FIELDS} for session in sessions],
        "ok": bool(sessions) and all(session["state"] == State.CONNECTED for session in sessions),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.replace(microsecond=0).isoformat() + "Z" if moment else None
