"""Recognises a mistyped word. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_MOST_SLIPS = 2

# How people spell by ear, in the order the rules apply: "orario", "embio", "caveza", "hacecito".
_SOUNDS = (
    ("ch", "x"),
    ("sh", "x"),
    ("ph", "f"),
    ("h", ""),
    ("v", "b"),
    ("z", "s"),
    ("ce", "se"),
    ("ci", "si"),
    ("qu", "k"),
    ("q", "k"),
    ("c", "k"),
    ("ge", "je"),
    ("gi", "ji"),
    ("ll", "y"),
    ("mb", "nb"),
    ("mp", "np"),
)
_DOUBLED = re.compile(r"(.)\1+")


@lru_cache(maxsize=8192)
def sound(word: str) -> str:
    """A folded word as it sounds in Spanish, where spellings by ear meet ("orario", "horario")."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    return _DOUBLED.sub(r"\1", word)


class Speller:
    """Knows a set of folded words, and which of them a mistyped word may be."""

    def __init__(self, known: Iterable[str]) -> None:
        self._by_sound: dict[str, list[str]] = {}
        self._by_start: dict[tuple[str, int], list[str]] = {}
        for word in known:
            self._by_sound.setdefault(sound(word), []).append(word)
            self._by_start.setdefault((word[0], len(word)), []).append(word)

    def guess(self, word: str) -> dict[str, float]:
        """The known words `word` may be mistyped for, with the likeness of each (`typo_likeness`)."""
        near = range(len(word) - _MOST_SLIPS, len(word) + _MOST_SLIPS + 1)
        candidates = [*self._by_sound.get(sound(word), ())]
        candidates += (known for length in near for known in self._by_start.get((word[0], length), ()))
        guesses = {known: typo_likeness(word, known) for known in candidates}
        return {known: likeness for known, likeness in guesses.items() if likeness}


def typo_likeness(word: str, known: str) -> float:
    """How surely a word is `known` mistyped, from 0 (it is not) to 1.

    It is when it sounds the same, or lies one slip away (two in long words). A slip is a letter missing,
    added or changed, or two neighbours swapped. The shorter the word, the more real words lie one slip apart.
    """
    shorter = min(len(word), len(known))
    if shorter < 4:
        return 0.0
    if sound(word) == sound(known):
        return 0.9
    if word[0] != known[0]:
        return 0.0
    if sorted(word) == sorted(known) and _within_distance(word, known, 1):
        return 0.8
    if shorter >= 5 and _within_distance(word, known, 1):
        return 0.85 if shorter >= 7 else 0.5
    return 0.6 if shorter >= 8 and _within_distance(word, known, _MOST_SLIPS) else 0.0


def _within_distance(left: str, right: str, limit: int) -> bool:
    """Whether the optimal string alignment distance is `limit` at most; found a row at a time."""
    if abs(len(left) - len(right)) > limit:
        return False
    before_last: list[int] = []
    last = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and (letter, left[row - 2]) == (right[column - 2], other):
                cost = min(cost, before_last[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return False
        before_last, last = last, current
    return last[-1] <= limit
