"""Finds all that a line claims. Pure."""

from __future__ import annotations

from wabot.brain.guard.amounts import amounts_in, lone_numbers_in, percentages_in, priced_numbers_in
from wabot.brain.guard.claim import Claim, without
from wabot.brain.guard.contacts import links_in, telephones_in
from wabot.brain.guard.moments import clock_times_in, days_in, spans_in, times_in
from wabot.brain.guard.stock import stock_in


def claims_in(line: str, *, is_shown: bool = False) -> list[Claim]:
    """The claims of a folded line, in their order; no two from the same words.

    Args:
        line: what is read.
        is_shown: whether it supports claims: what may be meant as one counts as well, then.
    """
    # Of stock first: "quedan 3 unidades" holds a number. It is looked at apart, because it may hold others.
    found = stock_in(line)
    for find in (links_in, telephones_in):
        found += find(line)
        line = without(line, found)
    days = [
        claim
        for claim in days_in(line)
        if any(isinstance(each, str) and each.endswith(".") for each in claim.meanings)
    ]
    found += days
    line = without(line, days)
    for find in (amounts_in, percentages_in, clock_times_in, spans_in, times_in, days_in, priced_numbers_in):
        claims = find(line)
        found += claims
        line = without(line, claims)
    if is_shown:
        found += lone_numbers_in(line)
    return sorted(found, key=lambda claim: claim.start)
