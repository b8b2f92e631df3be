"""Understands a question: the subjects it names, and the words that say of what, each with its weight."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace

from wabot.brain.knowledge.search.days import asks_about_now, day_words_in, days_in
from wabot.brain.knowledge.search.phrases import OPENING_WORDS, phrases_in
from wabot.brain.knowledge.search.spelling import Speller
from wabot.brain.knowledge.search.subjects import FRAMES, MAJOR, QUALITIES, SUBJECT_WORDS, subjects_of
from wabot.brain.knowledge.search.terms import plain, stem, words
from wabot.brain.knowledge.search.weighing import FRAME_WEIGHT, MAJOR_WEIGHT, MINOR_WEIGHT, Unit

_MAX_QUESTION_CHARACTERS = 1000
_MAX_QUESTION_WORDS = 32

# What a word counts: by its rarity where the texts hold it; a number little, and hardly a quality that no
# text names.
_LEAST_WORD_WEIGHT, _RARITY_WEIGHT, _MOST_WORD_WEIGHT = 0.5, 0.5, 1.5
_UNKNOWN_WEIGHT, _UNKNOWN_SUBJECT_WEIGHT, _QUALITY_WEIGHT, _NUMBER_WEIGHT, _DAY_WEIGHT = (
    1.5,
    0.9,
    0.3,
    0.4,
    1.0,
)
# And beside a subject that answers for it.
_BESIDE_MAJOR, _UNKNOWN_BESIDE_MAJOR, _MOST_UNKNOWN_BESIDE_MAJOR = 0.4, 0.2, 0.5
_BY_SUBJECT, _BY_LIKE_SUBJECT = 0.9, 0.7
_SURELY_MISTYPED = 0.8
# Where goods go is never aside: "do you send to Portugal?" has another answer than "do you send?".
_NEVER_ASIDE = frozenset(("abroad", "country"))
_TENDER = frozenset(("tender",))
_EITHER = re.compile(r"\b(\w{3,}) (?:o|or|ou|u) (\w{3,})\b")


@dataclass(slots=True)
class _Reading:
    """What was read out of a question so far: its subjects, and its other words with what they may mean."""

    subjects: set[str]
    contents: dict[str, frozenset[str]] = field(default_factory=dict)
    asks_for_list: bool = False


class Understanding:
    """Understands questions about the texts with these terms; safe to share by threads.

    Args:
        sections_of: for each term of the texts, the sections that hold it.
        sections: how many there are.
        vocabulary: the folded words of the texts.
    """

    def __init__(self, sections_of: Mapping[str, Sized], sections: int, vocabulary: frozenset[str]) -> None:
        self._sections_of = sections_of
        self._sections = sections
        self._vocabulary = vocabulary
        self._speller = Speller(vocabulary | SUBJECT_WORDS)

    def units_of(self, question: str) -> list[Unit]:
        """What a question means; nothing for one without a word that says something."""
        asked = plain(question[:_MAX_QUESTION_CHARACTERS])
        named, rest = phrases_in(asked)
        reading = _Reading(set(named), asks_for_list="catalogue" in named)
        self._read_words(rest, reading)
        days = days_in(rest)
        if (
            (days or asks_about_now(asked))
            and not reading.subjects & (MAJOR | {"price"})
            and not reading.contents
        ):
            reading.subjects.add("hours")
        self._settle(asked, reading)
        has_major = not reading.subjects.isdisjoint(MAJOR)
        units = [_unit_of(subject) for subject in sorted(reading.subjects)]
        if days:
            # A day may be a name as well: "Quinta do Vale".
            terms = dict.fromkeys([*days, *map(stem, day_words_in(rest))], 1.0)
            is_aside = has_major and "hours" not in reading.subjects
            units.append(Unit(terms, _DAY_WEIGHT * (_BESIDE_MAJOR if is_aside else 1.0), "word"))
        return [*units, *self._word_units(rest, reading, has_major)]

    def _read_words(self, rest: str, reading: _Reading) -> None:
        """Read the words that no phrase took."""
        stems: set[str] = set()
        misspelt: dict[str, frozenset[str]] = {}
        for word in words(rest)[:_MAX_QUESTION_WORDS]:
            if stem(word) in stems or days_in(word):
                continue
            stems.add(stem(word))
            meant = subjects_of(word)
            if not meant and not self._knows(word) and not word.isdigit():
                misspelt[word] = self._misspelt_subjects(word)
            if meant & MAJOR == {"catalogue"} and self._knows(word):
                # "which services?" where a heading is called so.
                reading.subjects.add("catalogue")
                reading.asks_for_list = True
                reading.contents[word] = meant - {"catalogue"}
            elif direct := meant & (MAJOR | FRAMES | _TENDER):
                reading.subjects |= direct
            else:
                reading.contents[word] = meant
        if len(misspelt) == 1:
            # With another word that is unknown it is rather a real one: "sierra de mesa" is no "cierra".
            ((word, meant),) = misspelt.items()
            if direct := meant & (MAJOR | FRAMES):
                del reading.contents[word]
                reading.subjects |= direct
            else:
                reading.contents[word] = meant

    def _settle(self, asked: str, reading: _Reading) -> None:
        """Drop the subjects that others make needless."""
        subjects, contents = reading.subjects, reading.contents
        if "jobs" in subjects:
            reading.subjects, reading.contents = {"jobs"}, {}
            return
        names_known = any(self._knows(word) for word, meant in contents.items() if not meant)
        if "hours" in subjects and names_known and not OPENING_WORDS.search(asked):
            # "horario de yoga" asks when yoga is.
            subjects.remove("hours")
            subjects.add("when")
        if subjects & MAJOR != {"catalogue"} or any(
            self._knows(word) or self._speaks_of(meant) for word, meant in contents.items()
        ):
            subjects.discard("catalogue")
        else:
            subjects.discard("price")
        if subjects & MAJOR == {"payment"} and any(self._knows(word) for word in contents):
            # "do I have to pay a deposit?" asks about deposits.
            subjects.discard("payment")

    def _word_units(self, rest: str, reading: _Reading, has_major: bool) -> list[Unit]:
        units = {word: self._word_unit(word, meant, has_major) for word, meant in reading.contents.items()}
        for one, other in _EITHER.findall(rest):
            if one in units and other in units:
                either = units.pop(other)
                units[one] = Unit(
                    {**units[one].terms, **either.terms}, min(units[one].weight, either.weight), "word"
                )
        unknown = sum(unit.weight for unit in units.values() if not self._reaches(unit))
        share = (
            _MOST_UNKNOWN_BESIDE_MAJOR / unknown
            if has_major and unknown > _MOST_UNKNOWN_BESIDE_MAJOR
            else 1.0
        )
        return [
            replace(
                unit,
                weight=unit.weight * (1.0 if self._reaches(unit) else share),
                kind="listed" if reading.asks_for_list else "word",
            )
            for unit in units.values()
        ]

    def _word_unit(self, word: str, meant: frozenset[str], has_major: bool) -> Unit:
        aside = has_major and meant.isdisjoint(_NEVER_ASIDE)
        if word.isdigit():
            return Unit({stem(word): 1.0}, _NUMBER_WEIGHT if self._knows(word) else 0.0, "word")
        terms = _terms_for(meant)
        if self._knows(word):
            terms[stem(word)] = 1.0
        elif not subjects_of(word):
            terms |= self._misspelt_terms(word)
        found = max((len(self._sections_of.get(term, ())) for term in terms), default=0)
        if found:
            rarity = math.log((self._sections + 1) / found)
            weight = min(_LEAST_WORD_WEIGHT + _RARITY_WEIGHT * rarity, _MOST_WORD_WEIGHT)
            return Unit(terms, weight * (_BESIDE_MAJOR if aside else 1.0), "word")
        is_subject = meant and meant.isdisjoint(_NEVER_ASIDE)
        weight = (
            _QUALITY_WEIGHT
            if word in QUALITIES
            else _UNKNOWN_SUBJECT_WEIGHT
            if is_subject
            else _UNKNOWN_WEIGHT
        )
        return Unit(terms, weight * (_UNKNOWN_BESIDE_MAJOR if aside else 1.0), "word")

    def _reaches(self, unit: Unit) -> bool:
        return any(term in self._sections_of for term in unit.terms) or "_abroad" in unit.terms

    def _knows(self, word: str) -> bool:
        return stem(word) in self._sections_of

    def _speaks_of(self, subjects: Iterable[str]) -> bool:
        return any(f"_{subject}" in self._sections_of for subject in subjects)

    def _misspelt_subjects(self, word: str) -> frozenset[str]:
        """The subjects that a word which is in no text is surely mistyped for."""
        sure = [
            known for known, likeness in self._speller.guess(word).items() if likeness >= _SURELY_MISTYPED
        ]
        if any(known in self._vocabulary and not subjects_of(known) for known in sure):
            return frozenset()
        return frozenset().union(*map(subjects_of, sure))

    def _misspelt_terms(self, word: str) -> dict[str, float]:
        terms: dict[str, float] = {}
        for known, likeness in self._speller.guess(word).items():
            meant = _terms_for(subjects_of(known))
            if known in self._vocabulary:
                meant[stem(known)] = 1.0
            for term, surely in meant.items():
                terms[term] = max(terms.get(term, 0.0), likeness * surely)
        return terms


def _unit_of(subject: str) -> Unit:
    if subject in MAJOR:
        return Unit({f"_{subject}": 1.0, f"={subject}": 1.0}, MAJOR_WEIGHT, subject)
    if subject in FRAMES:
        return Unit({f"_{subject}": 1.0, f"={subject}": 1.0}, FRAME_WEIGHT, subject)
    if subject in _TENDER:
        return Unit({"_tender": 1.0, "_payment": 1.0}, MINOR_WEIGHT, subject)
    return Unit(_terms_for((subject,)), MINOR_WEIGHT, "word")


def _terms_for(subjects: Iterable[str]) -> dict[str, float]:
    """The terms under which a word of these subjects may be found, beside itself."""
    terms = {f"_{subject}": _BY_SUBJECT for subject in subjects}
    if terms.pop("_country", None):
        terms["_abroad"] = _BY_SUBJECT
    elif "_abroad" in terms:
        terms["_country"] = _BY_LIKE_SUBJECT
    return terms
