"""Finds the passages that answer a question: SQLite FTS5 in memory, with a score that says how sure it is."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wabot.brain.concepts import CONCEPT_WORDS, concepts_in, concepts_of
from wabot.brain.words import is_typo, stem, terms, words

_MAX_QUESTION_CHARACTERS = 1000
_MAX_QUESTION_WORDS = 32
_MAX_TYPO_TARGETS = 6

# How much a match counts next to the customer's very word.
_CONCEPT_WEIGHT = 0.8
_TYPO_WEIGHT = 0.75
# A passage in another language than the question's is worth less than one the customer can read.
_OTHER_LANGUAGE_WEIGHT = 0.75
# A word of the question that no passage knows speaks against all of them, but people also chat.
_HEAVIEST_WORD = 2.2
# Of a word's worth, the part for occurring at all; the rest goes by how much the passage is about it (bm25).
_PRESENCE_SHARE = 0.55


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the knowledge base: its heading, its text (Markdown), its file, and how well it fits.

    `score` runs from 0 to 1: the share of the question's meaning that the passage covers.
    """

    title: str
    text: str = field(repr=False)
    source: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """What goes into the index for one passage: `context` are the headings above its own."""

    title: str
    context: str
    text: str
    source: str
    language: str


class SearchIndex:
    """An index over a fixed set of entries; not for two threads at once: the caller takes turns."""

    def __init__(self, entries: Sequence[Entry]) -> None:
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
        self._stems = frozenset(stem(word) for word in self._vocabulary)

    def __len__(self) -> int:
        return len(self._entries)

    def close(self) -> None:
        """Free the memory of the index."""
        self._database.close()

    def search(self, question: str, language: str | None, limit: int) -> list[Passage]:
        """Return up to `limit` passages, best first, those in `language` preferred; scores include that."""
        scores: dict[int, float] = {}
        total = 0.0
        for alternatives in self._meanings(question):
            matches = self._match(alternatives)
            rarity = math.log(1 + (len(self._entries) - len(matches) + 0.5) / (len(matches) + 0.5))
            weight = min(rarity, _HEAVIEST_WORD)
            total += weight
            for row, strength in matches.items():
                scores[row] = scores.get(row, 0.0) + weight * strength
        if not scores:
            return []
        for row in scores:
            scores[row] /= total
            if language and self._entries[row].language not in ("", language):
                scores[row] *= _OTHER_LANGUAGE_WEIGHT
        best = sorted(scores, key=lambda row: (-scores[row], row))[:limit]
        return [self._passage(row, scores[row]) for row in best]

    def _passage(self, row: int, score: float) -> Passage:
        entry = self._entries[row]
        return Passage(entry.title or entry.context, entry.text, entry.source, round(min(score, 1.0), 4))

    def _meanings(self, question: str) -> Iterable[dict[str, float]]:
        """For each word of the question, the index terms it may stand for, with their weights."""
        asked = words(question[:_MAX_QUESTION_CHARACTERS])[:_MAX_QUESTION_WORDS]
        seen: set[str] = set()
        for word in asked:
            key = stem(word)
            if key in seen:
                continue
            seen.add(key)
            alternatives = {_concept_term(concept): _CONCEPT_WEIGHT for concept in concepts_of(key)}
            if key in self._stems:
                alternatives[key] = 1.0
            if not alternatives:
                alternatives = self._typo_meanings(word)
            yield alternatives

    def _typo_meanings(self, word: str) -> dict[str, float]:
        known = [candidate for candidate in self._vocabulary if is_typo(word, candidate)]
        alternatives = {stem(candidate): _TYPO_WEIGHT for candidate in sorted(known)[:_MAX_TYPO_TARGETS]}
        for candidate in CONCEPT_WORDS:
            if is_typo(word, candidate):
                for concept in concepts_of(stem(candidate)):
                    alternatives[_concept_term(concept)] = _TYPO_WEIGHT * _CONCEPT_WEIGHT
        return alternatives

    def _match(self, alternatives: dict[str, float]) -> dict[int, float]:
        """Return for each passage that holds one of the terms how strongly it does, from 0 to 1."""
        strengths: dict[int, float] = {}
        for term, weight in alternatives.items():
            # FTS5's bm25() is better the more negative it is; the title counts most.
            rows = self._database.execute(
                "SELECT rowid, -bm25(passages, 6.0, 2.0, 1.0) FROM passages WHERE passages MATCH ?",
                (f'"{term}"',),
            ).fetchall()
            best = max((relevance for _, relevance in rows), default=0.0)
            for row, relevance in rows:
                share = relevance / best if best > 0 else 1.0
                strength = weight * (_PRESENCE_SHARE + (1 - _PRESENCE_SHARE) * share)
                strengths[row] = max(strengths.get(row, 0.0), strength)
        return strengths


def _indexed(text: str) -> str:
    return " ".join([*terms(text), *(_concept_term(concept) for concept in concepts_in(text))])


def _concept_term(concept: str) -> str:
    # No word of a text holds an underscore, so a concept never meets a word of its name.
    return f"_{concept}"
