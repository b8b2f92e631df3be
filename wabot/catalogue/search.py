"""Finds products by name, category, wish and misspelling."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from wabot.brain.knowledge.search.terms import stem, words
from wabot.catalogue.product import Product

# What a word counts for, by where it stands.
_IN_NAME, _IN_CATEGORY, _IN_DESCRIPTION = 1.0, 0.6, 0.4
# A word that is only nearly written so.
_MISSPELT, _LEAST_LIKENESS, _SHORTEST_MISSPELT = 0.8, 78, 4
_LONGEST_QUESTION = 40
_MANY = 1000
# What shares so little with the question is no answer to it.
_LEAST_SHARE = 0.35


class ProductSearch:
    """An index over products. Safe to share by threads: nothing of it changes.

    Args:
        products: those that may be found.
    """

    def __init__(self, products: Iterable[Product]) -> None:
        self._products = tuple(products)
        self._places: dict[str, dict[int, float]] = defaultdict(dict)
        vocabulary: dict[str, str] = {}
        for number, product in enumerate(self._products):
            for text, weight in (
                (product.description, _IN_DESCRIPTION),
                (product.category, _IN_CATEGORY),
                (product.name, _IN_NAME),
            ):
                for word in words(text):
                    key = stem(word)
                    vocabulary.setdefault(word, key)
                    self._places[key][number] = max(weight, self._places[key].get(number, 0.0))
        self._vocabulary = vocabulary

    def find(self, question: str, limit: int = 5) -> list[Product]:
        """The products a question may mean, best first; none where it means none."""
        meant = [self._keys_of(word) for word in dict.fromkeys(words(question)[:_LONGEST_QUESTION])]
        # The rarest first: what nearly all products share only orders those that share more.
        by_rarity = sorted(filter(None, meant), key=self._rarity, reverse=True)
        scores: dict[int, float] = {}
        for keys in by_rarity:
            rarity = self._rarity(keys)
            best: dict[int, float] = {}
            for key, likeness in keys:
                places = self._places[key]
                few = scores.keys() & places.keys() if scores and len(places) > _MANY else places
                for number in few:
                    best[number] = max(best.get(number, 0.0), places[number] * likeness * rarity)
            for number, score in best.items():
                scores[number] = scores.get(number, 0.0) + score
        least = _LEAST_SHARE * sum(map(self._rarity, by_rarity))
        good = (number for number, score in scores.items() if score >= least)
        # Of as good ones, the shorter name says less that was not asked for; then in the owner's order.
        found = heapq.nsmallest(
            limit, good, key=lambda number: (-scores[number], len(self._products[number].name), number)
        )
        return [self._products[number] for number in found]

    def _keys_of(self, word: str) -> Sequence[tuple[str, float]]:
        """The keys of the index that a word means, each with how sure that is."""
        key = stem(word)
        if key in self._places:
            return [(key, 1.0)]
        if len(word) < _SHORTEST_MISSPELT or any(map(str.isdigit, word)):
            return []
        # Loaded with the first misspelling.
        from rapidfuzz import fuzz, process

        near = process.extract(
            word, self._vocabulary.keys(), scorer=fuzz.ratio, score_cutoff=_LEAST_LIKENESS, limit=3
        )
        return [(self._vocabulary[found], _MISSPELT * likeness / 100) for found, likeness, _ in near]

    def _rarity(self, keys: Sequence[tuple[str, float]]) -> float:
        """How much the rarest of these keys tells one product from others."""
        return max(math.log(1 + len(self._products) / len(self._places[key])) for key, _ in keys)
