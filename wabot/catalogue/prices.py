"""Reads amounts and numbers in stock as people type them into a cell. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

_AMOUNT = re.compile(
    r"(?P<before>[^\d\s+-]{0,4})\s*(?P<number>\d[\d.,'’ \u00a0\u202f]*)\s*(?P<after>[^\d\s]{0,6})"
)
_MOST_DIGITS = 12
_NONE_LEFT = ("no", "agotado", "agotada", "esgotado", "esgotada", "sold out", "none", "false", "n")
_CODES = {"€": "EUR", "£": "GBP", "R$": "BRL", "US$": "USD", "U$S": "USD"}


def read_price(cell: str) -> tuple[Decimal, str] | None:
    """The price in a cell and its currency, "" where it names none; None for what is no price."""
    match = _AMOUNT.fullmatch(cell.strip())
    if match is None or (match["before"] and match["after"]):
        return None
    number = re.sub(r"[\s'’]", "", match["number"]).rstrip(".,")
    if sum(map(str.isdigit, number)) > _MOST_DIGITS:
        return None
    named = (match["before"] or match["after"]).upper()
    return Decimal(_with_point(number)), _CODES.get(named, named)


def read_stock(cell: str) -> int | None:
    """How many a cell says there are; None where it does not say a number, nor that there are none."""
    plain = cell.strip().lower()
    if plain in _NONE_LEFT:
        return 0
    match = re.fullmatch(r"(-?\d{1,9})(?:[.,]0+)?", plain)
    return max(0, int(match[1])) if match else None


def _with_point(number: str) -> str:
    """A number with a decimal point and nothing between its thousands."""
    point, comma = number.rfind("."), number.rfind(",")
    if point >= 0 and comma >= 0:
        thousands = "," if point > comma else "."
        return number.replace(thousands, "").replace(",", ".")
    mark = "." if point >= 0 else ","
    whole, *groups = number.split(mark)
    if len(groups) > 1 or (groups and len(groups[0]) == 3 and whole != "0" and 0 < len(whole) <= 3):
        return whole + "".join(groups)
    return number.replace(",", ".")
