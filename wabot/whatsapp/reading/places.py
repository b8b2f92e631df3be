"""Places and contacts in words: one line that says what a person sees on the map or on the card."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from wabot.whatsapp.reading.text_fields import clean, one_line

_MOST_CARDS, _MOST_NUMBERS, _MOST_LINES = 20, 5, 200
_LONGEST_CHARACTERS = 300


def place_in_words(place: Any) -> str:
    """A place by its name, its address, what is said of it, and where it lies; "" when it says nothing."""
    said = (getattr(place, name, "") for name in ("name", "address", "caption", "comment"))
    return ", ".join(dict.fromkeys(filter(None, [*(_short(each) for each in said), _degrees(place)])))


def cards_in_words(cards: Any) -> str:
    """Contacts by their names, phone numbers and addresses for e-mail, with a semicolon between them."""
    return "; ".join(filter(None, map(_card, islice(cards, _MOST_CARDS))))


def _degrees(place: Any) -> str:
    if not (place.HasField("degreesLatitude") and place.HasField("degreesLongitude")):
        return ""
    latitude, longitude = place.degreesLatitude, place.degreesLongitude
    is_on_earth = math.isfinite(latitude) and math.isfinite(longitude)
    is_on_earth = is_on_earth and abs(latitude) <= 90 and abs(longitude) <= 180
    return f"{latitude:.5f},{longitude:.5f}" if is_on_earth else ""


def _card(card: Any) -> str:
    numbers = islice(_values(clean(card.vcard)), _MOST_NUMBERS)
    return ", ".join(dict.fromkeys(filter(None, [_short(card.displayName), *numbers])))


def _values(vcard: str) -> Iterator[str]:
    """What stands on a card for reaching somebody."""
    for line in islice(vcard.splitlines(), _MOST_LINES):
        label, _colon, value = line.partition(":")
        # As "item1.TEL;type=CELL;waid=34600111222".
        if label.partition(";")[0].rpartition(".")[2].upper() in ("TEL", "EMAIL"):
            yield _short(value)


def _short(text: str | bytes) -> str:
    return one_line(text, _LONGEST_CHARACTERS)
