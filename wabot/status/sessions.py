"""What every session of this configuration is doing: the truth from the lock, the rest from the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee
from peewee import SQL

from wabot.answers.budget import spending_on
from wabot.clock import HOUR, local_text, utc_now
from wabot.config.machine import Configuration, configurations
from wabot.config.settings import Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import OPEN_STATES, UNDELIVERED_STATES, Outbox
from wabot.database.address import sqlite_file
from wabot.database.engine import open_database
from wabot.database.models import Inbound, Outbound, Session, database
from wabot.database.states import InboundState, OutboundState
from wabot.errors import WabotError
from wabot.inbound.spool import read_spool
from wabot.link.states import STOPPED, TERMINAL_STATES, State
from wabot.privileges.root_queries import show_unit
from wabot.session.lock import Holder, is_held, read_holder
from wabot.system import units
from wabot.whatsapp.messages import NOT_RECEIVED_KINDS, MessageKind

UNKNOWN = "unknown"
NEVER_RAN = "it never ran"
# The fields for programs are fixed.
_FOR_PEOPLE_ONLY = frozenset({"lost", "collected", "kept", "models"})
# Of a process, as systemd calls them.
_STARTED, _ENDED, _EXIT_STATUS = "ExecMainStartTimestamp", "ExecMainExitTimestamp", "ExecMainStatus"


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """What one session is doing; times are naive UTC, and None is what is not known, or not the case.

    Attributes:
        name: what it is called, after its configuration file.
        user_id: whose it is.
        state: that of the link while the bot runs, else `STOPPED`; or `UNKNOWN`.
        reason: why, for people.
        since: when it began.
        pid, host: the process that holds the session.
        jid, phone: the account that it is linked to.
        qr, qr_expires_at, pair_code: what links it, while a number is being linked.
        unstable_cycles: how often in a row the link came up and was cut at once.
        inbox_pending: how many messages wait for an answer.
        outbox_pending: how many replies wait to be sent.
        outbox_dead: how many were given up, or may not have arrived.
        last_inbound_at, last_reply_at: when the last message came, and the last reply left.
        undecryptable: how many messages could not be read.
        lost: how many messages only the client library ever had.
        collected: how many of the replies are notes to the owner that wait for more to tell.
        kept: how many of the messages wait because no model answers.
        models: what is to be said of the models, line by line.
    """

    name: str
    user_id: str | None
    state: str
    reason: str
    since: datetime | None = None
    pid: int | None = None
    host: str | None = None
    jid: str | None = None
    phone: str | None = None
    qr: str | None = None
    qr_expires_at: datetime | None = None
    pair_code: str | None = None
    unstable_cycles: int | None = None
    inbox_pending: int | None = None
    outbox_pending: int | None = None
    outbox_dead: int | None = None
    last_inbound_at: datetime | None = None
    last_reply_at: datetime | None = None
    undecryptable: int | None = None
    lost: int = 0
    collected: int = 0
    kept: int = 0
    models: Sequence[str] = ()

    @property
    def is_connected(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.state == State.CONNECTED

    def as_json(self) -> dict[str, Any]:
        """The same for programs; times are ISO-8601, UTC."""
        return {
            each.name: _plain(getattr(self, each.name))
            for each in fields(self)
            if each.name not in _FOR_PEOPLE_ONLY
        }


def all_sessions(settings: Settings, environ: Mapping[str, str]) -> list[SessionStatus]:
    """Every session that is configured beside this one, and this one first.

    Args:
        settings: of the configuration in use.
        environ: the process environment.
    """
    first_of: dict[Path, str] = {}
    return [_status_of(configuration, first_of) for configuration in configurations(settings, environ)]


def report(sessions: Sequence[SessionStatus]) -> dict[str, Any]:
    """The whole answer of `wabot status --json`."""
    return {
        "sessions": [session.as_json() for session in sessions],
        "ok": bool(sessions) and all(session.is_connected for session in sessions),
    }


def session_status(settings: Settings, name: str) -> SessionStatus:
    """What one session is doing, as its database knows it.

    Args:
        settings: its configuration; the database is open.
        name: what the session is called, after its configuration file.
    """
    user_id = settings.account.user_id
    held = is_held(settings.session_lock)
    holder = read_holder(settings.session_lock) if held else None
    if not database.table_exists("wabot_sessions"):
        return _unknown_status(settings, name, NEVER_RAN, ended_since(settings.file, None))
    session = Session.get_or_none(Session.user_id == user_id) or Session(user_id=user_id)
    state = state_of(session, holder) if held else STOPPED
    pairing = state == State.PAIRING
    later = ended_since(settings.file, session.updated_at) if state == STOPPED else ""
    inbox, outbox = Inbox(user_id), Outbox(user_id)
    return SessionStatus(
        name=name,
        user_id=user_id,
        state=state,
        reason=_reasons(settings, _reason(session, state), later),
        since=session.since,
        pid=holder.pid if holder else None,
        host=holder.host if holder else None,
        jid=session.jid or None,
        phone=session.phone or None,
        qr=session.qr if pairing else None,
        qr_expires_at=session.qr_expires_at if pairing else None,
        pair_code=session.pair_code if pairing else None,
        unstable_cycles=session.unstable_cycles,
        inbox_pending=inbox.pending_count(),
        outbox_pending=outbox.count(OPEN_STATES),
        outbox_dead=outbox.count(UNDELIVERED_STATES),
        last_inbound_at=_later(session.last_inbound_at, _last_inbound_at(user_id)),
        last_reply_at=_later(session.last_reply_at, outbox.last_sent_at()),
        undecryptable=inbox.undecryptable_count(),
        lost=_lost_count(user_id),
        collected=_collected_count(user_id),
        kept=_kept_count(user_id) if settings.ai.providers else 0,
        models=_models(settings, session.models_trouble if held else ""),
    )


def _unknown_status(settings: Settings, name: str, *reasons: str) -> SessionStatus:
    """What a session is doing whose database cannot be asked: only the lock can tell."""
    held = is_held(settings.session_lock)
    holder = read_holder(settings.session_lock) if held else None
    return SessionStatus(
        name=name,
        user_id=settings.account.user_id,
        state=UNKNOWN if held else STOPPED,
        reason=_reasons(settings, *reasons),
        pid=holder.pid if holder else None,
        host=holder.host if holder else None,
    )


def _status_of(configuration: Configuration, first_of: dict[Path, str]) -> SessionStatus:
    """What the session of one configuration is doing.

    Args:
        configuration: which.
        first_of: of each session lock, the configuration that it is told of; is added to.
    """
    settings, name, problem = configuration.settings, configuration.name, configuration.problem
    if settings and (first := first_of.setdefault(settings.session_lock, name)) != name:
        problem = f"{first}.toml is for user {configuration.user_id}, too; give this one a user_id of its own"
    if settings is None or problem:
        return SessionStatus(name, configuration.user_id or None, UNKNOWN, problem)
    file = sqlite_file(settings.database.url)
    if file is not None and not file.exists():
        # Looking must not make a database; as root it would even belong to the wrong user.
        return _unknown_status(settings, name, NEVER_RAN, ended_since(settings.file, None))
    try:
        opened = open_database(settings.database.url)
        try:
            return session_status(settings, name)
        finally:
            opened.close()
    except (WabotError, peewee.DatabaseError, peewee.InterfaceError) as error:
        return _unknown_status(settings, name, str(error), *_without_database(settings))


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
    """What can be said of a bot without its database, and what to do."""
    cure = f"what to do: {units.command('doctor', settings.file)}"
    if not is_held(settings.session_lock):
        return [cure]
    holder = read_holder(settings.session_lock)
    shown = f": systemctl status {holder.unit} shows its state" if holder and holder.unit else ""
    return [f"the bot runs{shown}", cure]


def _reasons(settings: Settings, *reasons: str) -> str:
    """These reasons, and how many messages are on the disk, because the database was away."""
    try:
        kept = len(read_spool(settings.spool))
    except OSError:
        # Somebody else's file: whoever may not look is not told.
        kept = 0
    messages = f"{kept} message{'' if kept == 1 else 's'} kept on disk" if kept else ""
    return "; ".join(part for part in (*reasons, messages) if part)


def _lost_count(user_id: str) -> int:
    """How many messages of the history only the client library ever had."""
    count: int = Inbound.select().where(Inbound.user_id == user_id, Inbound.kind == MessageKind.LOST).count()
    return count


def _last_inbound_at(user_id: str) -> datetime | None:
    """When the last message came, by the history.

    That outlives the session's row: a reset empties that, a backup may have none. And what was kept on disk
    while the database was away may have come there after another start.
    """
    theirs = (
        (Inbound.user_id == user_id)
        & (Inbound.state != InboundState.OWNER)
        & Inbound.kind.not_in(NOT_RECEIVED_KINDS)
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
    tried = (Inbound.user_id == user_id) & (Inbound.state == InboundState.PENDING) & (Inbound.attempts > 0)
    count: int = Inbound.select().where(tried, peewee.fn.EXISTS(apologized)).count()
    return count


def _collected_count(user_id: str) -> int:
    """How many notes to the owner still wait for what else there may be to tell."""
    waits = (Outbound.source == Notice.UNANSWERED) & (Outbound.not_before > utc_now())
    count: int = (
        Outbound.select()
        .where(Outbound.user_id == user_id, Outbound.state == OutboundState.PENDING, waits)
        .count()
    )
    return count


def _models(settings: Settings, trouble: str) -> list[str]:
    """What is to be said of the models: that none answers, and how much of the day's budget is spent."""
    today = settings.account.local_time().date()
    budget = [
        f"{spending}{', spent' if spending.is_spent else ''}"
        for spending in spending_on(settings.account, settings.ai, today)
    ]
    return [*([trouble] if trouble else []), *budget]


def ended_since(file: Path | None, recorded_at: datetime | None) -> str:
    """What to say of a process that was started later than the database knows, and has ended; or "".

    A configuration that cannot be used, or a database that is away, ends it before it could write why.

    Args:
        file: the configuration, None when there is none.
        recorded_at: when a process last wrote down how things are, naive UTC; None when none ever has.
    """
    if not units.in_unit(file):
        return ""
    unit = units.unit_of(file)
    shown = show_unit(unit, _STARTED, _ENDED, _EXIT_STATUS) or {}
    if shown.get(_EXIT_STATUS) == "0":
        # It ended in order, and so wrote down why; what it wrote may have been put aside since.
        return ""
    started_at, ended_at = _read_time(shown.get(_STARTED, "")), _read_time(shown.get(_ENDED, ""))
    if started_at is None or ended_at is None or (recorded_at is not None and started_at <= recorded_at):
        return ""
    return (
        f"a start ended on {local_text(ended_at, '%Y-%m-%d %H:%M:%S')} before it could say here why: "
        f"sudo journalctl -u {unit} -n 20"
    )


def _read_time(shown: str) -> datetime | None:
    """A time such as Sat 2026-11-28 22:50:58.123456 UTC, as naive UTC; None for what has not happened."""
    try:
        _, day, time, _ = shown.split()
        return datetime.fromisoformat(f"{day} {time}")
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    return value.replace(microsecond=0).isoformat() + "Z" if isinstance(value, datetime) else value
