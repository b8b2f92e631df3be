"""Finds the passages that answer a question, with the lines that do, and a score that says how sure it is."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from wabot.brain.conversation import estimate_tokens
from wabot.brain.knowledge.facts import TextFact, facts_of, said_with
from wabot.brain.knowledge.search.subjects import subjects_in, subjects_in_heading
from wabot.brain.knowledge.search.terms import stem, words
from wabot.brain.knowledge.search.understanding import Understanding
from wabot.brain.knowledge.search.weighing import MAJOR_WEIGHT, Surroundings, Unit, weigh

# So many sections are looked at fact by fact, those first that hold most of what is asked; and so many are
# kept taken apart for the next question.
_SECTIONS_COMPARED, _SECTIONS_REMEMBERED = 24, 512
# A passage in another language than the question's is worth less than one the customer can read.
_OTHER_LANGUAGE_WEIGHT = 0.85
# Facts of a section that fit nearly as well as its best are said with it.
_SAID_TOGETHER = 0.86


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the knowledge base: its heading, its text (Markdown), its file, and how well it fits.

    Attributes:
        title: the heading.
        text: in Markdown.
        source: the file.
        score: from 0 to 1, the share of the question's meaning that the passage covers.
        answer: the lines of the text that answer.
    """

    title: str
    text: str = field(repr=False)
    source: str
    score: float = 0.0
    answer: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What goes into the index for one passage: `context` are the headings above its own."""

    title: str
    context: str
    text: str
    source: str
    language: str


class SearchIndex:
    """An index over a fixed set of entries; safe to share by threads."""

    def __init__(self, entries: Sequence[IndexEntry]) -> None:
        self._entries = tuple(entries)
        self._sections_of: dict[str, array[int]] = {}
        vocabulary: set[str] = set()
        for row, entry in enumerate(self._entries):
            vocabulary.update(words(entry.title), words(entry.context), words(entry.text))
            for term in _terms_of(entry.text) | _heading_terms(entry.title) | _heading_terms(entry.context):
                self._sections_of.setdefault(term, array("I")).append(row)
        self._tokens = sum(estimate_tokens(f"{entry.title}\n{entry.text}") for entry in self._entries)
        self._understanding = Understanding(self._sections_of, len(self._entries), frozenset(vocabulary))
        self._taken_apart = lru_cache(_SECTIONS_REMEMBERED)(self._take_apart)

    def whole(self, most_tokens: int) -> tuple[Passage, ...]:
        """All sections in the order of their files, if a model counts no more for them; else none."""
        if self._tokens > most_tokens:
            return ()
        return tuple(
            Passage(entry.title or entry.context, entry.text, entry.source) for entry in self._entries
        )

    def search(self, question: str, language: str | None, limit: int) -> list[Passage]:
        """Up to `limit` passages, best first, those in `language` preferred; scores include that."""
        units = self._understanding.units_of(question)
        held: dict[int, float] = {}
        for unit in units:
            for row in {row for term in unit.terms for row in self._sections_of.get(term, ())}:
                held[row] = held.get(row, 0.0) + unit.weight
        likely = sorted(held, key=lambda row: (-held[row], row))[:_SECTIONS_COMPARED]
        return self._best(likely, units, language)[:limit]

    def on_subject(self, subject: str, question: str, language: str | None) -> Passage | None:
        """The best passage whose facts or heading name a subject, if the question names it; else None."""
        term = f"_{subject}"
        if term not in subjects_in(question, words(question)):
            return None
        rows = self._sections_of.get(term, ())[:_SECTIONS_COMPARED]
        return next(iter(self._best(rows, [Unit({term: 1.0}, MAJOR_WEIGHT, subject)], language)), None)

    def _best(self, rows: Iterable[int], units: Sequence[Unit], language: str | None) -> list[Passage]:
        found = [(self._passage(row, units, language), row) for row in rows]
        return [
            passage
            for passage, _ in sorted(found, key=lambda each: (-each[0].score, each[1]))
            if passage.score
        ]

    def _passage(self, row: int, units: Sequence[Unit], language: str | None) -> Passage:
        """A section as an answer to a question: what of it answers, and how well the best of that does."""
        entry = self._entries[row]
        facts, surroundings = self._taken_apart(row)
        scores = [weigh(units, around) for around in surroundings]
        readable = not language or entry.language in ("", language)
        score = min(max(scores, default=0.0), 1.0) * (1.0 if readable else _OTHER_LANGUAGE_WEIGHT)
        answer = said_with(facts, scores, _SAID_TOGETHER)
        return Passage(entry.title or entry.context, entry.text, entry.source, round(score, 4), answer)

    def _take_apart(self, row: int) -> tuple[list[TextFact], list[Surroundings]]:
        """The facts of a section, and the terms that stand in and around each."""
        entry = self._entries[row]
        facts = facts_of(entry.text)
        heading, upper = _heading_terms(entry.title), _heading_terms(entry.context)
        listed = subjects_in(entry.text, ()) & {"=catalogue"}
        spoken = [_terms_of(fact.text) for fact in facts]
        section = frozenset[str]().union(*spoken)
        lines: dict[int, frozenset[str]] = {}
        for fact, terms in zip(facts, spoken, strict=True):
            lines[fact.line] = lines.get(fact.line, frozenset()) | terms
        return facts, [
            Surroundings(
                label=_terms_of(fact.label),
                fact=terms | listed if "=price" in terms else terms,
                heading=heading | _heading_terms(fact.question),
                line=lines[fact.line],
                upper=upper,
                # Each question with its answer stands for itself.
                section=frozenset() if fact.question else section,
            )
            for fact, terms in zip(facts, spoken, strict=True)
        ]


def _heading_terms(text: str) -> frozenset[str]:
    """What a heading can be asked by: the stems of its words, and its subjects."""
    said = words(text)
    return frozenset(map(stem, said)) | subjects_in_heading(text, said) if text else frozenset()


def _terms_of(text: str) -> frozenset[str]:
    """What a text can be asked by: the stems of its words, and its subjects."""
    said = set(words(text))
    return frozenset(map(stem, said)) | subjects_in(text, said) if text else frozenset()
