"""Weighs how much of a question's meaning one fact covers, with what stands around it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wabot.brain.knowledge.search.subjects import FRAMES, MAJOR

# A subject of its own answers for the other words of a question; a second one counts little.
MAJOR_WEIGHT, MINOR_WEIGHT, FRAME_WEIGHT = 1.5, 1.1, 0.6
_SECOND_MAJOR_WEIGHT = 0.4

# How well a word is met by where it stands: as what a row is about, elsewhere in the fact, in the heading, in
# the same line, in a heading above that one, or elsewhere in the section.
_IN_LABEL, _IN_FACT, _IN_HEADING, _IN_LINE, _IN_UPPER_HEADING, _IN_SECTION = 1.0, 0.96, 0.95, 0.5, 0.5, 0.3
# "what classes do you have?" asks for all that is under "Classes", or in the sections under it.
_HEADS_LIST, _HEADS_LISTS = 1.15, 1.1
# A subject is spoken of where a word and what shows it (an amount, a time) meet.
_BOTH, _HEADING_ALONE, _WORD_ALONE, _SHOWN_ALONE, _ELSEWHERE = 1.0, 0.85, 0.8, 0.55, 0.3
# What shows these is hardly ever anything else.
_SHOWN_CLEARLY = frozenset(("place", "phone", "mail", "social", "catalogue"))
# Below this, what was met is chance: a question has to be about something that the fact is about.
_LEAST_ANCHOR = 0.5
_BY_CHANCE = 0.3


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a question means.

    Attributes:
        terms: what it may stand under, with how surely each is meant.
        weight: what it counts beside the others.
        kind: "word", "listed" for a word whose list is asked for, else the subject it is.
    """

    terms: Mapping[str, float]
    weight: float
    kind: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The terms of a fact, and of what stands around it.

    Attributes:
        label: what a row is about.
        fact: all of the fact.
        heading: over it, with the question that it answers.
        line: of the other sentences of its line.
        upper: of the headings above.
        section: of the other facts under its heading.
    """

    label: frozenset[str]
    fact: frozenset[str]
    heading: frozenset[str]
    line: frozenset[str]
    upper: frozenset[str]
    section: frozenset[str]


def weigh(units: Iterable[Unit], around: Surroundings) -> float:
    """The share of a question's meaning that a fact covers, from 0 to about 1."""
    met = total = anchor = 0.0
    majors: list[float] = []
    for unit in units:
        if unit.kind in MAJOR:
            majors.append(_subject_strength(unit.kind, around))
            continue
        if unit.kind in ("word", "listed"):
            strength = _word_strength(unit, around)
            anchor += unit.weight * strength if strength > _IN_LINE else 0.0
        else:
            strength = _subject_strength(unit.kind, around)
            anchor += unit.weight * strength if unit.kind not in FRAMES else 0.0
        met += unit.weight * strength
        total += unit.weight
    for number, strength in enumerate(sorted(majors, reverse=True)):
        weight = _SECOND_MAJOR_WEIGHT if number else MAJOR_WEIGHT
        met += weight * strength
        total += weight
        anchor += weight * strength if strength >= _SHOWN_ALONE else 0.0
    return met / total if anchor >= _LEAST_ANCHOR else _BY_CHANCE * met / max(total, 1.0)


def _word_strength(unit: Unit, around: Surroundings) -> float:
    if unit.kind == "listed":
        if not unit.terms.keys().isdisjoint(around.heading):
            return _HEADS_LIST
        if not unit.terms.keys().isdisjoint(around.upper):
            return _HEADS_LISTS
    places: tuple[tuple[frozenset[str], float], ...] = (
        (around.label, _IN_LABEL),
        (around.fact, _IN_FACT),
        (around.heading, _IN_HEADING),
        (around.line, _IN_LINE),
        (around.upper, _IN_UPPER_HEADING),
        (around.section, _IN_SECTION),
    )
    return max(
        (
            surely * next((worth for place, worth in places if term in place), 0.0)
            for term, surely in unit.terms.items()
        ),
        default=0.0,
    )


def _subject_strength(subject: str, around: Surroundings) -> float:
    named, shown = f"_{subject}", f"={subject}"
    is_headed = named in around.heading or (subject == "tender" and "_payment" in around.heading)
    is_named = named in around.fact
    if shown in around.fact and (is_named or is_headed):
        return _BOTH
    if is_headed:
        return _BOTH if is_named else _HEADING_ALONE
    if is_named:
        return _WORD_ALONE
    if shown in around.fact:
        return _BOTH if subject in FRAMES else _WORD_ALONE if subject in _SHOWN_CLEARLY else _SHOWN_ALONE
    return _ELSEWHERE if named in around.line or named in around.section or named in around.upper else 0.0
