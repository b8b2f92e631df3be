"""Compares what people write with words of the configuration; case, accents and punctuation do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LONGEST_TEXT_CHARACTERS = 2000
_ASCII_WORDS = re.compile(r"[a-z0-9#]+")


def normalized(text: str) -> str:
    """The words of a text, folded and single-spaced: "¡Baja, por favor!" is "baja por favor".

    "#" stays, because commands begin with it. Only the first 2000 characters count.
    """
    text = text[:_LONGEST_TEXT_CHARACTERS]
    if text.isascii():
        # As below, in a tenth of the time: each message is compared several times.
        return " ".join(_ASCII_WORDS.findall(text.lower()))
    letters = unicodedata.normalize("NFKD", text).casefold()
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
