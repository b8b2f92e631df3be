"""What an answer or a text claims at one place: an amount, a time, a link and the like. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["amount", "percentage", "time span", "time", "day", "telephone", "link", "stock"]

#: Stands in the place of what was found already, so that no other pattern finds it again.
FOUND = "\N{CURRENCY SIGN}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim.

    Attributes:
        kind: of what.
        meanings: what it may mean, as "8:00" in the morning and in the evening; any of them is enough.
        start, end: where it stands in the line.
        currencies: those an amount may be in; none where it does not say.
        is_bare: whether it is a number that nothing calls an amount.
    """

    kind: Kind
    meanings: frozenset[int | str]
    start: int
    end: int
    currencies: frozenset[str] = frozenset()
    is_bare: bool = False

    @property
    def amount(self) -> int:
        """The amount in hundredths."""
        return next(value for value in self.meanings if isinstance(value, int))


def without(line: str, claims: list[Claim]) -> str:
    """The line with something of the same length in place of these claims."""
    for claim in claims:
        line = line[: claim.start] + FOUND * (claim.end - claim.start) + line[claim.end :]
    return line
