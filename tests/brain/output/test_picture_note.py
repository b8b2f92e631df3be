"""The line in which a model says what a picture shows: never the customer's to read, and never lost."""

from __future__ import annotations

import pytest

from wabot.brain.output.reply_text import read_reply_text

_OF_PAYMENT = "Gracias, lo revisa una persona."


@pytest.mark.parametrize(
    ("written", "text", "words", "note"),
    [
        ("Sí, a 12 €.\nPICTURE_SHOWS: a red pot, 24 cm", "Sí, a 12 €.", "", "a red pot, 24 cm"),
        ("PICTURE_SHOWS: a pot\n\nSí.\nA 12 €.", "Sí.\nA 12 €.", "", "a pot"),
        ("**PICTURE_SHOWS:** a *pot*\nSí", "Sí", "", "a *pot"),
        ("Sí. PICTURE_SHOWS: a pot", "Sí.", "", "a pot"),
        ("Sí.\n`PICTURE\\_SHOWS` - one\nPICTURE_SHOWS: two", "Sí.", "", "one; two"),
        ("Sí.\n\n*Pictures show:*\n- one\n- two", "Sí.", "", "one; two"),
        ('{"response": "Sí.\\nPICTURE_SHOWS: pot"}', "Sí.", "", "pot"),
        (f"{_OF_PAYMENT} CHECK_PAYMENT\n\nPICTURE_SHOWS: 25 €", _OF_PAYMENT, "CHECK_PAYMENT", "25 €"),
        (f"{_OF_PAYMENT}\nPICTURE_SHOWS: 25 €\nCHECK_PAYMENT", _OF_PAYMENT, "CHECK_PAYMENT", "25 €"),
        (f"{_OF_PAYMENT}\n[CHECK PAYMENT]", _OF_PAYMENT, "CHECK_PAYMENT", ""),
        ("PICTURE_SHOWS: a meme\nNO_REPLY", "", "NO_REPLY", "a meme"),
        ("This picture shows our red pot: nice.", "This picture shows our red pot: nice.", "", ""),
        ("Sí.\nPICTURE_SHOWS", "Sí.", "", ""),
        ("Sí.\nPICTURE_SHOWS: " + "x" * 600, "Sí.", "", "x" * 500),
    ],
)
def test_the_note_is_taken_off(written: str, text: str, words: str, note: str) -> None:
    read = read_reply_text(written)
    assert (read.text, " ".join(read.words), read.note) == (text, words, note)
