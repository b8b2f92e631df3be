"""Compares what people write with words of the configuration; case, accents and punctuation do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LONGEST_TEXT_CHARACTERS = 2000
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
