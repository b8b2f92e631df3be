"""What supports an answer: the texts a model was shown, and what the shop said in the chat. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from wabot.brain.conversation import Turn
from wabot.brain.folding import fold
from wabot.brain.guard.amounts import DOLLARS, PESOS
from wabot.brain.guard.association import PriceTags
from wabot.brain.guard.claim import Claim, Kind
from wabot.brain.guard.numbers import quantities_in
from wabot.brain.guard.statements import Assertion, statements_of, statements_shown, stems
from wabot.brain.language import detect_language


class ShownText(NamedTuple):
    """A text of the shop's, and what stands above it."""

    text: str
    heading: str = ""


class Shown:
    """All that one answer may be drawn from.

    Args:
        texts: the shop's texts and rows that the model was shown.
        turns: the chat, oldest first. What the customer says in it is no fact.
    """

    def __init__(self, texts: Iterable[ShownText], turns: Sequence[Turn]) -> None:
        self._texts = list(texts)
        self._said = [turn.text for turn in turns if turn.role == "assistant"]
        self._heard = [fold(turn.text) for turn in turns if turn.role == "user"]
        first = next((at for at in range(len(turns), 0, -1) if turns[at - 1].role != "user"), 0)
        self._asked = [fold(turn.text) for turn in turns[first:]]
        self._before = [fold(turn.text) for turn in turns[:first]]

    @cached_property
    def statements(self) -> list[Assertion]:
        """Those of the texts and of the shop's own turns."""
        shown = [each for text in self._texts for each in statements_shown(text.text, text.heading)]
        return shown + [each for said in self._said for each in statements_of(said, is_shown=True)]

    @cached_property
    def heard(self) -> list[Assertion]:
        """Those of the customer."""
        return [each for said in self._heard for each in statements_of(said)]

    def of(self, *kinds: Kind) -> list[Assertion]:
        """The statements of these kinds."""
        return [each for each in self.statements if each.kind in kinds]

    @cached_property
    def amounts(self) -> PriceTags:
        """What costs what."""
        return PriceTags(self.supporting_amounts)

    @cached_property
    def supporting_amounts(self) -> list[Assertion]:
        """The amounts; numbers alone count only where nothing says what they are in."""
        amounts = self.of("amount")
        named = [each for each in amounts if not each.claim.is_bare]
        return named if any(each.claim.currencies for each in named) else amounts

    @cached_property
    def words(self) -> str:
        """All of the texts and of what the shop said, folded."""
        return fold("\n".join([*(f"{text.heading}\n{text.text}" for text in self._texts), *self._said]))

    @property
    def question(self) -> str:
        """What the customer asks, folded."""
        return "\n".join(self._asked)

    @cached_property
    def subjects(self) -> list[frozenset[str]]:
        """The stems of what was spoken of: the question's, then of each turn before, the latest first."""
        return [stems(self.question), *(stems(said) for said in reversed(self._before[-6:]))]

    @cached_property
    def quantities(self) -> frozenset[int]:
        """The numbers of things that stand in the chat."""
        said = [*self._heard, *map(fold, self._said)]
        return frozenset(value for text in said for value, _, _ in quantities_in(text))

    def is_in_same_currency(self, claim: Claim, shown: Claim) -> bool:
        """Whether a claim may be in the currency of what was shown; one that says nothing may."""
        if not claim.currencies:
            return True
        known = self._narrowed(shown.currencies) if shown.currencies else self._currencies
        return not known or bool(claim.currencies & known)

    @cached_property
    def _currencies(self) -> frozenset[str]:
        amounts = [each.claim.currencies for each in self.of("amount") if each.claim.currencies]
        return frozenset(code for currencies in amounts for code in self._narrowed(currencies))

    def _narrowed(self, currencies: frozenset[str]) -> frozenset[str]:
        return currencies & self._dollars if currencies >= DOLLARS | PESOS else currencies

    @cached_property
    def _dollars(self) -> frozenset[str]:
        """What "$" means here: what the texts say elsewhere, else by their language."""
        every = DOLLARS | PESOS
        named = [each.claim.currencies for each in self.of("amount") if each.claim.currencies & every]
        others = {code for currencies in named if not currencies >= every for code in currencies & every}
        if others:
            return frozenset(others)
        return DOLLARS if detect_language(self.words[:4000], default="es") == "en" else PESOS
