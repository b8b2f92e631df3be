"""
Recognises a message that asks nothing of the business: a greeting, thanks, a wish, "are you a robot?".
Pure.
"""

from __future__ import annotations

import re
from typing import Literal

from wabot.brain.knowledge.search.terms import plain

Courtesy = Literal[
    "robot", "presence", "how_are_you", "attention", "wishes", "thanks", "farewell", "greeting", "nod"
]

#: The kinds, from the one that matters least beside others to that which matters most.
COURTESIES: tuple[Courtesy, ...] = (
    "nod",
    "thanks",
    "farewell",
    "greeting",
    "wishes",
    "attention",
    "how_are_you",
    "presence",
    "robot",
)

_LONGEST_CHARACTERS = 200

# Phrases are taken out of a message in this order; the first kind found is what is answered.
_PHRASES: tuple[tuple[Courtesy, str], ...] = (
    (
        "robot",
        r"(?:eres|sos|es|esto es|usted es|are you|r you|is this|am i (?:talking|speaking) (?:to|with)|"
        r"voces? (?:e|es)|es|e|tu es|"
        r"estoy hablando con|hablo con|falo com|estou falando com|estou a falar com) "
        r"(?:usted |voce |tu )?(?:un |una |um |uma |an? )?(?:robot|robo|bot|chatbot|maquina|machine|ia|"
        r"ai|inteligencia artificial|real|humano|human|"
        r"persona|person|pessoa|persona real|real person|pessoa real|humana)(?: (?:o|or|ou) (?:un |una |"
        r"um |uma |an? )?\w+(?: real)?)?",
    ),
    (
        "presence",
        r"(?:hay|tem|esta ai|ai esta|esta|is) (?:ahi |ai )?(?:alguien|alguem|anyone|anybody|someone)(?: "
        r"(?:ahi|ai|there|por ahi|disponible|en linea|online))?|"
        r"any(?:one|body) (?:there|here|home)|(?:estas|estan|estais|esta|andas) (?:ahi|por ahi|ai|"
        r"disponible|en linea)|you there|are you there",
    ),
    (
        "how_are_you",
        r"que tal(?: (?:estas|esta|estais|estan|todo|va|te va|el dia|como estas))?|como (?:estas?|"
        r"estais|estan|andas|va todo|va|vai|te va|le va)(?: usted)?|"
        r"how (?:are|r) (?:you|things)(?: doing)?|hows it going|how is it going|todo bien|tudo (?:bem|"
        r"bom)|whats up|como vai voce",
    ),
    (
        "attention",
        r"(?:una|uma|otra) (?:cosa|pregunta|duda|cosita|preguntita|consulta|consultita|pergunta)|"
        r"(?:tengo|tenho) (?:una|uma) \w+|quick question|a question|"
        r"(?:disculp\w+|perdon\w*|desculp\w+|oiga|oye|sorry|excuse me|com licenca)(?: (?:la|a) molestia)?",
    ),
    (
        "wishes",
        r"^(?:feliz|felices|happy|merry) (?:\w+ ){0,4}\w+$|"
        r"(?:feliz|felices|felicidades|buen|buena|bom|boa|boas|happy|merry|have a|que (?:tengan?|tengas|"
        r"tenga|pase|pases|tenha)) "
        r"(?:un |una |um |uma |a )?(?:muy |good |nice |great |lovely |linda? |excelente |buen |buena |"
        r"bom |boa |feliz |happy )?"
        r"(?:navidad\w*|natal|christmas|xmas|fiestas|festas|ano|ano nuevo|ano novo|new year|pascuas?|"
        r"pascoa|easter|dia|day|tarde|finde|fin de semana|"
        r"fim de semana|weekend|semana|week|reyes|holidays|one)(?: (?:nuevo|novo|a todos|to you|you all|"
        r"all))*"
        r"|(?:linda|lindo|bonita|bonito|excelente|bella) "
        r"(?:tarde|dia|noche|semana)",
    ),
    (
        "thanks",
        r"(?:mil |muchas |muchisimas |many |muito )?(?:gracias|thanks|thank you|thank|thx|ty|tks|"
        r"obrigad[oa]|brigad[oa]|valeu|vlw|cheers|ta)(?: (?:you|a lot|so much|very much|mate))?",
    ),
    (
        "farewell",
        r"adios|chao|chau|bye(?: bye)?|goodbye|tchau|cya|see you(?: (?:later|soon|tomorrow))?|take care|"
        r"hasta (?:luego|pronto|manana|la proxima)|nos vemos|"
        r"ate (?:logo|mais|amanha|breve|ja)|have a nice day",
    ),
    (
        "greeting",
        r"(?:muy )?(?:buenas?|buenos|bom|boa|good|bon|bona|bones) (?:tardes?|dias?|noches?|noites?|"
        r"noite|tarda|nit|morning|afternoon|evening|night)|"
        r"hola+|ola|oi+|alo|buenas|buenos|hello|hi+|hiya|hey+|greetings|saludos|kaixo|egun on|aupa|"
        r"bones|muy buenas|holi|good day|howdy|morning|e ai",
    ),
    (
        "nod",
        r"okay|ok|okey|okis|vale|dale|si|no|ya|bien|bueno|listo|perfecto|genial|entendido|claro|de "
        r"acuerdo|estupendo|yes|yeah|yep|yup|nope|sure|fine|good|great|cool|"
        r"nice|perfect|alright|right|got it|understood|sim|nao|ta|esta|certo|otimo|beleza|blz|combinado|"
        r"entendi|perfeito|legal|(?:ja|ha|he|je){2,}|"
        r"k{3,}|(?:rs)+|lol|excelente|joya|buenisimo|buena onda",
    ),
)
_COMPILED = tuple((courtesy, re.compile(rf"\b(?:{phrase})\b")) for courtesy, phrase in _PHRASES)
# What a courtesy is wrapped in.
_SAID_FILLERS = """
    a e y o and und the that there then muy mucho muchas mil todo todos todas so very much many lot
    a you your su tu usted ustedes vosotros amable majo maja guapo guapa amigo amiga genio crack
    mate dear team sir madam senor senora senorita equipo chicos guys everyone all pela pelo por tu
    su la el los las ajuda ayuda atencion help info informacion rapida respuesta rapido todo favor
    please mais voces voce tambien che mira dale ok bien bueno igual luego pronto manana later soon
    logo dia hoy de da do
"""
_FILLERS = frozenset(_SAID_FILLERS.split())
# Words that are a courtesy only beside one.
_ASKED_BACK = ("nod", "farewell", "wishes")


def small_talk_in(text: str) -> Courtesy | None:
    """Which courtesy (es, en or pt) a message is and nothing else; None when it says more.

    What has no word at all, as 👍 or "…", is a nod; with a question mark it is somebody who waits.
    """
    asks = "?" in text or "\N{ARABIC QUESTION MARK}" in text
    if len(text) > _LONGEST_CHARACTERS or any(character.isdigit() for character in text):
        return None
    rest = " ".join(re.findall(r"[^\W\d_]+", plain(text)))
    if not rest:
        return "greeting" if asks else "nod"
    found: list[Courtesy] = []
    for courtesy, phrase in _COMPILED:
        rest, times = phrase.subn(" ", rest)
        if times:
            found.append(courtesy)
    if not found or not _FILLERS.issuperset(rest.split()):
        return None
    return None if asks and found[0] in _ASKED_BACK else found[0]
