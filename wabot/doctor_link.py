"""Checks what the bot itself says: of its link while it runs, of its end afterwards."""

from __future__ import annotations

from typing import Any

from wabot.diagnosis import Finding, Patient, ask_database, healthy, illness
from wabot.errors import OperatorNeeded
from wabot.models import Session
from wabot.session_lock import is_held
from wabot.states import State


def check_link(patient: Patient) -> list[Finding]:
    """Whether the bot is on the line, or will be soon by itself; and why the last one ended."""
    session = ask_database(patient, lambda _: _recorded(patient.settings.account.user_id))
    try:
        held = is_held(patient.settings.session_lock)
    except OperatorNeeded:
        # What is wrong with the lock is said by the check of it.
        return []
    if session is None:
        return []
    return _live(patient, session) if held else _ended(patient, session)


def _live(patient: Patient, session: Any) -> list[Finding]:
    cures: dict[str, str] = {
        State.PAIRING: f"sudo systemctl stop {patient.unit}, then {patient.command('pair')}, "
        f"then {patient.start}",
        State.BACKOFF: f"sudo journalctl -u {patient.unit} -n 20; and {patient.command('doctor --online')}",
        State.BANNED: "wait: the bot dials again by itself; then answer fewer people in a day",
        State.COOLDOWN: "look for another program on this number (phone: Linked devices), and stop it",
    }
    said = f"{session.state} since {session.since:%Y-%m-%d %H:%M} UTC" if session.since else session.state
    if session.state not in cures:
        return [healthy("link", said)]
    reason = f": {session.reason}" if session.reason else ""
    return [illness("link", said + reason, cures[session.state])]


def _ended(patient: Patient, session: Any) -> list[Finding]:
    cures: dict[str, str] = {
        State.REPLACED: "stop the other program on this number (phone: Linked devices), then "
        f"sudo systemctl start {patient.unit}",
        State.LOGGED_OUT: patient.command("pair"),
        State.PAIRING_EXPIRED: patient.command("pair"),
        State.OUTDATED: "install the newest wabot: git pull && sudo scripts/install",
        State.FAILED: f"sudo journalctl -u {patient.unit} -n 50",
    }
    if session.state not in cures:
        return []
    name = "second holder" if session.state == State.REPLACED else "last end"
    return [illness(name, f"the bot ended as {session.state}: {session.reason}", cures[session.state])]


def _recorded(user_id: str) -> Any:
    return Session.get_or_none(Session.user_id == user_id)
