"""Proves amounts that stand nowhere: so many of a thing at its price, and sums of such. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wabot.brain.guard.numbers import quantities_in
from wabot.brain.guard.shown import Shown
from wabot.brain.guard.statements import Assertion, stems
from wabot.brain.knowledge.search.terms import stem

#: Stems of what is paid beside a thing.
_COSTS = """
    envio envios entrega reparto shipping delivery frete portes deposito deposit sinal minimo minimum
    suplemento
    extra recargo surcharge taxa fee descuento discount desconto
"""
OTHER_COSTS = frozenset(map(stem, _COSTS.split()))
_MOST_THINGS, _MOST_COMBINATIONS = 12, 2000
# A comma may stand between two things, or within the name of one.
_ITEM_ENDS = (
    re.compile(r"[,;+\n]|\s(?:y|e|and|mas|plus|com|con|with)\s"),
    re.compile(r"[;+\n]|\s(?:y|e|and|mas|plus)\s"),
)
_ASIDE = re.compile(r"\([^()]*\)")
_NOT_COUNTED = re.compile(
    r"\s?(?:kg|kilos?|gr?|gramos?|ml|cl|l|litros?|cm|mm|m|h|horas?|hours?|dias?|days?|min\w*|%|€|euros?|\$|"
    r"pesos|£)(?![a-z])"
)


@dataclass(frozen=True, slots=True)
class Proven:
    """An amount of the answer that is supported, and what it adds to a sum."""

    value: int
    term: int


class Arithmetic:
    """What follows from what was shown, with the quantities of the chat.

    Args:
        shown: what supports the answer.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def proven(self, statement: Assertion, before: Sequence[Assertion]) -> Proven:
        """What a supported amount adds to a sum: with the number of things that stands beside it."""
        value = statement.claim.amount
        ends = [each.claim.end for each in before if each.number == statement.number]
        beside = statement.line[max(ends, default=0) : statement.claim.start]
        counted = list(self._counts(beside))
        return Proven(value, value * (counted[-1] if counted else 1))

    def follows(
        self, statement: Assertion, levels: Sequence[frozenset[str]], proven: Sequence[Proven]
    ) -> bool:
        """Whether an amount is so many times a price, or a sum.

        Args:
            statement: that claims it.
            levels: the stems of what is spoken of, the nearest first.
            proven: the amounts before it in the answer that are supported.
        """
        value = statement.claim.amount
        if any(
            value == count * price
            for count in self._shown.quantities
            for price in self._prices(levels, proven)
        ):
            return True
        terms = [each.term for each in proven]
        if any(sum(terms[begin:]) == value for begin in range(len(terms) - 1)):
            return True
        extras: set[int] = set()
        if (stems(statement.sentence) | stems(self._shown.question)) & OTHER_COSTS:
            extras = {
                each.claim.amount for each in self._shown.supporting_amounts if each.around & OTHER_COSTS
            }
        texts = (statement.line[: statement.claim.start], self._shown.question)
        for things in (self._things(text, ends) for text in texts for ends in _ITEM_ENDS):
            sums = (sum(costs) for costs in itertools.islice(itertools.product(*things), _MOST_COMBINATIONS))
            # One thing alone is no sum: whether that is its price, was looked at before.
            if things and any(
                total + extra == value
                for total in sums
                for extra in (extras if len(things) < 2 else {0, *extras})
            ):
                return True
        return False

    def _prices(self, levels: Sequence[frozenset[str]], proven: Sequence[Proven]) -> set[int]:
        """The prices of what is spoken of; of anything where that cannot be told."""
        found = {each.value for each in proven}
        words: frozenset[str] = frozenset()
        for level in levels:
            words |= level
            best = self._shown.amounts.best(words)
            if best:
                return found | {each.claim.amount for each in best}
        return found or {each.claim.amount for each in self._shown.supporting_amounts}

    def _things(self, text: str, ends: re.Pattern[str]) -> list[set[int]]:
        """What each of the things that a text names may cost."""
        return [each for each in map(self._costs_of, ends.split(_ASIDE.sub(" ", text))) if each][
            :_MOST_THINGS
        ]

    def _costs_of(self, item: str) -> set[int]:
        counted = list(self._counts(item))
        best = self._shown.amounts.best(stems(item))
        return {each.claim.amount * (counted[0] if counted else 1) for each in best}

    def _counts(self, text: str) -> Iterable[int]:
        """The numbers of things in a text that stand in the chat; not what is measured or paid."""
        for count, start, end in quantities_in(text):
            is_of_name = self._shown.amounts.known(stems(text[:start]))
            if count in self._shown.quantities and not is_of_name and not _NOT_COUNTED.match(text, end):
                yield count
