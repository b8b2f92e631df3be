"""Checks of the configuration's secrets and of who may read the bot's files."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path

from wabot.brain.knowledge.base import left_out, links_that_lead_nowhere, list_files
from wabot.config.machine import settings_in_unit
from wabot.config.settings import Settings
from wabot.doctor.finding import Examined, Finding, healthy, problem
from wabot.errors import ConfigError
from wabot.session.private_files import open_files
from wabot.system.files import read_plain

_LARGEST_TEXT_BYTES = 10_000_000


def check_secrets(examined: Examined) -> list[Finding]:
    """Whether every secret that the configuration refers to can be had."""
    try:
        settings_in_unit(examined.file, examined.environ)
    except ConfigError as error:
        # Root alone can look where credentials are kept.
        cure = f"put it there, then: sudo systemctl restart {examined.unit}"
        if os.geteuid():
            cure = f"{examined.command('doctor')}, which can look there; or {cure}"
        return [problem("secrets", wrong, cure) for wrong in error.problems]
    return [healthy("secrets", "all at hand")]


def check_texts(examined: Examined) -> list[Finding]:
    """Whether the service can read its configuration and what it is to answer from: root, who asks, can."""
    folder, findings = examined.settings.ai.knowledge, []
    for path in unreadable_texts(examined.settings):
        # In the folder all at once: a folder within it may be what is closed.
        what = folder if folder and path.is_relative_to(folder) else path
        findings.append(problem("texts", f"{path} cannot be read by the bot", _let_read(what)))
    for path, left in left_out(folder):
        if os.access(path, os.R_OK, effective_ids=True):
            cure = left.cure or "make it anew, or take it away"
            findings.append(problem("texts", f"{path} is left out: {left.why}", cure))
    for told in links_that_lead_nowhere(folder):
        is_closed = told.endswith(os.strerror(errno.EACCES))
        cure = "put the file beside the texts, or take the link out of the text"
        findings.append(problem("texts", told, _let_read(folder) if folder and is_closed else cure))
    if (persona := examined.settings.ai.system_prompt_file) and _is_of_another_encoding(persona):
        findings.append(
            problem("texts", f"{persona} is no UTF-8 text, so it is left out", "save it as UTF-8")
        )
    return findings or [healthy("texts", "can be read by the bot")]


def _let_read(what: Path) -> str:
    quoted = shlex.quote(str(what))
    return f"sudo chgrp -R wabot {quoted} && sudo chmod -R g+rX {quoted}"


def unreadable_texts(settings: Settings) -> list[Path]:
    """The texts that the user of the service cannot read, whoever asks; the configuration is one of them."""
    texts = [*_texts(settings), *filter(None, [settings.file])]
    return [path for path in texts if not os.access(path, os.R_OK, effective_ids=True)]


def _is_of_another_encoding(path: Path) -> bool:
    try:
        read_plain(path, _LARGEST_TEXT_BYTES, through_links=True).decode("utf-8")
    except UnicodeDecodeError:
        return True
    except OSError:
        # That it cannot be read is said already.
        return False
    return False


def _texts(settings: Settings) -> list[Path]:
    ai = settings.ai
    texts = [path for path, _, _ in list_files(ai.knowledge)] if ai.knowledge else []
    return [*texts, *filter(None, [ai.system_prompt_file])]


def check_permissions(examined: Examined) -> list[Finding]:
    """Whether anybody else may read keys, messages or passwords, and whether all is the bot's own."""
    findings = [problem("permissions", str(found), found.cure) for found in open_files(examined.settings)]
    findings += _of_somebody_else(examined.settings.paths.state)
    return findings or [healthy("permissions", "keys, messages and secrets are private")]


def _of_somebody_else(state: Path) -> list[Finding]:
    """What in the state directory is not its owner's: root, who looks, may open it; the bot may not."""
    if not state.is_dir():
        return []
    state = state.resolve()
    owner = state.stat().st_uid
    found = [path for path in state.rglob("*") if _owner(path, owner) != owner]
    if not found:
        return []
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    cure = f"sudo chown -R --reference={shlex.quote(str(state))} {shlex.quote(str(state))}"
    return [problem("permissions", f"{found[0]} belongs to another user than {state}{more}", cure)]


def _owner(path: Path, otherwise: int) -> int:
    """Whose a file is; of one that is gone meanwhile, or of the file system itself, `otherwise`."""
    try:
        return otherwise if path.name == "lost+found" else path.lstat().st_uid
    except FileNotFoundError:
        return otherwise
