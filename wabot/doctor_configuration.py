"""Checks of the configuration's secrets and of who may read the bot's files."""

from __future__ import annotations

import os

from wabot.config import load_settings
from wabot.diagnosis import Finding, Patient, healthy, illness
from wabot.errors import ConfigError
from wabot.private_files import open_files


def check_secrets(patient: Patient) -> list[Finding]:
    """Whether every secret that the configuration refers to can be had."""
    try:
        load_settings(patient.file, patient.environ)
    except ConfigError as error:
        # Root alone can look where credentials are kept.
        cure = f"put it there, then: sudo systemctl restart {patient.unit}"
        if os.geteuid():
            cure = f"{patient.command('doctor')}, which can look there; or {cure}"
        return [illness("secrets", problem, cure) for problem in error.problems]
    return [healthy("secrets", "all at hand")]


def check_permissions(patient: Patient) -> list[Finding]:
    """Whether anybody else may read keys, messages or passwords."""
    findings = [illness("permissions", str(found), found.cure) for found in open_files(patient.settings)]
    return findings or [healthy("permissions", "keys, messages and secrets are private")]
