"""Finds amounts of money, and percentages, in folded text. Pure."""

from __future__ import annotations

import re

from wabot.brain.guard.claim import Claim, without
from wabot.brain.guard.numbers import DIGITS, DIGITS_BEHIND, NUMBER, hundredths, thousands_after

PESOS = frozenset({"MXN", "COP", "ARS", "CLP", "UYU", "DOP"})
DOLLARS = frozenset({"USD"})

# What an amount is in, by how that is written; before the number or behind it.
_CURRENCIES = {
    r"us\$|u\$s|usd|dolares|dolar|dollars?|bucks": DOLLARS,
    r"mx\$|mxn": frozenset({"MXN"}),
    r"col\$|cop": frozenset({"COP"}),
    r"ar\$|ars": frozenset({"ARS"}),
    r"clp": frozenset({"CLP"}),
    r"pesos?": PESOS,
    r"r\$|reais|real|brl": frozenset({"BRL"}),
    r"s/\.?|soles|sol|pen": frozenset({"PEN"}),
    r"€|euros?|eur": frozenset({"EUR"}),
    r"£|gbp|pounds?|libras?|quid": frozenset({"GBP"}),
    r"₡|colones": frozenset({"CRC"}),
    r"₲|guaranies": frozenset({"PYG"}),
    r"bs\.?|bolivianos|bolivares": frozenset({"BOB", "VES"}),
    r"chf|francos?|francs?": frozenset({"CHF"}),
    r"quetzales": frozenset({"GTQ"}),
    r"lempiras": frozenset({"HNL"}),
    r"\$": DOLLARS | PESOS,
}
_ANY = "|".join(f"(?:{pattern})" for pattern in _CURRENCIES)
_BEFORE = re.compile(rf"(?<![a-z$])(?P<currency>{_ANY})\s?(?P<number>{DIGITS_BEHIND})")
_BEHIND = re.compile(rf"(?P<number>{NUMBER})\s?(?P<thousands>mil |k )?(?:de )?(?P<currency>{_ANY})(?![a-z])")
_CENTS = re.compile(rf"(?P<number>{NUMBER})\s?(?:centimos?|centavos?|cents?|pence|p\b)(?![a-z])")
# "dos euros con cincuenta", "12 euros y 50 céntimos"
_AND_CENTS = re.compile(
    rf"\s?(?:con|y|e|and|com)?\s?(?P<number>{NUMBER})(?:\s?(?:centimos?|centavos?|cents?))?(?![\w.,]|"
    rf"\s?(?:[a-z€£$%]))"
)
_RANGE = re.compile(
    rf"(?:\b(?:de|entre|from|between|desde)\s(?P<first>{NUMBER})\s?(?:a|y|to|and|e|ate|hasta)\s?"
    rf"|(?P<other>{DIGITS})\s?(?:-|–|o|or|ou|u)\s?)\Z"
)
_PERCENT = re.compile(rf"(?P<number>{NUMBER})\s?(?:%|por ciento\b|per ?cent\b|por cento\b)")
_FREE = re.compile(
    r"(?<!feel )(?<!-)\b(?:gratis|gratuit[oa]s?|de graca|free(?! to\b| from\b)|sin (?:ningun )?(?:coste|"
    r"costo|cargo)|"
    r"sem custos?|no charge|at no (?:extra )?cost)\b"
)
# A number behind these is an amount, whatever it is in.
_PRICED = re.compile(
    r"\b(?:cuestan?|costaria|vale|valen|salen? (?:a|por)|precio|precios|importe|total|costs?|priced? at|"
    r"price|prices|comes to|custam?|"
    r"sai (?:a|por)|saem (?:a|por)|preco|precos|fica (?:em|por)|queda (?:en|a))"
    r"(?:\s(?:es|son|de|is|are|e|sao|a|the|el|la|o|only|solo|so|just|apenas|unos|unas|about))*[\s:=]{1,3}"
    rf"(?P<number>{DIGITS})(?!\s?[a-z%º]{{2}})(?!\s?[kgml]\b)|"
    rf"[:=]\s?(?P<lone>{DIGITS})(?=\s*(?:$|[,;)|]|\.\s|\.$))|"
    r"\b(?P<decimals>\d{1,6}[.,'’]\d{2})(?![\d]|[.,]\d)(?!\s?(?:h|hs|am|pm|a\.m|p\.m|kg|g|m|cm|l|km|ml|%)\b)|"
    rf"\b(?:por|for)\s(?P<given>{DIGITS})(?=\s*(?:$|[,;.)]))"
)
_LONE_NUMBER = re.compile(
    rf"(?P<number>{DIGITS})(?!\s?(?:kg|kgs|kilos?|g|gr|gramos?|ml|cl|l|litros?|cm|mm|m|km)\b)"
)


def amounts_in(line: str) -> list[Claim]:
    """The amounts of a line that say what they are in, and what is free."""
    found: list[Claim] = []
    for pattern in (_BEFORE, _BEHIND):
        for match in pattern.finditer(line):
            found += _amounts_of(line, match)
        line = without(line, found)
    for match in _CENTS.finditer(line):
        found.append(_claim(hundredths(match["number"]) // 100, match.start(), match.end()))
    line = without(line, found)
    found += [_claim(0, match.start(), match.end()) for match in _FREE.finditer(line)]
    return found


def _amounts_of(line: str, match: re.Match[str]) -> list[Claim]:
    """The amount that was found, and the one that begins the range it ends."""
    currencies = _currencies(match["currency"])
    end = match.end()
    value = hundredths(match["number"])
    if "thousands" in match.re.groupindex and match["thousands"]:
        value *= 1000
    elif match.re is _BEFORE:
        behind = thousands_after(line, end)
        value, end = (value * 1000, behind) if behind > end else (value, end)
    cents = _AND_CENTS.match(line, end) if match.re is _BEHIND and value % 100 == 0 else None
    if (
        cents
        and hundredths(cents["number"]) < 10_000
        and cents["number"] not in ("un", "una", "um", "uma", "one")
    ):
        value, end = value + hundredths(cents["number"]) // 100, cents.end()
    found = [_claim(value, match.start(), end, currencies)]
    # A number alone before a currency sign's number is something else: "para 2: $150".
    before = _RANGE.search(line, max(0, match.start() - 40), match.start())
    if before:
        group = "first" if before["first"] else "other"
        found.append(_claim(hundredths(before[group]), before.start(group), before.end(group), currencies))
    return found


def percentages_in(line: str) -> list[Claim]:
    """The percentages of a line."""
    return [
        Claim("percentage", frozenset({hundredths(match["number"])}), match.start(), match.end())
        for match in _PERCENT.finditer(line)
    ]


def priced_numbers_in(line: str) -> list[Claim]:
    """The numbers of a line that are amounts by what stands before them, or by their form."""
    found = []
    for match in _PRICED.finditer(line):
        group = next(name for name, text in match.groupdict().items() if text)
        found.append(_claim(hundredths(match[group]), match.start(group), match.end(group)))
    return found


def lone_numbers_in(line: str) -> list[Claim]:
    """The numbers of a line that may be amounts, because they are no measure."""
    return [
        Claim("amount", frozenset({hundredths(match["number"])}), match.start(), match.end(), is_bare=True)
        for match in _LONE_NUMBER.finditer(line)
    ]


def _currencies(written: str) -> frozenset[str]:
    return next(code for pattern, code in _CURRENCIES.items() if re.fullmatch(pattern, written))


def _claim(value: int, start: int, end: int, currencies: frozenset[str] = frozenset()) -> Claim:
    return Claim("amount", frozenset({value}), start, end, currencies)
