"""Recognises a message that is a greeting or thanks and nothing else. Pure."""

from __future__ import annotations

import re
from typing import Literal

from wabot.brain.words import fold

_WORD = re.compile(r"[^\W\d_]+")

_SAYS_HELLO = "hola ola oi alo buenas buenos hello hi hey greetings saludos good bom boa"
_SAYS_THANKS = "gracias thanks thank obrigado obrigada brigado brigada valeu cheers"
_WITH_HELLO = "que tal dia dias tardes noches there morning afternoon evening tarde noite tudo bem buen"
_WITH_THANKS = """
    muchas mil muy amable perfecto genial vale ok de acuerdo you very much so many great perfect okay lot a
    muito perfeito
"""
_HELLO = frozenset(_SAYS_HELLO.split())
_THANKS = frozenset(_SAYS_THANKS.split())
_GREETING = _HELLO | frozenset(_WITH_HELLO.split())
_THANKING = _GREETING | _THANKS | frozenset(_WITH_THANKS.split())


def courtesy_in(text: str) -> Literal["greeting", "thanks"] | None:
    """Tell whether a message (es, en or pt) is only a greeting or only thanks; None when it says more."""
    said = set(_WORD.findall(fold(text[:200])))
    if len(text) > 200 or not said:
        return None
    if said & _THANKS and said <= _THANKING:
        return "thanks"
    if said & _HELLO and said <= _GREETING:
        return "greeting"
    return None
