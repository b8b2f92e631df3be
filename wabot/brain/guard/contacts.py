"""Finds telephone numbers, links, mail addresses and accounts (@name) in folded text. Pure."""

from __future__ import annotations

import re

from wabot.brain.guard.claim import Claim

_ENDINGS = (
    "com|net|org|es|mx|co|br|pt|uk|io|app|shop|store|info|biz|eu|me|ar|cl|pe|ly|to|gl|link|online|site|"
    "tienda|"
    "example|test|dev|ai|us|de|fr|it|cat|gal|eus|pizza|cafe|gt|cr|ec|uy|do|page|web|chat|bio|ee"
)
_LINK = re.compile(
    r"https?://\S+|\bwww\.\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<![\w@])@[a-z0-9_.]{3,}|"
    rf"(?<![\w.@-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_ENDINGS})\b(?:/\S*)?(?!\.?[\w-])"
)
_TRAILING = ".,;:!?)]}>»\"'*_…"
_PHONE = re.compile(r"(?<![\w.,/$€£-])\+?\s?\(?\d[\d ().\-]{5,22}\d(?![\w/]|\s?(?:€|euros?|pesos|reais|%))")
_NO_PHONE = re.compile(
    # Amounts with thousands, ranges of them and of times, dates.
    r"(?:\d{1,3}(?:[. ]\d{3})+(?:,\d{1,2})?|\d{1,2}[.:]\d{2}|\d{1,4})(?:\s?-\s?(?:\d{1,3}(?:\.\d{3})+|"
    r"\d{1,2}[.:]\d{2}|\d{1,4}))*"
    r"|\d{1,2}[-.]\d{1,2}[-.]\d{2,4}|\d{4}-\d{2}-\d{2}"
)
_SPACED_THOUSANDS = re.compile(r"\d{1,3} \d{3} \d{3}|\d{3} \d{3}")
_LEAST_DIGITS, _MOST_DIGITS = 7, 15


def links_in(line: str) -> list[Claim]:
    """The links of a line; two that lead to the same place mean the same."""
    found = []
    for match in _LINK.finditer(line):
        written = match[0].rstrip(_TRAILING)
        found.append(Claim("link", frozenset({_plain(written)}), match.start(), match.start() + len(written)))
    return found


def telephones_in(line: str) -> list[Claim]:
    """The telephone numbers of a line, by their digits."""
    found = []
    for match in _PHONE.finditer(line):
        digits = re.sub(r"\D", "", match[0])
        is_other = _NO_PHONE.fullmatch(match[0].strip()) and not _SPACED_THOUSANDS.fullmatch(match[0].strip())
        if _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS and not (
            is_other and " " not in match[0].strip("+ ")
        ):
            found.append(Claim("telephone", frozenset({digits}), match.start(), match.end()))
    return found


def same_telephone(one: str, other: str) -> bool:
    """Whether two numbers differ at most by the country's code."""
    short, long = sorted((one.lstrip("0"), other.lstrip("0")), key=len)
    return len(short) >= _LEAST_DIGITS - 1 and long.endswith(short) and len(long) - len(short) <= 4


def leads_within(link: str, known: str) -> bool:
    """Whether a link is a known one, or the site that one is on."""
    if link == known:
        return True
    if link.startswith("@"):
        return "@" not in known and known.rsplit("/", 1)[-1] == link[1:]
    if link.startswith("instagram.com/"):
        return known == "@" + link.removeprefix("instagram.com/")
    return "@" not in link and known.startswith(link + "/")


def _plain(link: str) -> str:
    plain = re.sub(r"^https?://", "", link)
    return plain.removeprefix("www.").removeprefix("mailto:").rstrip("/")
