"""Checks of the configuration's secrets and of who may read the bot's files."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from wabot.config import load_settings
from wabot.diagnosis import Finding, Patient, healthy, illness
from wabot.errors import ConfigError

_OTHERS = stat.S_IRWXO
_GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_secrets(patient: Patient) -> list[Finding]:
    """Whether every secret that the configuration refers to can be had."""
    try:
        load_settings(patient.file, patient.environ)
    except ConfigError as error:
        store = f"/etc/credstore/{patient.file.stem if patient.file else 'wabot'}.NAME"
        cure = (
            f"put it where the setting says; a credential: sudo install -m 600 /dev/stdin {store} "
            "(type it, then Ctrl-D); run this as root, who alone can look there"
        )
        return [illness("secrets", problem, cure) for problem in error.problems]
    return [healthy("secrets", "all at hand")]


def check_permissions(patient: Patient) -> list[Finding]:
    """Whether anybody else may read keys, messages or passwords."""
    findings = [
        illness(
            "permissions", f"{path} can be read by others ({stat.filemode(mode)})", f"sudo chmod {fix} {path}"
        )
        for path, mode, fix in _too_open(patient)
    ]
    return findings or [healthy("permissions", "keys, messages and secrets are private")]


def _too_open(patient: Patient) -> Iterator[tuple[Path, int, str]]:
    settings = patient.settings
    for path, forbidden, fix in (
        *((path, _OTHERS, "o=") for path in _secret_files(patient)),
        (settings.paths.state, _GROUP_AND_OTHERS, "700"),
        (settings.sessions, _GROUP_AND_OTHERS, "700"),
        (settings.session_directory, _GROUP_AND_OTHERS, "700"),
        (settings.session_store, _GROUP_AND_OTHERS, "600"),
        (settings.paths.state / "wabot.db", _GROUP_AND_OTHERS, "600"),
        (settings.quarantine, _GROUP_AND_OTHERS, "700"),
    ):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & forbidden:
            yield path, mode, fix


def _secret_files(patient: Patient) -> Iterator[Path]:
    """Files with secrets in them: the configuration, if a password stands in it, and what it refers to."""
    if patient.file is None:
        return
    yield patient.file.with_suffix(".env")
    try:
        text = patient.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines():
        setting, _, value = line.partition("=")
        value = value.strip().strip("\"'")
        if setting.lstrip().startswith("#"):
            continue
        if value.startswith("file:"):
            yield Path(value.removeprefix("file:")).expanduser()
        elif "://" in value and ":" in value.partition("://")[2].rpartition("@")[0]:
            yield patient.file
