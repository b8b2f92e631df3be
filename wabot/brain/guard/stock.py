"""Finds statements about stock in folded text: there is some, so many, or none. Pure."""

from __future__ import annotations

import re

from wabot.brain.guard.claim import Claim
from wabot.brain.guard.numbers import NUMBER, hundredths

IN_STOCK, SOLD_OUT = "in stock", "sold out"

_STOCK = r"(?:en )?(?:stock|existencias?|almacen|estoque)"
_NONE = (
    r"\bagotad[oa]s?\b|\besgotad[oa]s?\b|\bsold out\b|\bout of stock\b|\b(?:sin|fuera de|sem|fora de|"
    r"no) (?:stock|existencias|estoque)\b|"
    rf"\bno (?:nos |me )?(?:quedan?|hay|tenemos)\b[^.;,!?]{{0,30}}\b{_STOCK}|\bno (?:nos |me )?quedan?\b|"
    rf"\b(?:nao|not|isn'?t|aren'?t|no longer)\b[^.;,!?]{{0,20}}\b(?:em |in |en )(?:stock|estoque)\b|"
    rf"\bnao (?:temos|ha|restam?|sobrou)\b[^.;,!?]{{0,30}}\bestoque\b|"
    r"\bno disponibles?\b|\bindisponive(?:l|is)\b|\bunavailable\b|\bnot available\b|\bnone left\b|"
    r"\bwe(?:'ve| have)? r[au]n out\b|"
    r"\bstock ?[:=]? ?(?:0\b|no\b|none\b|agotado)"
)
_COUNT = (
    rf"\b(?:(?:nos |me )?quedan?|restam?|sobram?|hay|ha|temos|tenemos|only|solo|just|still have|we have|"
    rf"disponemos de)(?: (?:solo|apenas|ainda|todavia|aun|unas|so))? "
    rf"(?P<count>{NUMBER}) (?:unidade?s|ud|uds|piezas|pecas|units?|pieces|in stock|en stock|em stock|"
    rf"em estoque|disponibles|disponiveis|left|available)"
    rf"|\b(?:nos |me )?quedan? (?:solo )?(?P<left>{NUMBER})\b|\brestam? (?:apenas |so )?(?P<rest>{NUMBER})\b|"
    rf"\b(?P<units>{NUMBER}) (?:\w+ ){{0,3}}left\b(?! (?:turn|hand|side))"
    rf"|\bstock ?(?:de |of |disponible)?[:=]? ?(?P<row>\d+)\b|\b(?P<behind>{NUMBER}) (?:unidades |"
    rf"units |uds )?(?:en|in|em) (?:stock|estoque)"
    rf"|\b(?P<free>{NUMBER}) (?:unidades|units|pieces|piezas) (?:disponibles|available|disponiveis)"
)
_SOME = (
    r"\b(?:en|in|em) (?:stock|estoque)\b|\bhay (?:stock|existencias|de sobra)\b|\b(?:tenemos|temos|hay|"
    r"ha|con|com|queda|quedan|with) (?:stock|existencias|estoque)\b|"
    r"\bhay (?:\w+ )?(?:disponibles?|unidades)\b|\bdisponibilidad inmediata\b|\b(?:ultimas|last few|"
    r"ultimas) (?:unidades|units)\b|\bplenty (?:left|of stock)\b|"
    r"\b(?:nos |me |aun |todavia |still )quedan?\b|\bstock ?[:=] ?(?:si|yes|sim)\b|\bpronta entrega\b"
)
_PATTERN = re.compile(rf"(?P<none>{_NONE})|{_COUNT}|(?P<some>{_SOME})")
# Who does not know, or asks, states nothing.
_UNSURE = re.compile(
    # "sí hay" and "si hay" are one when folded: the second follows another word.
    r"(?:\b(?:whether|if|sobre(?: la| el)?|about(?: the)?|cuant[oa]s?|how many|quant[oa]s)|\w (?:si|"
    r"se))\b[^.,;!?]{0,40}\Z|"
    r"\b(?:no (?:lo |le |te )?(?:se|tengo|puedo|dispongo|consta|conozco)|can'?t|cannot|don'?t|do not|"
    r"not sure|nao (?:sei|tenho|posso|consigo|consta)|"
    r"consult\w*|comprob\w*|compruebo|verific\w*|check\w*|confirmar|confirme)\b[^.;!?]{0,60}\Z"
)


_SAYS_SO = re.compile(r"\b(?:se|si|whether|if|sei|know|sure)\b")


def stock_in(line: str) -> list[Claim]:
    """What a line says about stock; not where it only asks, or says that this is not known."""
    found = []
    for match in _PATTERN.finditer(line):
        if _UNSURE.search(line[: match.start()]) or _SAYS_SO.search(match[0]):
            continue
        if match["none"]:
            meaning = SOLD_OUT
        else:
            count = next(
                (text for name, text in match.groupdict().items() if text and name not in ("none", "some")),
                "",
            )
            number = hundredths(count) // 100 if count else None
            meaning = IN_STOCK if number is None else str(number) if number else SOLD_OUT
        found.append(Claim("stock", frozenset({meaning}), match.start(), match.end()))
    return found
