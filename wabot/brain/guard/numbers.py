"""Reads numbers as people write them: 12,50 and 12.50 and 12'50, 1.200 and 1,200.00, "twenty-one". Pure."""

from __future__ import annotations

import re

#: A number in digits, whatever stands before it; and one that begins there.
DIGITS_BEHIND = r"(?:\d{1,3}(?:[.,'’ ]\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,'’]\d{1,2})?)(?![\d]|[.,]\d)"
DIGITS = rf"(?<![\w.,']){DIGITS_BEHIND}"

_ONES = (
    "cero zero un uno una um uma one an dos dois duas two tres three cuatro quatro four cinco five seis six "
    "siete sete seven ocho oito eight nueve nove nine diez dez ten once onze eleven doce doze twelve trece "
    "treze thirteen catorce catorze quatorze fourteen quince quinze fifteen dieciseis dezesseis dezasseis "
    "sixteen diecisiete dezessete dezassete seventeen dieciocho dezoito eighteen diecinueve dezenove "
    "dezanove nineteen"
)
_VALUES_OF_ONES = (
    "0 0 1 1 1 1 1 1 1 2 2 2 2 3 3 4 4 4 5 5 6 6 7 7 7 8 8 8 9 9 9 10 10 10 11 11 11 12 12 12 13 13 13 14 14 "
    "14 14 15 15 15 16 16 16 16 17 17 17 17 18 18 18 19 19 19 19"
)
_WORDS = dict(zip(_ONES.split(), map(int, _VALUES_OF_ONES.split()), strict=True))
_WORDS |= {
    word: 10 * tens
    for tens, names in enumerate(
        (
            "veinte vinte twenty",
            "treinta trinta thirty",
            "cuarenta quarenta forty",
            "cincuenta cinquenta fifty",
            "sesenta sessenta sixty",
            "setenta seventy",
            "ochenta oitenta eighty",
            "noventa ninety",
        ),
        start=2,
    )
    for word in names.split()
}
_WORDS |= {f"veinti{name}": 20 + _WORDS[name] for name in _ONES.split() if _WORDS[name] < 10}
_WORDS |= {
    word: 100 * hundreds
    for hundreds, names in enumerate(
        (
            "cien ciento cem cento",
            "doscientos doscientas duzentos duzentas",
            "trescientos trescientas trezentos trezentas",
            "cuatrocientos cuatrocientas quatrocentos quatrocentas",
            "quinientos quinientas quinhentos quinhentas",
            "seiscientos seiscientas seiscentos seiscentas",
            "setecientos setecientas setecentos setecentas",
            "ochocientos ochocientas oitocentos oitocentas",
            "novecientos novecientas novecentos novecentas",
        ),
        start=1,
    )
    for word in names.split()
}
_MULTIPLIERS = {"hundred": 100, "mil": 1000, "thousand": 1000}
_ANY_WORD = "|".join(sorted((*_WORDS, *_MULTIPLIERS), key=len, reverse=True))
#: A number in words.
WORDS = rf"\b(?:{_ANY_WORD})(?:(?:[ -](?:y|e|and))?[ -](?:{_ANY_WORD})){{0,5}}\b"
#: Either, as one group that must be read by `hundredths`.
NUMBER = rf"(?:{DIGITS}|{WORDS})"

_GROUPED = re.compile(r"\d{1,3}(?:[.,'’ ]\d{3})+(?:([.,])(\d{1,2}))?")
_THOUSANDS = re.compile(r"\s?(?:mil|k)\b(?!\s?(?:cal|m)\b)")
_QUANTITY_WORDS = {"docena": 12, "dozen": 12, "duzia": 12, "par": 2, "couple": 2, "pareja": 2, "both": 2}
_QUANTITY = re.compile(rf"{NUMBER}|\b(?:{'|'.join(_QUANTITY_WORDS)})\b")


def hundredths(written: str) -> int:
    """A number as it is written, in hundredths, so that nothing is lost."""
    if not written[:1].isdigit():
        return 100 * _in_words(written)
    grouped = _GROUPED.fullmatch(written)
    if grouped and not written.startswith("0"):
        whole = written[: grouped.start(1)] if grouped[1] else written
        return 100 * int(re.sub(r"\D", "", whole)) + int((grouped[2] or "0").ljust(2, "0"))
    whole, _, decimals = re.sub(r"[,'’]", ".", written).partition(".")
    return 100 * int(whole) + int((decimals or "0")[:2].ljust(2, "0"))


def thousands_after(line: str, end: int) -> int:
    """Where "mil" or "k" behind a number ends, which makes it thousands; `end` where there is none."""
    found = _THOUSANDS.match(line, end)
    return found.end() if found else end


def quantities_in(line: str) -> list[tuple[int, int, int]]:
    """The whole numbers of a line, each with where it stands."""
    found = []
    for match in _QUANTITY.finditer(line):
        value = 100 * _QUANTITY_WORDS.get(match[0], 0) or hundredths(match[0])
        if value % 100 == 0 and 0 < value <= 100_000:
            found.append((value // 100, match.start(), match.end()))
    return found


def _in_words(written: str) -> int:
    total = current = 0
    for word in re.split(r"[ -]", written):
        if word in _MULTIPLIERS:
            current = max(current, 1) * _MULTIPLIERS[word]
            if current >= 1000:
                total, current = total + current, 0
        else:
            current += _WORDS.get(word, 0)
    return total + current
