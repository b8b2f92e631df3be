"""Reads what of a numbered list somebody chose: "2", "el segundo", "the last one". Pure."""

from __future__ import annotations

import re

from wabot.brain.folding import fold

_ORDINALS = (
    "primero primera primer first primeiro primeira",
    "segundo segunda second",
    "tercero tercera tercer third terceiro terceira",
    "cuarto cuarta fourth quarto quarta",
    "quinto quinta fifth",
)
_NUMBERS = ("uno un una one um uma", "dos two dois duas", "tres three", "cuatro four quatro", "cinco five")
_PLACES = {
    word: place
    for names_of_all in (_ORDINALS, _NUMBERS)
    for place, names in enumerate(names_of_all)
    for word in names.split()
}
_LAST = ("ultimo", "ultima", "last")
_SMALL_WORDS = """
    el la lo los las the o a un numero number opcion option opcao nro no quiero dame me llevo ese esa that
    this one i want take quero esse essa por favor please pf si yes sim ok vale pues entonces mejor de da del
    ver foto
"""
_AROUND = frozenset(_SMALL_WORDS.split())
_LONGEST = 60


def choice_in(text: str, count: int) -> int | None:
    """The place, from 0, of what a message chooses of `count` things; None where it says more, or nothing."""
    if len(text) > _LONGEST:
        return None
    words = re.findall(r"[^\W_]+", fold(text.replace("\ufe0f", "").replace("\u20e3", "")))
    said = [word for word in words if word not in _AROUND or (word in _PLACES and len(words) == 1)]
    if len(said) != 1:
        return None
    (word,) = said
    place = (
        count - 1
        if word in _LAST
        else int(word) - 1
        if word.isdecimal() and len(word) < 4
        else _PLACES.get(word, -1)
    )
    return place if 0 <= place < count else None
