"""Finds what an answer claims that nothing supports. Pure; begin reading here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from wabot.brain.folding import fold
from wabot.brain.guard.arithmetic import OTHER_COSTS, Arithmetic, Proven
from wabot.brain.guard.association import PriceTags
from wabot.brain.guard.claim import Kind
from wabot.brain.guard.contacts import leads_within, same_telephone
from wabot.brain.guard.shown import Shown
from wabot.brain.guard.statements import Assertion, statements_of, stems

_MOST_STATEMENTS = 80

# Where the shop speaks of what it does, what the customer said of times does not count.
_OF_THE_SHOP = re.compile(
    r"\b(?:entreg|envi|repart|lleg|recib|despach|tard|abr[ei]|abiert|abert|cierr|cerr|fech|horari|devol|"
    r"devuelv|garant|list[oa]|plazo|prazo|"
    r"demor|deliver|ship|arriv|dispatch|take|open|clos|hours|return|refund|warrant|ready|cheg|pront[oa])"
)
_OF_DELIVERY = re.compile(r"\b(?:entreg|envi|repart|lleg|recib|despach|deliver|ship|arriv|dispatch|cheg)")
_OF_AN_ORDER = re.compile(
    r"\b(?:pedido|orden|order|encomenda|seguimiento|tracking|reserva|booking|tu numero|su numero|"
    r"your number|seu numero)\b"
)
_OF_CALLING = re.compile(r"\b(?:llam|telefon|call|phone|ring|lig(?:ue|ar)|whatsapp|escrib)")
_ABOUT = re.compile(
    r"(?:\b(?:unos|unas|uns|umas|aprox\w*\.?|alrededor de|cerca de|about|around|roughly|approximately|"
    r"almost|nearly|casi|quase|"
    r"mas o menos|mais ou menos|en torno a|por volta de|sobre(?: los| las)?|como)|~|≈) ?[€£$]*\Z"
)
# The customer's own amount may be spoken of as a bound, or denied.
_BOUND = re.compile(
    r"\b(?:menos de|menos que|under|below|less than|up to|hasta(?: los)?|por debajo de|no mas de|"
    r"more than|over|mas de|mais de|ate|abaixo de|presupuesto de|"
    r"budget of|orcamento de|within|dentro de|no llega a|con)(?: los| tus| your| your budget of)? ?[€£$]*\Z"
)
_DENIED = re.compile(
    r"(?:\b(?:no|not|nao|isn'?t|doesn'?t|instead of|en lugar de|en vez de|em vez de)(?: (?:cuesta|vale|"
    r"es|son|sale|esta|cost|costs|custa|e|sao|a|de|por|for|the|it|is|"
    r"el|o|el precio|the price|o preco))*) ?[€£$]*\Z"
)
# What a name on a network stands behind, where it is no link.
_NETWORK = r"(?:instagram|facebook|insta|ig|tiktok)\b[^\n]{0,30}?(?<![\w.])"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A claim that nothing supports; what it says stays out of repr, so out of logs."""

    kind: Kind
    text: str = field(repr=False)


def unsupported(answer: str, shown: Shown) -> tuple[Unsupported, ...]:
    """The claims of an answer that neither what was shown nor what the shop said supports."""
    return _Reading(answer, shown).unsupported()


class _Reading:
    def __init__(self, answer: str, shown: Shown) -> None:
        self._shown = shown
        self._lines = [fold(line) for line in answer.splitlines()]
        self._statements = statements_of(answer)[:_MOST_STATEMENTS]
        self._arithmetic = Arithmetic(shown)
        self._proven: list[Proven] = []
        self._read: list[Assertion] = []

    def unsupported(self) -> tuple[Unsupported, ...]:
        found = []
        for statement in self._statements:
            if not self._is_supported(statement):
                text = statement.line[statement.claim.start : statement.claim.end].strip()
                found.append(Unsupported(statement.kind, text))
            self._read.append(statement)
        return tuple(found)

    def _is_supported(self, statement: Assertion) -> bool:
        match statement.kind:
            case "amount":
                return self._supports_amount(statement)
            case "percentage":
                return self._supports(statement, ("percentage",)) or statement.claim.meanings == {10_000}
            case "time span" | "time":
                return self._supports_time(statement)
            case "day":
                return self._supports_day(statement)
            case "telephone":
                return self._supports_telephone(statement)
            case "link":
                return self._supports_link(statement)
            case "stock":
                return self._supports_stock(statement)

    def _supports_amount(self, statement: Assertion) -> bool:
        claim, shown = statement.claim, self._shown
        before = statement.line[: claim.start]
        roughly = claim.amount % 100 == 0 and bool(_ABOUT.search(before))

        def supports(other: Assertion) -> bool:
            difference = abs(other.claim.amount - claim.amount)
            near = roughly and other.claim.amount > 0 and difference <= max(50, 0.06 * other.claim.amount)
            return (difference == 0 or near) and shown.is_in_same_currency(claim, other.claim)

        levels = self._levels(statement)
        found = any(map(supports, shown.supporting_amounts))
        is_free = claim.amount == 0
        if is_free:
            levels = levels[:1]
        if found and (shown.amounts.judge(supports, levels, outweighed_only=is_free) != "wrong"):
            self._proven.append(self._arithmetic.proven(statement, self._read))
            return True
        currencies_fit = any(
            shown.is_in_same_currency(claim, each.claim) for each in shown.supporting_amounts
        )
        if not is_free and currencies_fit and self._arithmetic.follows(statement, levels, self._proven):
            self._proven.append(Proven(claim.amount, claim.amount))
            return True
        said = any(each.kind == "amount" and each.claim.amount == claim.amount for each in shown.heard)
        return said and bool(_BOUND.search(before) or _DENIED.search(before))

    def _supports_time(self, statement: Assertion) -> bool:
        if self._supports(statement, ("time", "time span")):
            return True
        if _OF_THE_SHOP.search(statement.sentence):
            return False
        return any(each.claim.meanings & statement.claim.meanings for each in self._shown.heard)

    def _supports_day(self, statement: Assertion) -> bool:
        (day,) = statement.claim.meanings
        of_delivery = _OF_DELIVERY.search(statement.sentence)
        if str(day).endswith(".") and not of_delivery:
            return any(day in each.claim.meanings for each in (*self._shown.statements, *self._shown.heard))
        if not of_delivery:
            return True
        lines = [
            each
            for each in self._shown.statements
            if _OF_DELIVERY.search(each.line) or each.around & OTHER_COSTS
        ]
        minutes = [
            value
            for each in lines
            if each.kind == "time span"
            for value in each.claim.meanings
            if isinstance(value, int)
        ]
        if any(day in each.claim.meanings for each in lines):
            return True
        if day == "today":
            return any(value < 1440 for value in minutes)
        if day in ("tomorrow", "after tomorrow"):
            return (1440 if day == "tomorrow" else 2880) in minutes
        return any(f"weekday{str(day)[-1]}" in stems(each.line) for each in lines)

    def _supports_telephone(self, statement: Assertion) -> bool:
        (number,) = statement.claim.meanings
        known = [str(value) for each in self._shown.of("telephone") for value in each.claim.meanings]
        if any(same_telephone(str(number), each) for each in known):
            return True
        if not _OF_AN_ORDER.search(statement.sentence) or _OF_CALLING.search(statement.sentence):
            return False
        return any(number in each.claim.meanings for each in self._shown.heard)

    def _supports_link(self, statement: Assertion) -> bool:
        (link,) = map(str, statement.claim.meanings)
        if any(
            leads_within(link, str(value)) for each in self._shown.of("link") for value in each.claim.meanings
        ):
            return True
        if link.startswith(("wa.me/", "tel:")):
            known = [str(value) for each in self._shown.of("telephone") for value in each.claim.meanings]
            digits = re.sub(r"\D", "", link.partition("?")[0])
            return any(same_telephone(digits, each) for each in known)
        name = link.removeprefix("@").removeprefix("instagram.com/")
        return link != name and bool(re.search(rf"{_NETWORK}{re.escape(name)}(?!\w)", self._shown.words))

    def _supports_stock(self, statement: Assertion) -> bool:
        """Whether something says the same of the stock of what is spoken of, and not of another thing."""
        spoken_of = self._shown.amounts.known(statement.own) or frozenset().union(
            *self._levels(statement)[:3]
        )
        least = max(1, len(spoken_of) // 2) if spoken_of <= statement.own else 1
        same = [each for each in self._shown.of("stock") if each.claim.meanings & statement.claim.meanings]
        is_of_it = any(len(each.around & spoken_of) >= least for each in same)
        return is_of_it and self._supports(statement, ("stock",))

    def _supports(self, statement: Assertion, kinds: tuple[Kind, ...]) -> bool:
        """Whether something of these kinds means the same, and is about the same."""
        meanings = statement.claim.meanings
        shown = [
            each
            for each in self._shown.of(*kinds)
            if each.kind == statement.kind or each.claim.meanings & meanings
        ]
        supporting = [each for each in shown if each.claim.meanings & meanings]
        if not supporting:
            return False
        judged = PriceTags(shown).judge(
            lambda each: bool(each.claim.meanings & meanings), self._levels(statement)
        )
        return judged != "wrong"

    def _levels(self, statement: Assertion) -> Sequence[frozenset[str]]:
        """The stems of what a statement speaks of, the nearest first."""
        own = statement.own
        if own & OTHER_COSTS or (own and statement.kind in ("time", "time span", "percentage")):
            return [own]
        return [own, self._stems_before(statement), *self._shown.subjects]

    def _stems_before(self, statement: Assertion) -> frozenset[str]:
        """The stems of the nearest sentence before a statement that speaks of something that is known."""
        lines = [*self._lines[: statement.number], statement.line[: statement.claim.start]]
        sentences = [each for line in lines for each in re.split(r"[.;!?…](?=\s|$)", line)]
        # The last one is the statement's own.
        for sentence in reversed(sentences[-12:-1]):
            found = stems(sentence)
            if self._shown.amounts.known(found):
                return found
        return frozenset()
