"""Checks how much of the day's budget the models have left."""

from __future__ import annotations

from wabot.answers.spending import Spending, limits_of, spending_on
from wabot.doctor.finding import Finding, Patient, ask_database, healthy, illness


def check_budget(patient: Patient) -> list[Finding]:
    """Each limit that is set; nothing when none is, or when the database cannot be asked, which is told."""
    settings = patient.settings
    if not limits_of(settings):
        return []
    today = settings.account.local_time().date()
    spending = ask_database(patient, lambda _: spending_on(settings, today))
    return [_judge(each, patient) for each in spending or ()]


def _judge(spending: Spending, patient: Patient) -> Finding:
    if not spending.is_spent:
        return healthy("ai budget", str(spending))
    where = f"{spending.limit.section} in {patient.configuration}"
    cure = f"raise calls_per_day or tokens_per_day of {where}, or wait for midnight"
    return illness("ai budget", f"{spending}: spent, so it is not asked", cure)
