"""What people write, compared with words and patterns of the configuration: triggers, commands, opt-outs.

Case, accents and punctuation do not count.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

log = logging.getLogger(__name__)

_LONGEST_TEXT_CHARACTERS = 2000
# A pattern such as (a|a)*b needs time without end on a text of 40 letters. `re` cannot be interrupted and
# holds the interpreter's lock meanwhile; `regex` stops in time and lets the other threads run (measured).
_TIMEOUT_SECONDS = 0.1

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, value: has_phrase(text, (value,)),
    "equals": lambda text, value: normalized(text) == normalized(value),
    "starts_with": lambda text, value: f"{normalized(text)} ".startswith(f"{normalized(value)} "),
    "ends_with": lambda text, value: f" {normalized(text)}".endswith(f" {normalized(value)}"),
}


def is_triggered(text: str, type_: str, operator: str, values: Sequence[str]) -> bool:
    """Whether a text starts the bot.

    Args:
        text: what the customer wrote.
        type_: "all", "keyword" or "regex".
        operator: for keywords: "contains", "equals", "starts_with" or "ends_with", each by whole words.
        values: the keywords, or the patterns; any of them is enough.
    """
    if type_ == "all":
        return True
    if type_ == "regex":
        return any(_matches(value, text) for value in values)
    return any(_OPERATORS[operator](text, value) for value in values)


def pattern_problem(pattern: str) -> str:
    """What is wrong with a pattern, for people; "" when it can be used."""
    try:
        _compiled(pattern)
    except ValueError as error:
        return str(error)
    return ""


def _matches(pattern: str, text: str) -> bool:
    try:
        found = _compiled(pattern).search(
            text[:_LONGEST_TEXT_CHARACTERS], timeout=_TIMEOUT_SECONDS, concurrent=True
        )
    except TimeoutError:
        log.warning("the pattern %r took too long on a message; that counts as no match", pattern)
        return False
    return found is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    # Imported late: only an owner who uses patterns needs it.
    import regex

    try:
        return regex.compile(pattern, regex.IGNORECASE)
    except (regex.error, RecursionError) as error:
        raise ValueError(str(error) or "nested too deeply") from None


# What nobody sees is not between two letters either: soft hyphens, joiners, marks of direction.
_UNSEEN = dict.fromkeys(
    (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF), None
)
_ASCII_WORDS = re.compile(r"[a-z0-9#]+")


def normalized(text: str) -> str:
    """The words of a text, folded and single-spaced: "¡Baja, por favor!" is "baja por favor".

    "#" stays, because commands begin with it. Of a text with more than 2000 characters its beginning and its
    end count.
    """
    if len(text) > _LONGEST_TEXT_CHARACTERS:
        half = _LONGEST_TEXT_CHARACTERS // 2
        text = f"{text[:half]} {text[-half:]}"
    if text.isascii():
        # As below, in a tenth of the time: each message is compared several times.
        return " ".join(_ASCII_WORDS.findall(text.lower()))
    letters = unicodedata.normalize("NFKD", text.translate(_UNSEEN)).casefold()
    kept = "".join(
        " " if not (character.isalnum() or character == "#") else character
        for character in letters
        if not unicodedata.combining(character)
    )
    return " ".join(kept.split())


def is_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether a text says one of the phrases and nothing else."""
    return normalized(text) in _folded(phrases)


def has_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether one of the phrases stands in a text, as whole words."""
    if not phrases:
        return False
    said = f" {normalized(text)} "
    return any(f" {wanted} " in said for wanted in _folded(phrases))


@lru_cache(maxsize=256)
def _folded(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(filter(None, map(normalized, phrases)))
