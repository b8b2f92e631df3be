"""The days that a text or a question speaks of, in three languages. Pure."""

from __future__ import annotations

import re

_DAY_WORDS = (
    "lunes segunda segundas monday mondays mon",
    "martes terca tercas tuesday tuesdays tue tues",
    "miercoles quarta quartas wednesday wednesdays wed",
    "jueves quinta quintas thursday thursdays thu thurs thur",
    "viernes sexta sextas friday fridays fri",
    "sabado sabados saturday saturdays sat",
    "domingo domingos sunday sundays sun",
)
_DAYS = {word: day for day, spelt in enumerate(_DAY_WORDS) for word in spelt.split()}
_SAID_HOLIDAYS = """
    festivo festivos feriado feriados holiday holidays navidad natal christmas easter
"""
_HOLIDAYS = frozenset(_SAID_HOLIDAYS.split())
_SAID_WEEKEND = """
    finde findes weekend weekends
"""
_WEEKEND = frozenset(_SAID_WEEKEND.split())
_NAMED = _WEEKEND | _HOLIDAYS | _DAYS.keys()
_HINTS = (" semana", "dias", "day", "daily", "diariamente", "domingo")
_DAY_RANGE = re.compile(
    r"([a-z]{3,9})(?:-feira)?s?\.?(?:\s?[-–—]\s?| a | to | ate | until | till | hasta | through )([a-z]{3,9})"
)
_EVERY_DAY = re.compile(
    r"todos (?:los|os) dias|every day|daily|7 days|diariamente|lunes a domingo|segunda a domingo"
)
_WEEKDAYS = re.compile(r"entre semana|dias de semana|dias uteis|weekdays")
_SOON = re.compile(r"\b(?:hoy|manana|ahora|ahorita|hoje|amanha|agora|today|tonight|tomorrow|now)\b")


def days_in(folded: str) -> frozenset[str]:
    """The days a folded text speaks of, ranges included, as terms: "=day0" is Monday, "=holiday"."""
    said = _NAMED.intersection(re.findall(r"[a-z]{3,}", folded))
    days = {_DAYS[word] for word in said if word in _DAYS}
    if days:
        for first, last in _DAY_RANGE.findall(folded):
            if first in _DAYS and last in _DAYS:
                span = (_DAYS[last] - _DAYS[first]) % 7
                days |= {(_DAYS[first] + step) % 7 for step in range(span + 1)}
    if any(hint in folded for hint in _HINTS):
        if _EVERY_DAY.search(folded):
            days |= set(range(7))
        if _WEEKDAYS.search(folded):
            days |= set(range(5))
        if "fin de semana" in folded or "fim de semana" in folded:
            days |= {5, 6}
    if not _WEEKEND.isdisjoint(said):
        days |= {5, 6}
    terms = {f"=day{day}" for day in days}
    return frozenset(terms | {"=holiday"}) if not _HOLIDAYS.isdisjoint(said) else frozenset(terms)


def day_words_in(folded: str) -> frozenset[str]:
    """The words of a folded text that are days, and may be names as well: "Quinta do Vale"."""
    return frozenset(word for word in re.findall(r"[a-z]+", folded) if word in _DAYS)


def asks_about_now(question: str) -> bool:
    """Whether a plain question is about today, tomorrow or this moment."""
    return bool(_SOON.search(question))
