"""Guesses the language of a short message from its words and spelling. Pure, no dependency."""

from __future__ import annotations

import re

from wabot.brain.folding import fold

_WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")
_MAX_CHARACTERS = 2000

# Words of the three languages without their accents, because people leave them out. One that stands in two
# lists counts half for each, and what all three have, or any language borrows ("stock"), stands in none.
_WORDS = {
    "es": """
        a taza tazas te funciona
        hola buenas buenos dias tardes noches gracias por favor quiero quisiera queria necesito tengo
        tienes tienen tiene tenes teneis tendran tendreis hay el los las la un una unos unas y o pero
        porque que cuanto cuanta cuantos cuantas cuesta cuestan cuando donde adonde cual cuales quien
        quienes como es son esta estan estoy estas estamos estais soy eres sos somos sois hacen hace haces
        haceis hago hemos he ha han habeis has hecho puedo puede pueden podria podrian podeis podes
        podemos se lo le les mi mis me su sus tu te usted ustedes vosotros vosotras os nos nosotros con
        sin en de del al desde hasta para muy mas menos tambien si ya hoy manana ayer ahora ahorita aqui
        alli ahi abren abris abre cierran cierra cerrais cerrar cerrado abierto abiertos tienda precio
        precios envio envios enviar envian enviais pedido pedidos pagar pago pagado tarjeta efectivo lunes
        martes miercoles jueves viernes sabado sabados domingo domingos entonces esto eso estos algo nada
        nadie alguien vale dale venden vende vendeis aceptan aceptais llega llego llegar comprar regalo
        ayuda dinero devolver cambiar hablar persona incluye tarda tardan recomiendas marcas tallas calle
        hora horario dos veces cobrado direccion ubicacion telefono numero donde queda quedan sale salen
        valen me gustaria ustedes sigo luego luego bien buen buena estoy mañana jueves dia semana mes años
        ano ahi este esa ese esos unos che vos mandan mandame pasas pasame busco compre siguen sobre todo
        todos otra otro hijo hija perro gato cita eh porfa porfavor pues xq k tal feliz navidad adios
        seria puerta transferencia quedo minutos tarde
    """,
    "en": """
        hello hi hey good morning afternoon evening thanks thank thx thnx please pls plz you the an and or
        but because is are was were am i my your his her its our their he she it we they do does did don
        dont can could would will shall should may might have has had how what whats when where which who
        whom why much many any some there this that these those of to in on at for from with without by
        about not yes open close closed closing opening hours ship shipping deliver pay cash want need
        like know get got buy sell gift return tomorrow today tonight sunday monday tuesday wednesday
        thursday friday saturday if so me us them be been bye u ur im its anyone anybody someone somebody
        something anything book table just really long take takes speak talk cheap late pick up out off
        store price prices cost costs order orders mug mugs tea coffee money back wrong broken
    """,
    "pt": """
        la sabados domingos agradecemos precisar estamos feliz ano de te vos sigo que por
        ola oi bom boa dia tarde noite obrigado obrigada por favor
        quero queria gostaria preciso tenho tem tens temos os as o a um uma uns umas e ou mas porque que
        quanto quanta quantos custa custam quando onde aonde qual quais quem sao esta estao estou sou
        somos fazem faz faco fazer posso pode podem podes poderia lhe meu meus minha minhas seu sua seus
        suas voce voces vc vcs nos com sem do da dos das ao aos na no nos nas em num numa pelo pela muito
        muita mais tambem sim nao ja hoje amanha ontem agora aqui ai abre abrem fecha fecham aberto
        fechado loja preco precos envio enviam entrega entregam frete pedido pagar cartao dinheiro segunda
        terca quarta quinta sexta sabado domingo ate desde entao isso isto essa esse algo nada ninguem
        alguem vende vendem aceita aceitam chega chegar chegando comprar presente cha chas xicara caneca
        canecas ajuda devolver trocar falar pessoa tudo bem morada vosso vossa vossos vossas fica ficam
        tao foto resultado manda me se eu perco ligar pra pro pros pras tá ta to tou tchau hora horas
        horario horarios dos das telemovel faz fiz paguei parcela valor ver estiver seria este
    """,
    # Others, in which wabot has no texts: German, Dutch, French and Italian passed for Portuguese or English.
    "": """
        ist sind der dem und oder nicht ein eine einen ich sie wir ihr haben habe wann wie viel
        bitte danke hallo guten heute morgen geoffnet geschlossen kostet fur mit auf gibt noch uhr
        het een ik jij jullie niet wanneer hoeveel bedankt hebben zijn voor naar goedemorgen waar kan
        bonjour bonsoir merci est et je vous nous avez avec quand ou combien dans etes ouvert
        il ciao grazie buongiorno avete aperti oggi vorrei
        amb dimarts dissabte bon quin quan gracies obriu
    """,
}
_SPEAKERS: dict[str, list[str]] = {}
for _language, _text in _WORDS.items():
    for _word in dict.fromkeys(fold(_text).split()):
        _SPEAKERS.setdefault(_word, []).append(_language)

# ñ, ¿ and ¡ are Spanish; ã, õ, ç, â, ê, ô are Portuguese among the three.
_LETTERS = {"es": "ñ¿¡", "pt": "ãõçâêôà"}
# How words are spelt that stand in no list.
_SPELLINGS = {
    "es": re.compile(
        r"^ll|[ai]eis$|[aei]is$|ciones$|cion$|dad$|dades$|ie[nr][a-z]|ue[nr][a-z]|ando$|iendo$|[ae]ria?mos$"
    ),
    "pt": re.compile(r"lh|nh|ss|cao$|coes$|ao$|oes$|dade$|dades$|[aeiou]u$|ei[rt]|ens$|em$|[aei]ndo$"),
    "en": re.compile(r"th|wh|ck|sh|gh|oo|ee|tion$|ly$|[^aeiou]ing$|ould$"),
}
_SHORTEST_SPELT = 4

# So many words ahead, it decides half of the sample's questions and nearly all of its passages, each rightly.
# With one less, it takes Dutch and German sentences with "is", "was" and "so" for English.
_SURE_LEAD = 3.0
# What another language needs more than the default has, to be heard: a clear word, and nothing against it.
_OVERRULING_LEAD = 0.5


def detect_language(text: str, default: str) -> str:
    """The language of a text ("es", "en", "pt"); `default` where too little speaks against it.

    Args:
        text: what was written.
        default: what was spoken so far, or "" to hear the text alone.
    """
    votes = _votes(text)
    best = max(votes, key=lambda language: votes[language])
    others = max(score for language, score in votes.items() if language != best)
    if not default:
        return best if votes[best] >= 0.5 and votes[best] - others >= 0.4 else ""
    if best == default or votes[best] < _OVERRULING_LEAD or votes[best] - others < 0.4:
        return default
    return (best or default) if votes[best] - votes.get(default, 0.0) >= _OVERRULING_LEAD else default


def sure_language(text: str) -> str:
    """The language of a text that is long and clear enough to rely on it ("es", "en", "pt"); else ""."""
    votes = _votes(text)
    best, second, *_ = sorted(votes.values(), reverse=True)
    if best < _SURE_LEAD or best - second < _SURE_LEAD:
        return ""
    return max(votes, key=lambda language: votes[language])


def _votes(text: str) -> dict[str, float]:
    """How much speaks for each language, "" for those that wabot does not speak."""
    lowered = _ADDRESS.sub(" ", text[:_MAX_CHARACTERS].lower())
    votes = dict.fromkeys(_WORDS, 0.0)
    for word in _WORD.findall(fold(lowered)):
        speakers = _SPEAKERS.get(word, ())
        for language in speakers:
            votes[language] += 1 / len(speakers)
        if not speakers and len(word) >= _SHORTEST_SPELT:
            for language, spelling in _SPELLINGS.items():
                votes[language] += 0.5 * bool(spelling.search(word))
    if not lowered.isascii():
        for language, letters in _LETTERS.items():
            votes[language] += sum(lowered.count(letter) for letter in letters)
    return votes
