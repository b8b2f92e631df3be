"""Checks of the session: who holds it, whether it is paired, what dead things lie about."""

from __future__ import annotations

import os

from wabot.clock import local_text
from wabot.config.machine import of_the_same_user
from wabot.doctor.finding import Examined, Finding, ask_database, healthy, problem
from wabot.doctor.link import links_nobody_uses
from wabot.errors import OperatorNeeded
from wabot.inbound.spool import SET_ASIDE, read_spool
from wabot.janitor.run import clean
from wabot.janitor.sweep import ActionKind, Cleanup
from wabot.privileges.root_queries import processes_with_open_files
from wabot.session.host_lock import holder_on_any_machine
from wabot.session.lock import borrowed, is_held, read_holder
from wabot.system.masking import mask_phone
from wabot.system.units import UPGRADE
from wabot.whatsapp.store import read_device, store_is_newer

_LEFTOVERS = (
    ActionKind.ROW_DELETED,
    ActionKind.ROW_CORRECTED,
    ActionKind.DIRECTORY_MOVED,
    ActionKind.DIRECTORY_DELETED,
)
_SHOWN_LEFTOVERS = 3


def check_holder(examined: Examined) -> list[Finding]:
    """Whether exactly one process can be on the number."""
    settings = examined.settings
    try:
        held = is_held(settings.session_lock)
    except OperatorNeeded as error:
        return [problem("session lock", str(error), f"sudo chown -R wabot: {settings.paths.state}")]
    holder = read_holder(settings.session_lock) if held else None
    findings = [*_same_user_twice(examined), *_intruders(examined, holder.pid if holder else None)]
    if not held:
        findings += _holder_elsewhere(examined)
    who = f"held by {holder}" if holder else "held" if held else "free: no bot runs"
    return findings or [healthy("session lock", who)]


def check_store(examined: Examined) -> list[Finding]:
    """Whether the session is linked to a number, and its store in order; a living bot's is not opened."""
    settings = examined.settings
    try:
        with borrowed(settings.session_lock) as free:
            if not free:
                return [healthy("session store", "in use by the bot that runs")]
            device = read_device(settings.session_store)
            newer = store_is_newer(settings.session_store)
    except OperatorNeeded as error:
        return [
            problem("session store", str(error), f"{examined.command('reset')}, then link the number again")
        ]
    if newer:
        return [problem("session store", "it was written by a newer client library than this one", UPGRADE)]
    if device is None:
        unlinked = problem("session store", "no number is linked", examined.command("pair"))
        return [unlinked, *links_nobody_uses(examined)]
    return [healthy("session store", f"linked as {mask_phone(device.phone)}")]


def check_spool(examined: Examined) -> list[Finding]:
    """Whether messages wait on the disk, because the database did not take them."""
    spool, held = examined.settings.spool, False
    try:
        kept = read_spool(spool)
        held = is_held(examined.settings.session_lock)
    except (OSError, OperatorNeeded) as error:
        return [problem("kept messages", f"{spool}: {error}", f"sudo chown -R wabot: {spool.parent}")]
    findings = []
    if kept:
        cure = f"sudo journalctl -u {examined.unit} -n 20" if held else examined.start
        since = min(spooled.received_at for spooled in kept)
        text = f"{len(kept)} wait on disk since {local_text(since)}, because the database took none"
        findings.append(problem("kept messages", text, cure))
    damaged = spool.with_name(spool.name + SET_ASIDE)
    if damaged.exists():
        text = f"{damaged} has messages that could not be read or stored"
        findings.append(problem("kept messages", text, f"less {damaged}; when it is seen to: rm {damaged}"))
    return findings or [healthy("kept messages", "none: the database has them all")]


def check_leftovers(examined: Examined) -> list[Finding]:
    """What the janitor would clean."""
    actions: list[Cleanup] = []
    outcome = ask_database(
        examined,
        lambda database: clean(
            examined.settings, examined.environ, database, examined.now, apply=False, tell=actions.append
        ),
    )
    if outcome is None:
        return []
    dead = [action for action in actions if action.kind in _LEFTOVERS]
    if not dead:
        return [healthy("leftovers", "none")]
    shown = "; ".join(
        f"{action.target} of {action.user_id}: {action.reason}" for action in dead[:_SHOWN_LEFTOVERS]
    )
    more = f"; and {len(dead) - _SHOWN_LEFTOVERS} more" if len(dead) > _SHOWN_LEFTOVERS else ""
    return [problem("leftovers", f"{shown}{more}", examined.command("janitor --apply"))]


def _same_user_twice(examined: Examined) -> list[Finding]:
    user_id = examined.settings.account.user_id
    return [
        problem(
            "second holder",
            f"{other}.toml is for user {user_id} as well: two bots would fight for one number",
            f"give each configuration a user_id of its own, or remove {other}.toml",
        )
        for other in of_the_same_user(examined.settings, examined.environ)
    ]


def _holder_elsewhere(examined: Examined) -> list[Finding]:
    """A bot on another machine that uses the same database."""
    holder = ask_database(examined, lambda _: holder_on_any_machine(examined.settings.account.user_id))
    if not holder:
        return []
    text = f"another machine has this session: {holder}"
    cure = f"stop it there; or leave it to that one: sudo systemctl disable --now {examined.unit}"
    return [problem("second holder", text, cure)]


def _intruders(examined: Examined, holder_pid: int | None) -> list[Finding]:
    """Processes that use the session's files without its lock."""
    found = []
    for pid in processes_with_open_files(examined.settings.session_directory):
        if pid not in (holder_pid, os.getpid()):
            text = f"process {pid} has files of this session open without holding its lock"
            found.append(problem("second holder", text, f"see what it is: ps -fp {pid}; stop it: kill {pid}"))
    return found
