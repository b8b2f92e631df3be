"""Finds the passages that answer a question: SQLite FTS5 in memory, with a score that says how sure it is."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wabot.brain.knowledge.spelling import Speller
from wabot.brain.knowledge.synonyms import CONCEPT_WORDS, concepts_asked, concepts_in, concepts_of
from wabot.brain.knowledge.terms import stem, terms, words

_MAX_QUESTION_CHARACTERS = 1000
_MAX_QUESTION_WORDS = 32

# How much a match counts next to the customer's very word in a heading.
_CONCEPT_WEIGHT = 0.9
_BODY_WEIGHT = 0.75
# A passage in another language than the question's is worth less than one the customer can read.
_OTHER_LANGUAGE_WEIGHT = 0.75
# Shares that only order passages of like worth: how much a passage is about a word (bm25), and how much of
# its heading was asked for.
_RELEVANCE_SHARE = 0.1
_HEADING_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the knowledge base: its heading, its text (Markdown), its file, and how well it fits.

    Attributes:
        title: the heading.
        text: in Markdown.
        source: the file.
        score: from 0 to 1, the share of the question's meaning that the passage covers.
    """

    title: str
    text: str = field(repr=False)
    source: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What goes into the index for one passage: `context` are the headings above its own."""

    title: str
    context: str
    text: str
    source: str
    language: str


class SearchIndex:
    """An index over a fixed set of entries; not for two threads at once: the caller takes turns."""

    def __init__(self, entries: Sequence[IndexEntry]) -> None:
        self._entries = tuple(entries)
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute(
            "CREATE VIRTUAL TABLE passages USING fts5"
            "(title, context, body, tokenize=\"unicode61 remove_diacritics 2 tokenchars '_'\")"
        )
        self._database.executemany(
            "INSERT INTO passages (rowid, title, context, body) VALUES (?, ?, ?, ?)",
            (
                (row, _indexed(entry.title), _indexed(entry.context), _indexed(entry.text))
                for row, entry in enumerate(self._entries)
            ),
        )
        self._vocabulary = frozenset(
            word
            for entry in self._entries
            for text in (entry.title, entry.context, entry.text)
            for word in words(text)
        )
        self._speller = Speller(self._vocabulary | CONCEPT_WORDS)
        self._stems = frozenset(stem(word) for word in self._vocabulary)
        self._heading_terms = tuple(_heading_terms(entry.title) for entry in self._entries)

    def close(self) -> None:
        """Free the memory of the index."""
        self._database.close()

    def search(self, question: str, language: str | None, limit: int) -> list[Passage]:
        """Up to `limit` passages, best first, those in `language` preferred; scores include that."""
        scores: dict[int, float] = {}
        asked: set[str] = set()
        total = 0.0
        for alternatives in self._meanings(question):
            matches = self._match(alternatives)
            asked.update(alternatives)
            weight = self._weight(len(matches))
            total += weight
            for row, strength in matches.items():
                scores[row] = scores.get(row, 0.0) + weight * strength
        if not scores:
            return []
        for row in scores:
            scores[row] *= (1 - _HEADING_SHARE * (1 - self._heading_coverage(row, asked))) / total
            if language and self._entries[row].language not in ("", language):
                scores[row] *= _OTHER_LANGUAGE_WEIGHT
        best = sorted(scores, key=lambda row: (-scores[row], row))[:limit]
        return [self._passage(row, scores[row]) for row in best]

    def _passage(self, row: int, score: float) -> Passage:
        entry = self._entries[row]
        return Passage(entry.title or entry.context, entry.text, entry.source, round(min(score, 1.0), 4))

    def _weight(self, matches: int) -> float:
        """What a word counts: 1 when no passage holds it, else by its rarity (the idf of BM25)."""
        if not matches:
            return 1.0
        rarity = math.log(1 + (len(self._entries) - matches + 0.5) / (matches + 0.5))
        return 0.6 + 0.3 * min(rarity, 3.0)

    def _meanings(self, question: str) -> Iterable[dict[str, float]]:
        """For each word of the question, the index terms it may stand for, with their weights."""
        asked = words(question[:_MAX_QUESTION_CHARACTERS])[:_MAX_QUESTION_WORDS]
        seen: set[str] = set()
        for word in asked:
            key = stem(word)
            if key in seen:
                continue
            seen.add(key)
            alternatives = {_concept_term(concept): _CONCEPT_WEIGHT for concept in concepts_of(word)}
            if key in self._stems:
                alternatives[key] = 1.0
            if not alternatives:
                alternatives = self._typo_meanings(word)
            yield alternatives
        for concept in concepts_asked(question):
            yield {_concept_term(concept): _CONCEPT_WEIGHT}

    def _typo_meanings(self, word: str) -> dict[str, float]:
        alternatives: dict[str, float] = {}
        for known, likeness in self._speller.guess(word).items():
            meant = {_concept_term(concept): _CONCEPT_WEIGHT for concept in concepts_of(known)}
            if known in self._vocabulary:
                meant[stem(known)] = 1.0
            for term, weight in meant.items():
                alternatives[term] = max(alternatives.get(term, 0.0), likeness * weight)
        return alternatives

    def _match(self, alternatives: dict[str, float]) -> dict[int, float]:
        """How strongly each passage holds one of the terms, from 0 to 1; without those that hold none."""
        strengths: dict[int, float] = {}
        for term, weight in alternatives.items():
            in_title = {row for row, _ in self._rows_with(f'title : "{term}"')}
            # FTS5's bm25() is better the more negative it is.
            rows = self._rows_with(f'"{term}"')
            best = max((relevance for _, relevance in rows), default=0.0)
            for row, relevance in rows:
                share = relevance / best if best > 0 else 1.0
                strength = weight * (1.0 if row in in_title else _BODY_WEIGHT)
                strength *= 1 - _RELEVANCE_SHARE * (1 - share)
                strengths[row] = max(strengths.get(row, 0.0), strength)
        return strengths

    def _rows_with(self, expression: str) -> list[tuple[int, float]]:
        return self._database.execute(
            "SELECT rowid, -bm25(passages, 6.0, 2.0, 1.0) FROM passages WHERE passages MATCH ?", (expression,)
        ).fetchall()

    def _heading_coverage(self, row: int, asked: set[str]) -> float:
        heading = self._heading_terms[row]
        return sum(not asked.isdisjoint(terms) for terms in heading) / len(heading) if heading else 0.0


def _indexed(text: str) -> str:
    return " ".join([*terms(text), *(_concept_term(concept) for concept in concepts_in(text))])


def _heading_terms(title: str) -> tuple[frozenset[str], ...]:
    """For each word of a heading, the terms it can be asked by."""
    return tuple(
        frozenset((stem(word), *(_concept_term(concept) for concept in concepts_of(word))))
        for word in words(title)
    )


def _concept_term(concept: str) -> str:
    # No word of a text holds an underscore, so a concept never meets a word of its name.
    return f"_{concept}"
