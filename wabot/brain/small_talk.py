"""Recognises a message that asks nothing: a greeting, thanks, a goodbye, a nod. Pure."""

from __future__ import annotations

import re
from typing import Literal

from wabot.brain.knowledge.terms import fold

_WORD = re.compile(r"[^\W\d_]+")

_SAYS_HELLO = "hola ola oi alo buenas buenos hello hi hey greetings saludos good bom boa"
_SAYS_THANKS = "gracias thanks thank obrigado obrigada brigado brigada valeu cheers"
_WITH_HELLO = "que tal dia dias tardes noches there morning afternoon evening tarde noite tudo bem buen"
_WITH_THANKS = """
    muchas mil muy amable perfecto genial vale ok de acuerdo you very much so many great perfect okay lot a
    muito perfeito
"""
_SAYS_BYE = "adios chao chau bye goodbye tchau cya hasta luego pronto manana ate logo amanha breve"
_WITH_BYE = "y e and see you take care later soon que le vaya tenga un buen dia have a nice day mais"
_NODS = """
    ok okay okey okis vale dale si no ya bien bueno listo perfecto genial entendido claro acuerdo de estupendo
    yes yeah yep yup no nope sure fine good great cool nice perfect alright right got it understood
    sim nao ta esta certo otimo beleza blz combinado entendi perfeito legal
    jaja jajaja jajajaja haha hahaha hehe kkk kkkk kkkkk rsrs lol
"""
_HELLO = frozenset(_SAYS_HELLO.split())
_THANKS = frozenset(_SAYS_THANKS.split())
_GREETING = _HELLO | frozenset(_WITH_HELLO.split())
_BYE = frozenset(_SAYS_BYE.split())
_NOD = frozenset(_NODS.split())
_THANKING = _GREETING | _THANKS | _NOD | _BYE | frozenset(_WITH_BYE.split()) | frozenset(_WITH_THANKS.split())
_PARTING = _BYE | _NOD | frozenset((*_WITH_BYE.split(), *_WITH_HELLO.split()))

Courtesy = Literal["greeting", "thanks", "farewell", "nod"]


def small_talk_in(text: str) -> Courtesy | None:
    """Which courtesy (es, en or pt) a message is and nothing else; None when it says more.

    What has no word at all, as 👍 or "…", is a nod; with a question mark it is somebody who waits.
    """
    said = set(_WORD.findall(fold(text[:200])))
    asks = "?" in text or "\N{ARABIC QUESTION MARK}" in text
    if len(text) > 200 or any(character.isdigit() for character in text):
        return None
    if not said:
        return "greeting" if asks else "nod"
    if said & _THANKS and said <= _THANKING:
        return "thanks"
    if said & _HELLO and said <= _GREETING:
        return "greeting"
    if asks:
        return None
    if said & _BYE and said <= _PARTING:
        return "farewell"
    return "nod" if said <= _NOD else None
