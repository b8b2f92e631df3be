"""What transcribers hear where nobody speaks: the last words of videos that they learnt from. Pure."""

from __future__ import annotations

import re
import unicodedata

_LONGEST_CHARACTERS = 90
# Each is the whole of what is heard; no customer says only this to a shop.
_WHOLE = frozenset(
    {
        *("you", "thanks for watching", "thank you for watching", "see you in the next video"),
        *("gracias por ver", "gracias por ver el video", "gracias por ver este video", "suscribete"),
        *("hasta la proxima", "nos vemos en el proximo video", "muchas gracias por ver el video"),
        *("obrigado por assistir", "obrigada por assistir", "inscreva se no canal"),
        *("please subscribe", "like and subscribe", "dont forget to subscribe", "subscribe"),
    }
)
# Who made the subtitles: in many wordings, but never in a question.
_CREDITS = re.compile(
    r"\bamara org\b|^(?:subtitulos|subtitulado|subtitles|legendas|legendado|transcrito|transcricao)"
    r"(?: \w+){0,3} (?:por|by|pela|pelo|de)\b"
)
_NO_WORD = re.compile(r"[^\w]+")


def is_of_silence(text: str) -> bool:
    """Whether a transcript is one of those that silence and noise are taken for."""
    if len(text) > _LONGEST_CHARACTERS:
        return False
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("'", ""))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    words = _NO_WORD.sub(" ", plain).strip()
    return words in _WHOLE or bool(_CREDITS.search(words))
