"""Guesses the language of a short message from its small words and its letters. Pure, no dependency."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")
_MAX_CHARACTERS = 2000

# Words that occur in one of the three languages only, or are far more common there; without accents too,
# because people leave them out. Words two of them share ("para", "como", "a", "no") say nothing.
_WORDS = {
    "es": """
        hola buenas buenos dias tardes noches gracias por favor quiero quisiera queria necesito tengo tienes
        tienen tiene hay el los las un una unos unas y o pero porque cuanto cuánto cuanta cuesta cuestan
        cuando cuándo donde dónde adonde qué cual cuál cuales cuáles quien quién cómo es son está están estan
        estoy soy eres somos hacen hace haces puedo puede pueden podría podrian se lo le les mi su sus usted
        ustedes vosotros nosotros con sin del al muy más mas también tambien sí ya hoy mañana ayer ahora aquí
        allí abren cierran abierto cerrado tienda precio precios envío envíos envio envios envían pedido
        pedidos pagar tarjeta efectivo domingo domingos lunes martes miércoles jueves viernes sábado sabado
        hasta desde entonces esto eso esta este algo nada vale dale venden vende aceptan llega llegar
        comprar regalo té tés taza tazas me gustaría ayuda dinero devolver cambiar hablar persona
    """,
    "en": """
        hello hi hey good morning afternoon evening thanks thank you please the an and or but because is are
        was were am i my your his her its our their he she it we they do does did don't can could would will
        shall should may might have has had how what when where which who whom why much many any some there
        this that these those of to in on at for from with without by about not yes open close closed
        closing opening hours shop store price prices cost costs ship shipping delivery deliver order orders
        pay card cash want need like know get buy sell tea coffee mug mugs gift return refund tomorrow today
        sunday monday tuesday wednesday thursday friday saturday if so me us them be been
    """,
    "pt": """
        olá ola oi bom boa dia tarde noite obrigado obrigada por favor quero queria gostaria preciso tenho tem
        têm há o os as um uma uns umas e ou mas porque quanto quanta custa custam quando onde que qual quais
        quem são é está estão estao estou sou somos fazem faz posso pode podem poderia lhe meu minha seu sua
        seus suas você vocês voce voces vc vcs nós com sem do da dos das ao na nos nas em num numa muito
        mais também tambem sim não nao já hoje amanhã amanha ontem agora aqui aí abre abrem fecha fecham
        aberto fechado loja preço preços preco precos envio envios enviam entrega entregam frete pedido
        pagar cartão cartao dinheiro domingo segunda terça quarta quinta sexta sábado até ate desde então
        isso isto essa esse esta este algo nada vendem vende aceitam chega chegar comprar presente chá chás
        cha café xícara caneca canecas ajuda devolver trocar falar pessoa tudo bem
    """,
    # Others, in which wabot has no texts: German, Dutch, French and Italian passed for Portuguese or English.
    "": """
        ist sind der dem und oder nicht ein eine einen ich sie wir ihr haben habe wann wie viel
        bitte danke hallo guten heute morgen geöffnet geschlossen kostet für mit auf gibt noch uhr
        het een ik jij jullie niet wanneer hoeveel bedankt hebben zijn voor naar goedemorgen waar kan
        bonjour bonsoir merci est et je vous nous avez avec quand où combien dans êtes ouvert
        il è ciao grazie buongiorno avete aperti oggi vorrei
    """,
}
_SPEAKERS: dict[str, list[str]] = {}
for _language, _text in _WORDS.items():
    for _word in dict.fromkeys(_text.split()):
        _SPEAKERS.setdefault(_word, []).append(_language)

# ñ, ¿ and ¡ are Spanish; ã, õ, ç, â, ê, ô are Portuguese among the three.
_LETTERS = {"es": "ñ¿¡", "pt": "ãõçâêôà"}
_ENDINGS = {
    "es": ("ción", "ciones", "cion", "ándo", "dad", "dades"),
    "pt": ("ção", "ções", "cao", "coes", "dade", "dades", "nho", "nha", "lho", "lha"),
    "en": ("ing", "tion", "ly", "'s"),
}


# So many words ahead, it decides half of the sample's questions and nearly all of its passages, each rightly.
# With one less, it takes Dutch and German sentences with "is", "was" and "so" for English.
_SURE_LEAD = 3.0


def detect_language(text: str, default: str) -> str:
    """The language of a text ("es", "en", "pt"); `default` where it says too little, or two tie."""
    # Half a vote comes from a word two languages share ("pedido"): a tie, or less than one clear word.
    return _leading(text, 0.5, 0.4) or default


def sure_language(text: str) -> str:
    """The language of a text that is long and clear enough to rely on it ("es", "en", "pt"); else ""."""
    return _leading(text, _SURE_LEAD, _SURE_LEAD)


def _leading(text: str, least: float, lead: float) -> str:
    """The language with the most votes, if they are so many, and so many more than another's."""
    lowered = _ADDRESS.sub(" ", text[:_MAX_CHARACTERS].lower())
    scores = dict.fromkeys(_WORDS, 0.0)
    for word in _WORD.findall(lowered):
        speakers = _SPEAKERS.get(word, ())
        for language in speakers:
            scores[language] += 1 / len(speakers)
        if not speakers and len(word) > 4:
            for language, endings in _ENDINGS.items():
                scores[language] += 0.5 * word.endswith(endings)
    if not lowered.isascii():
        for language, letters in _LETTERS.items():
            scores[language] += sum(lowered.count(letter) for letter in letters)
    best, second, *_ = sorted(scores.values(), reverse=True)
    if best < least or best - second < lead:
        return ""
    return max(scores, key=lambda language: scores[language])
