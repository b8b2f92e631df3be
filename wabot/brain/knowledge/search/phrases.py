"""What a question asks by its form: "how much", "donde estan", "a que hora". Pure."""

from __future__ import annotations

import re

#: What asks when the doors are open, and no other time.
OPENING_WORDS = re.compile(
    r"\b(?:abr[ei]\w*|cierr\w*|cerr[aá]\w*|open\w*|clos\w+|shut\w*|abert[oa]s?|abiert[oa]s?|fech\w+|"
    r"encerr\w+)\b"
)

# Each is taken out of the question, so that its words mean nothing else.
_BOOKED = "cita|citas|hora|horario|turno|consulta|mesa|reserva|appointment|table|slot"
_PHRASES = (
    (
        "delivery",
        r"a domicilio|(?:a|hasta) (?:mi |la )?casa|em casa|trae(?:is|n)? a|home delivery|delivery|"
        r"(?:me|nos) (?:lo|la|los|las) (?:pueden? |podeis |podes )?(?:llev|tra[ei])\w*",
    ),
    (
        "parking",
        r"d?onde (?:puedo |puede |se puede |posso )?(?:dejar|deixar|estacionar|aparcar|parquear)\w*(?: "
        r"(?:el|o|mi) (?:coche|carro|auto))?",
    ),
    (
        "pickup",
        r"pick(?: \w+){0,2} up|collect in(?: \w+)?|(?:paso|pasar|passar) (?:a|por|para) (?:buscar|"
        r"recoger|el|la|ai|ahi)\w*|para llevar|take ?away|take ?out",
    ),
    (
        "duration",
        r"(?:[cq]uant[oa]s? (?:tiempo |tempo |dias |horas )?(?:se )?(?:tarda|demora|dura|lleva|leva|"
        r"falta)\w*|how long|how soon|quanto tempo|cuanto tiempo|en cuanto tiempo|demora\w*|tarda\w*)",
    ),
    (
        "price",
        r"how much|[cq]uanto(?! (?:vive|mide|pesa|crece|come|aguanta)\w*)|a como|en cuanto (?:esta|"
        r"tiene\w*|sale)|que (?:precio|vale)|por cuanto",
    ),
    (
        "booking",
        rf"(?:pedir|pido|sacar|coger|agarrar|marcar|agendar|reservar|apartar|hacer|solicitar|book|"
        rf"quiero|querria|necesito|quero|preciso) (?:de )?(?:una? |la |mi |um |uma |a )?(?:{_BOOKED})s?|"
        rf"table for|mesa para|book (?:a|my|in)",
    ),
    (
        "hours",
        r"(?:a|hasta|desde|de|ate|as|until|till) que horas?|que horas?|horas? d[eo]|what time|(?<!\d )hours|"
        r"que horario\w*",
    ),
    (
        "phone",
        r"(?:a |un |que |algun )?(?:numero|number) (?:de |para |pra |to |les? |se )?(?:marco|marcar|"
        r"llamar|call|celular|telefono|contacto|whatsapp)\w*|(?:a |un |que )numero|phone number",
    ),
    (
        "place",
        r"a?d?onde (?:exactamente )?(?:est[aoe]\w*|queda\w*|se (?:encuentra|ubica)\w*|os|los|las|"
        r"fica\w*|e|vcs|voces|sao|tienen|teneis)(?: \w*ubica\w*)?|como (?:se )?(?:llego|llegar|llega|"
        r"chego|chegar|chega)\w*|how (?:do|can) (?:i|we|you) (?:get|find)|where (?:are|is|can)|where|en "
        r"que (?:calle|parte|zona|barrio|lugar|sitio)",
    ),
    ("when", r"cuando|when|quando|que dias?|what days?|which days?"),
    ("returns", r"money back|send (?:it|them) back|bring (?:it|them) back|come back"),
    ("returns", r"devolv\w+"),
    (
        "tender",
        r"contra ?reembolso|a la cobranca|a cobranca|apple pay|google pay|american express|mercado pago|"
        r"mb way",
    ),
    (
        "installments",
        r"\d+ ?(?:x|veces|vezes)|meses sin intereses|sin intereses|en cuotas|a plazos|sem juros",
    ),
    ("gift_card", r"vale(?:s)? (?:de )?(?:regalo|presente|oferta)|gift cards?|tarjetas? (?:de )?regalo"),
    ("allergy", r"gluten[ -]?free|sin gluten|sem gluten|sin lactosa|frutos secos"),
    (
        "jobs",
        r"trabajar con (?:ustedes|vosotros|nosotros)|trabalhar com (?:voces|nos)|work (?:for|with) "
        r"(?:you|us)|busco trabajo",
    ),
    ("discount", r"black friday|cyber monday"),
    (
        "abroad",
        r"fuera de|outside (?:of )?|the (?:us|uk|states)|ee ?uu|estados unidos|otros paises|fora de|fora do",
    ),
    (
        "catalogue",
        r"(?:que|what|quais|lista de|list of) (?:cosas )?(?:venden|vendeis|vendem|sell|hacen|haceis|"
        r"ofrecen|fazem|hay|do (?:you|u) (?:sell|have|offer|do))|lista|price list",
    ),
)
# What asks for a list, with its name: "what pizzas do you do?".
_LIST_ASKED = re.compile(
    r"\b(?:(?:que|quais|cuales) (?:\w+ )?\w+ (?:tien\w+|ten[eé]\w+|tem|tens|vend\w+|manej\w+|hay|ha|"
    r"hac\w+|ofrec\w+|fazem|(?:voces|vcs) \w+)|"
    r"(?:what|which) (?:\w+ )?\w+ (?:do|have|are|r) (?:you|u|there)(?: (?:do|have|sell|offer|serve|make|"
    r"stock|got|run|teach))?\W*$)"
)
_COMPILED_PHRASES = tuple((subject, re.compile(rf"\b(?:{phrase})\b")) for subject, phrase in _PHRASES)


def phrases_in(question: str) -> tuple[list[str], str]:
    """The subjects a plain question names by its form, and the rest of its words."""
    found: list[str] = ["catalogue"] if _LIST_ASKED.search(question) else []
    for subject, phrase in _COMPILED_PHRASES:
        rest = phrase.sub(" ", question)
        if rest != question:
            found.append(subject)
            question = rest
    return list(dict.fromkeys(found)), question
