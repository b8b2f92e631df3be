"""Examines a bot from its configuration to its unit, and names each illness with what cures it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from wabot.config.machine import settings_in_unit
from wabot.config.settings import Settings
from wabot.config.toml_file import PUT_SUDO
from wabot.doctor.configuration import check_permissions, check_secrets, check_texts
from wabot.doctor.database import check_database
from wabot.doctor.finding import Examined, Finding, healthy, problem
from wabot.doctor.library import check_libmagic, check_neonize
from wabot.doctor.link import check_link
from wabot.doctor.machine import (
    check_clock,
    check_disk,
    check_unit,
    check_whatsapp,
)
from wabot.doctor.models import check_budget, check_providers
from wabot.doctor.monitoring import check_alerts, check_metrics
from wabot.doctor.session import check_holder, check_leftovers, check_spool, check_store
from wabot.doctor.transcribers import check_transcribers
from wabot.errors import ConfigError
from wabot.system import units

_Checks = tuple[Callable[[Examined], list[Finding]], ...]

_CHECKS: _Checks = (
    check_secrets,
    check_permissions,
    check_texts,
    check_database,
    check_holder,
    check_link,
    check_store,
    check_spool,
    check_leftovers,
    check_providers,
    check_transcribers,
    check_budget,
    check_metrics,
    check_alerts,
    check_unit,
    check_neonize,
    check_libmagic,
    check_clock,
    check_disk,
    check_whatsapp,
)
_CHECKS_WITHOUT_CONFIGURATION: _Checks = (check_unit, check_neonize, check_libmagic, check_clock)


def examine(file: Path | None, environ: Mapping[str, str], now: datetime, *, online: bool) -> list[Finding]:
    """Make every check that the configuration allows; nothing is changed.

    Args:
        file: the configuration, None when there is none.
        environ: the process environment.
        now: naive UTC.
        online: whether to ask WhatsApp and models on other machines.
    """
    try:
        settings = settings_in_unit(file, environ, all_secrets=False)
    except ConfigError as error:
        findings = [problem("configuration", wrong, _cure(wrong, file)) for wrong in error.problems]
        checks, settings = _CHECKS_WITHOUT_CONFIGURATION, Settings()
    else:
        findings = [healthy("configuration", settings.source)]
        checks = _CHECKS
    examined = Examined(file, settings, environ, now, online)
    return [*findings, *(finding for check in checks for finding in check(examined))]


def _cure(problem: str, file: Path | None) -> str:
    if problem.endswith(PUT_SUDO):
        return f"sudo {units.command('doctor', file).removeprefix('sudo ')}"
    return f"edit {file or 'the configuration'}, then: {units.command('check-config', file)}"
