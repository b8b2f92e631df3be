"""Judges whether what supports a claim is about what the answer speaks of, or about something else. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from wabot.brain.guard.statements import Assertion

Verdict = Literal["right", "wrong", "open"]

# So much less of what is spoken of is another thing.
_FAR_LESS = 0.5


class PriceTags:
    """Compares statements of one kind by the words they share with what is spoken of.

    Args:
        shown: the statements of that kind.
    """

    def __init__(self, shown: Iterable[Assertion]) -> None:
        self._shown = list(shown)
        counts: dict[str, int] = {}
        for statement in self._shown:
            for word in statement.around:
                counts[word] = counts.get(word, 0) + 1
        total = len(self._shown)
        self._weights = {word: math.log(1 + total / count) for word, count in counts.items()}

    def known(self, words: Iterable[str]) -> frozenset[str]:
        """Those of these words that are a statement's."""
        return frozenset(word for word in words if word in self._weights)

    def best(self, words: frozenset[str]) -> list[Assertion]:
        """The statements that share most with these words; none where they share nothing."""
        weights = [
            (self._weight(each.around & words), each) for each in self._shown if not each.claim.is_bare
        ]
        most = max((weight for weight, _ in weights), default=0.0)
        return [each for weight, each in weights if weight > 0 and weight >= most - 1e-9]

    def judge(
        self,
        supports: Callable[[Assertion], bool],
        levels: Sequence[frozenset[str]],
        *,
        outweighed_only: bool = False,
    ) -> Verdict:
        """Whether what supports a claim is what is spoken of.

        Args:
            supports: whether a statement supports the claim.
            levels: the words that are spoken of, the nearest first; the next ones are asked where these
                leave it open.
            outweighed_only: another statement that says the same and more is no objection.
        """
        supporting = [each for each in self._shown if supports(each)]
        others = [each for each in self._shown if not supports(each) and not each.claim.is_bare]
        words: frozenset[str] = frozenset()
        for number, level in enumerate(levels):
            words |= level
            # What was spoken of before may be what the line begins with.
            shared = [(each.beside if number else each.around) & words for each in supporting]
            verdict = self._judge_by(words, supporting, others, shared, outweighed_only)
            if verdict != "open":
                return verdict
        return "open"

    def _judge_by(
        self,
        words: frozenset[str],
        supporting: list[Assertion],
        others: list[Assertion],
        shared: list[frozenset[str]],
        outweighed_only: bool,
    ) -> Verdict:
        rivals = {each.around & words for each in others}
        if not any(rivals) and not any(shared):
            return "open"
        most, most_of_rivals = (max(map(self._weight, each), default=0.0) for each in (shared, rivals))
        if most_of_rivals and most < _FAR_LESS * most_of_rivals:
            return "wrong"
        if not outweighed_only and all(any(each < rival for rival in rivals) for each in shared):
            return "wrong"
        if most > most_of_rivals + 1e-9:
            return "right"
        # "Croissant" and "almond croissant" share as much with "croissant": it is the one that says no more.
        named, named_rivals = (
            any(each.own and each.own <= words for each in group) for group in (supporting, others)
        )
        return "open" if named == named_rivals else "right" if named else "wrong"

    def _weight(self, words: Iterable[str]) -> float:
        return sum(self._weights.get(word, 0.0) for word in words)
