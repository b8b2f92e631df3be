"""Checks how much of the day's budget the models have left."""

from __future__ import annotations

import peewee

from wabot.database import open_database
from wabot.database_address import sqlite_file
from wabot.diagnosis import Finding, Patient, healthy, illness
from wabot.dialogue import local_time
from wabot.errors import WabotError
from wabot.model_spending import Spending, limits_of, spending_on


def check_budget(patient: Patient) -> list[Finding]:
    """Each limit that is set; nothing when none is, or when the database cannot be asked, which is told."""
    settings = patient.settings
    file = sqlite_file(settings.database.url)
    if not limits_of(settings) or (file is not None and not file.exists()):
        return []
    try:
        database = open_database(settings.database.url)
    except WabotError:
        return []
    try:
        spending = spending_on(settings, local_time(settings).date())
    except (peewee.DatabaseError, peewee.InterfaceError):
        return []
    finally:
        database.close()
    return [_judge(each, patient) for each in spending]


def _judge(spending: Spending, patient: Patient) -> Finding:
    if not spending.is_spent:
        return healthy("ai budget", str(spending))
    name = spending.limit.provider
    where = f"[[ai.providers]] {name}" if name else "[ai]"
    cure = (
        f"raise calls_per_day or tokens_per_day of {where} in {patient.configuration}, or wait for midnight"
    )
    return illness("ai budget", f"{spending}: spent, so it is not asked", cure)
