"""Cuts a text into statements: each claim with the words it goes with in its line. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wabot.brain.folding import fold
from wabot.brain.guard.claim import FOUND, Claim, Kind, without
from wabot.brain.guard.claims import claims_in
from wabot.brain.guard.moments import with_days_named
from wabot.brain.knowledge.search.terms import terms

# More than anybody reads; bounds the work on hostile text.
_MOST_LINES = 2000
_LONGEST_LINE = 2000

_MEASURE = re.compile(
    r"(?<![\w.,])(\d{1,5}(?:[.,]\d{1,3})?)[ -]?(?:(k)ilos?|(k)gs?|(g)(?:r|rs|ramos?|rams?)?|(ml)|(c)l|"
    r"(l)(?:t|ts|itros?|iters?|itres?)?|"
    r"(cm)|(mm)|(m)(?:etros?|eters?|etres?)?|(mi)(?:les?|llas?))(?![a-z0-9])"
)
# What any price is told with; it is about nothing.
_PRICING = """
    cuesta cuestan cuestas costar coste costo vale valen precio precios sale salen cost costs price prices
    priced custa custam preco precos fica ficam sai total together juntos juntas euro euros pesos reais
    dollars pounds libras dolares each unidad unidade
"""
_OF_ANY_PRICE = frozenset(terms(_PRICING))
_SENTENCE_END = re.compile(r"[.;!?…](?=\s|$)|\n")
_SEPARATOR = re.compile(r"[,|/)]|\s(?:y|e|and|o|or|ou|mientras|while|pero|but|mas|plus|\+)\s")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+")
_RULE_OF_TABLE = re.compile(r"[\s|:=-]+")


# "From 10 to 14 h" may be either.
_TOGETHER: tuple[tuple[Kind, ...], ...] = (
    *(("amount",), ("percentage",), ("time span", "time"), ("day",), ("telephone",), ("link",), ("stock",)),
)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A claim, as it stands in its line.

    Attributes:
        claim: what is claimed.
        number: of the line, from 0.
        line: the folded line.
        own: the stems it goes with there.
        around: those and the ones of the headings above.
        beside: those of the whole line and of the headings.
    """

    claim: Claim
    number: int
    line: str
    own: frozenset[str]
    around: frozenset[str]
    beside: frozenset[str]

    @property
    def kind(self) -> Kind:
        """The kind of its claim."""
        return self.claim.kind

    @property
    def sentence(self) -> str:
        """The sentence that holds it, as far as it stands in its line."""
        ends = [0, *(match.end() for match in _SENTENCE_END.finditer(self.line)), len(self.line)]
        begin = max(end for end in ends if end <= self.claim.start)
        return self.line[begin : min(end for end in ends if end >= self.claim.end)]


def statements_of(text: str, heading: str = "", *, is_shown: bool = False) -> list[Assertion]:
    """The statements of a text, in their order.

    Args:
        text: an answer; or what was shown, as Markdown.
        heading: what stands above it.
        is_shown: whether it supports claims.
    """
    found: list[Assertion] = []
    above = stems(fold(heading))
    columns: list[str] = []
    previous = ""
    for number, line in enumerate(text[: _MOST_LINES * 100].splitlines()[:_MOST_LINES]):
        folded = fold(line[:_LONGEST_LINE])
        if _HEADING.match(folded):
            above = stems(folded) | stems(fold(heading))
        is_row = folded.lstrip().startswith("|") or folded.count("|") > 1
        if is_row and _RULE_OF_TABLE.fullmatch(folded):
            columns = _cells(previous)
            continue
        previous = folded
        claims = claims_in(folded, is_shown=is_shown)
        words = _words_of(folded, claims)
        beside = above.union(*words)
        for claim, own in zip(claims, words, strict=True):
            if is_row and columns:
                column = folded[: claim.start].count("|") - folded.lstrip().startswith("|")
                head = columns[column] if 0 <= column < len(columns) else ""
                own = own | stems(without(folded, claims)) | stems(head)
                if claim.is_bare and re.search(
                    r"prec|preco|pric|tarif|€|\$|£|eur|valor|coste|cost|pvp", head
                ):
                    claim = Claim(claim.kind, claim.meanings, claim.start, claim.end, claim.currencies)
            found.append(Assertion(claim, number, folded, own, own | above, own | beside))
    return found


@lru_cache(maxsize=2048)
def statements_shown(text: str, heading: str) -> tuple[Assertion, ...]:
    """The statements of a piece of the shop's texts, which is shown again and again."""
    return tuple(statements_of(text, heading, is_shown=True))


def stems(folded: str) -> frozenset[str]:
    """The stems of the words of a folded text that carry a subject; with its weekdays and measures."""
    return frozenset(terms(_MEASURE.sub(_plain_measure, with_days_named(folded)))) - _OF_ANY_PRICE


def _plain_measure(match: re.Match[str]) -> str:
    unit = next(group for group in match.groups()[1:] if group)
    return f" {match[1].replace(',', 'x').replace('.', 'x')}{'kg' if unit == 'k' else unit} "


def _words_of(line: str, claims: Sequence[Claim]) -> list[frozenset[str]]:
    """For each claim of a line the stems it goes with: those of its part of the sentence."""
    words: list[frozenset[str]] = [frozenset()] * len(claims)
    line = without(
        line, [claim for claim in claims if claim.kind not in ("day", "stock") and not claim.is_bare]
    )
    for kinds in _TOGETHER:
        places = [place for place, claim in enumerate(claims) if claim.kind in kinds and not claim.is_bare]
        for place, part in zip(places, _parts(line, [claims[place] for place in places]), strict=True):
            words[place] = part
    for place, claim in enumerate(claims):
        if claim.is_bare:
            (words[place],) = _parts(line, [claim])
    return words


def _parts(line: str, claims: Sequence[Claim]) -> list[frozenset[str]]:
    """The stems that go with each of these claims: up to the "and" or the comma between it and the next."""
    found: list[frozenset[str]] = []
    begin = 0
    for sentence_end in [*(match.end() for match in _SENTENCE_END.finditer(line)), len(line)]:
        here = [claim for claim in claims if begin <= claim.start < sentence_end]
        if here:
            found += _parts_of_sentence(line, begin, sentence_end, here)
        begin = sentence_end
    return found


def _parts_of_sentence(line: str, begin: int, end: int, claims: Sequence[Claim]) -> list[frozenset[str]]:
    lead_end = line.find(":", begin, claims[0].start)
    shared = line[begin:lead_end] if lead_end > 0 and len(claims) > 1 else ""
    lead = frozenset() if FOUND in shared else stems(shared)
    names_come_first = bool(stems(line[begin : claims[0].start]))
    cuts = [begin]
    for claim, following in itertools.pairwise(claims):
        between = [match.start() for match in _SEPARATOR.finditer(line, claim.end, following.start)]
        if between:
            cuts.append(between[-1] if names_come_first else between[0])
        else:
            cuts.append(claim.end if names_come_first else following.start)
    cuts.append(end)
    found: list[frozenset[str]] = []
    for claim, start, stop in zip(claims, cuts, cuts[1:], strict=False):
        own = stems(line[start : claim.start] + " " + line[claim.end : max(stop, claim.end)]) | lead
        found.append(own or (found[-1] if found else own))
    return found


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]
