"""What every session of this configuration is doing: the truth from the lock, the rest from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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
from wabot.errors import WabotError
from wabot.inbound.spool import read_spool
from wabot.link.states import STOPPED, TERMINAL_STATES, State
from wabot.privileges.root_queries import show_unit
from wabot.session.lock import Holder, is_held, read_holder
from wabot.system import units
from wabot.system.terminal import printable
from wabot.whatsapp.messages import NOT_RECEIVED_KINDS, MessageKind

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
# Of a process, as systemd calls them.
_STARTED, _ENDED, _EXIT_STATUS = "ExecMainStartTimestamp", "ExecMainExitTimestamp", "ExecMainStatus"
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
    cure = f"what to do: {units.command('doctor', settings.file)}"
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
    count: int = Inbound.select().where(Inbound.user_id == user_id, Inbound.kind == MessageKind.LOST).count()
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


_MOST_IN_FULL = 10


def as_table(sessions: list[dict[str, Any]]) -> str:
    """Every session, as `all_sessions` found it: of several the total first, and then what is wrong.

    Of many, each that works is one line.
    """
    working = [session for session in sessions if session["state"] == State.CONNECTED]
    others = [session for session in sessions if session["state"] != State.CONNECTED]
    lines = [_total(sessions)] if len(sessions) > 1 else []
    for session in others:
        lines += _whole(session)
    for session in working:
        lines += _whole(session) if len(sessions) <= _MOST_IN_FULL else [_in_one_line(session)]
    return "\n".join(lines)


def _total(sessions: list[dict[str, Any]]) -> str:
    states = Counter(str(session["state"]).replace("_", " ") for session in sessions)
    each = ", ".join(f"{number} {state}" for state, number in states.most_common())
    return f"{len(sessions)} numbers: {each}; {_work(sessions)}"


def _work(sessions: list[dict[str, Any]]) -> str:
    """What there is to do in all of them, as far as it is known."""
    sums = (
        (text, sum(session[name] or 0 for session in sessions))
        for text, name in (
            ("to answer", "inbox_pending"),
            ("to send", "outbox_pending"),
            ("not delivered", "outbox_dead"),
        )
    )
    return ", ".join(f"{text}: {number}" for text, number in sums)


def _in_one_line(session: dict[str, Any]) -> str:
    reason = f" ({session['reason']})" if session["reason"] else ""
    return printable(f"{_head(session)}{reason}; {_work([session])}")


def _head(session: Mapping[str, Any]) -> str:
    who = f" as +{session['phone']}" if session["phone"] and session["state"] == State.CONNECTED else ""
    since = f" since {_moment(session, 'since')}" if session["since"] and session["pid"] else ""
    return f"{session['name']}: {session['state']}{who}{since}"


def _whole(session: Mapping[str, Any]) -> list[str]:
    lines = [printable(f"{_head(session)}{_process(session)}")]
    if session["reason"]:
        lines.append(f"  {printable(session['reason'])}")
    lines.append(
        f"  to answer: {_number(session['inbox_pending'])}{_until_a_model(session.get(KEPT))}"
        f"   to send: {_number(session['outbox_pending'])}{_of_them(session.get(COLLECTED))}"
        f"   not delivered: {_number(session['outbox_dead'])}"
    )
    if session.get(LOST):
        lines.append(f"  lost in the client library, customers asked to repeat: {session[LOST]}")
    if session["undecryptable"]:
        lines.append(f"  could not be decrypted, or kept from linked devices: {session['undecryptable']}")
    lines.append(f"  last message: {_moment(session, 'last_inbound_at')}")
    lines.append(f"  last reply:   {_moment(session, 'last_reply_at')}")
    return [*lines, *(f"  {printable(line)}" for line in session.get(MODELS, ()))]


def _process(session: Mapping[str, Any]) -> str:
    return f" (pid {session['pid']} on {session['host']})" if session["pid"] else ""


def _moment(session: Mapping[str, Any], name: str) -> str:
    if session[name]:
        return local_text(datetime.fromisoformat(session[name]), "%Y-%m-%d %H:%M:%S")
    asked = session["inbox_pending"] is not None or str(session["reason"]).startswith(NEVER_RAN)
    return "never" if asked else "?"


def _until_a_model(kept: int | None) -> str:
    return f" (of them {kept} kept until a model answers)" if kept else ""


def _of_them(collected: int | None) -> str:
    return f" (of them {collected} to you, collected for five minutes)" if collected else ""


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)


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
