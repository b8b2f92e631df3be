"""Checks what the bot itself says: of its link while it runs, of its end afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from wabot.clock import local_text
from wabot.config.machine import configurations
from wabot.config.settings import STORE, lock_file
from wabot.database.models import Session
from wabot.doctor.finding import Examined, Finding, ask_database, healthy, problem
from wabot.errors import OperatorNeeded
from wabot.link.states import State
from wabot.session.directories import session_names
from wabot.session.lock import borrowed, is_held, read_holder
from wabot.session.logged_out import is_of_log_out
from wabot.session.quarantine import Quarantine
from wabot.status.sessions import state_of
from wabot.system.masking import mask_phone
from wabot.system.units import UPGRADE, command, unit_of
from wabot.whatsapp.store import read_device

# wabot dials afresh by then, or the library does.
_LONGEST_DIAL = timedelta(minutes=2)


def check_link(examined: Examined) -> list[Finding]:
    """Whether the bot is on the line, or will be soon by itself; and why the last one ended."""
    session = ask_database(examined, lambda _: _recorded(examined.settings.account.user_id))
    try:
        held = is_held(examined.settings.session_lock)
    except OperatorNeeded:
        # What is wrong with the lock is said by the check of it.
        return []
    if session is None:
        return []
    if not held:
        return _ended(examined, session)
    if state_of(session, read_holder(examined.settings.session_lock)) != session.state:
        return [healthy("link", "whoever holds the session has not said anything yet")]
    return _live(examined, session)


def _live(examined: Examined, session: Any) -> list[Finding]:
    cures: dict[str, str] = {
        State.PAIRING: f"sudo systemctl stop {examined.unit}, then {examined.command('pair')}, "
        f"then {examined.start}",
        State.BACKOFF: f"sudo journalctl -u {examined.unit} -n 20; and {examined.command('doctor --online')}",
        State.BANNED: "wait: the bot dials again by itself; then answer fewer people in a day",
        State.NO_ROOM: "df -h; free some space, and the bot dials again by itself",
        State.COOLDOWN: "look for another program on this number (phone: Linked devices), and stop it",
    }
    if examined.now - (session.since or examined.now) > _LONGEST_DIAL:
        cures |= dict.fromkeys((State.CONNECTING, State.RECONNECTING), cures[State.BACKOFF])
    said = f"{session.state} since {local_text(session.since)}" if session.since else session.state
    if session.state == State.CONNECTED and session.reason:
        # There is nothing else to say of a link that is up.
        return [healthy("link", said), problem("clock", session.reason, "sudo timedatectl set-ntp true")]
    if session.state not in cures:
        return _others_on_the_number(examined, session.phone) or [healthy("link", said)]
    reason = f": {session.reason}" if session.reason else ""
    found = [problem("link", said + reason, cures[session.state])]
    first = f"sudo systemctl stop {examined.unit}, then "
    return [*found, *links_nobody_uses(examined, first)] if session.state == State.PAIRING else found


def _others_on_the_number(examined: Examined, phone: str) -> list[Finding]:
    """Bots that run beside this one and are linked to its number: WhatsApp allows several devices."""
    user_id = examined.settings.account.user_id
    same = (Session.phone == phone) & (Session.phone != "") & (Session.user_id != user_id)
    known = ask_database(examined, lambda _: {each.user_id for each in Session.select().where(same)}) or set()
    return [
        problem(
            "link",
            f"{other.name} is linked to {mask_phone(phone)} as well: customers get every answer twice",
            f"sudo systemctl stop {unit_of(other.settings.file)}, then "
            f"{command('reset', other.settings.file)}; or so with this one",
        )
        for other in configurations(examined.settings, examined.environ)
        if other.settings is not None and other.user_id in known and is_held(other.settings.session_lock)
    ]


def links_nobody_uses(examined: Examined, first: str = "") -> list[Finding]:
    """Linked sessions that no configuration is for: whoever changes `user_id` leaves one behind.

    Args:
        examined: the bot.
        first: what has to be done before such a session can be used.
    """
    place, user_id = examined.settings.sessions, examined.settings.account.user_id
    used = {each.user_id for each in configurations(examined.settings, examined.environ)}
    # One that cannot be read may be for any user.
    strangers = [] if "" in used else session_names(place)
    beside = [
        problem(
            "other session",
            f"{number} is linked for user {name}, whom no configuration here names; was user_id changed?",
            # It may as well have been that of another configuration.
            f'if that is the number of this bot: {first}user_id = "{name}" in {examined.configuration}',
        )
        for name in strangers
        if name not in used and (number := _unused_number(place, name))
    ]
    aside = [
        problem(
            "other session",
            f"its linked session was moved aside on {local_text(entry.moved_at)}: {entry.reason}",
            f"to use that one: {first}{examined.command(f'janitor --restore {entry.name}')}",
        )
        for entry in Quarantine(examined.settings.quarantine, place).entries()
        if entry.user_id == user_id and not is_of_log_out(entry) and _is_linked(entry.session)
    ]
    return beside + aside


def _unused_number(place: Path, user_id: str) -> str:
    """The number that a session is linked to, for people; "" where there is none, or a process uses it."""
    try:
        with borrowed(lock_file(place, user_id)) as free:
            device = read_device(place / user_id / STORE) if free else None
    except OperatorNeeded:
        return ""
    return mask_phone(device.phone) if device else ""


def _is_linked(directory: Path) -> bool:
    try:
        return read_device(directory / STORE) is not None
    except OperatorNeeded:
        return False


def _ended(examined: Examined, session: Any) -> list[Finding]:
    cures: dict[str, str] = {
        State.REPLACED: "stop the other program on this number (phone: Linked devices), then "
        f"sudo systemctl start {examined.unit}",
        State.LOGGED_OUT: examined.command("pair"),
        State.PAIRING_EXPIRED: examined.command("pair"),
        State.OUTDATED: UPGRADE,
        State.FAILED: f"sudo journalctl -u {examined.unit} -n 50",
    }
    if session.state not in cures:
        return []
    name = "second holder" if session.state == State.REPLACED else "last end"
    return [problem(name, f"the bot ended as {session.state}: {session.reason}", cures[session.state])]


def _recorded(user_id: str) -> Any:
    return Session.get_or_none(Session.user_id == user_id)
