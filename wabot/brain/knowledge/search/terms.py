"""Turns text into the terms a search compares: accents folded, small words dropped, endings cut."""

from __future__ import annotations

import re
from functools import lru_cache

from wabot.brain.folding import fold

_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 40
# Shorter keys would make one of words that have nothing in common ("mesa", "meses").
_SHORTEST_STEM = 4
_SHORTEST_SINGULAR = 3

# Words of Spanish, English and Portuguese that carry no subject, folded: articles, pronouns, auxiliaries,
# courtesy, and the small talk a question is wrapped in.
_SMALL_WORDS = """
    a al algo alguien algun alguna algunas alguno algunos ante aquel aquella aqui asi aun aunque bien
    buen buena buenas bueno buenos cada casi chao como con conmigo cual cuales cualquier cuando cuanta
    cuantas cuanto cuantos da dan dar de deja del desde di dia dias dice digame disculpa disculpe donde
    dos e el ella ellas ellos en entonces entre era eres es esa esas ese eso esos esta estaba estan
    estar estas este esto estos estoy favor fue gracias ha haber habia hace hacen hacer haces hago han
    has hasta hay he hola igual ir la las le les lo los luego mas me mi mis misma mismo mucha muchas
    mucho muchos muy nada ni ningun ninguna no nos nosotros o oiga os otra otras otro otros para pero
    poco podeis poder podria podrian podriais porfa porfavor por porque pueda puede pueden puedes puedo
    pues que querer queria quien quiero quisiera saber se sea seria ser si sido sin sobre sois
    solo son soy su sus tal tambien tan tanto tardes te tener tengo tenga tengan teneis ti tiene tienen
    tienes todo todos tu tus un una unas uno unos usted ustedes va vale vamos van varios vosotros voy y
    ya yo noches noche gustaria necesito necesitaria vuestro vuestra vuestros vuestras tendran tendrian
    sabe saben decir decirme dime ok oye informacion info consulta pregunta ayuda ayudar producto
    productos articulo articulos cosa cosas tema mil llego llegado chegou estais estamos estareis estara
    estaria sereis seran tarde pasas pasa pasame pasar pasais dame dais das sabeis tendreis hubiera haya
    hayan fuera proximo proxima siguiente nuevo nueva haceis hacemos fazemos realizan realizais hoy hoje
    today vende venden vendeis vender vendemos venta ventas sell sells selling sold sale vendem tienda
    tiendas shop shops loja lojas busco buscamos buscando looking look procuro procurando come coming
    visit quisieramos queriamos puedan ponen ponme manda mandame mandarme compro comprar compra comprais
    compramos compre buy buying bought purchase purchased

    about after all also am an and another any anyone anything are as ask at be because been before but
    by can cannot cant could did do does doesnt doing dont else for from get getting give go going good
    got had has have hello help her here hey hi him his how i id if im in information into is isnt it
    its ive just kind know let like long lot many may me might more morning afternoon evening much must
    my need needs no not now of off oh on one or our out over please pls question quick really say see
    shall she should so some something sort tell than thank thanks that thats the their them then there
    these they thing things this those to too u up us use very want wanted was way we well were what
    whats when where which while who whom why will with wont wonder wondering would yes you your yours
    youre guys possible able theres hope

    ao aos as ate boa bom com comigo como da das dela dele deles depois do dos ela elas ele eles em
    entao era essa essas esse esses esta estao estas estava este estes estou eu fazem fazer faz foi faco
    produto produtos coisa algum alguma alguns algumas fosse gostaria ha haver isso isto ja la lhe lhes
    mais mas me mesmo meu meus minha minhas muita muitas muito muitos na nao nas nem nenhum no nos nossa
    nosso num numa nunca o obrigada obrigado oi ola onde os ou outra outro para pela pelas pelo pelos
    pode podem podemos poderia poderiam por porem posso pra pras preciso pro qual quais qualquer quando
    quanta quantas quanto quantos que quem queria quero sabem saber sao se sei seja sem sempre ser seria
    seu seus si sim so sou sua suas tambem tarde tem temos tenho tens ter teria tudo um uma umas uns vai
    vao vc vcs voce voces vou dizer diz moca moco informacao duvida ai bem tchau pergunta gente
"""
_MORE_SMALL_WORDS = """
    maneja manejan manejas cuentan cuenta
     ustedes ahi aca alla mire mira mirad oigan tendra tendras atienden atiende atendeis atendemos
    atendem atencion queda quedan regala regalame regalas tipo tipos todavia aun che vos sos tenes podes
    queres haces venis dale porfis porfavor hacer haceis realmente actualmente trabajan trabajais trabaja
    trabajas trabalham usan podrias podriais puedan conozco dejan dejar deja permiten permite permitis
    puede ser incluye anything got have having been u im ive id youve there here per each around near
    nearest vosso vossa vossos vossas da quer querem fico ficar fica ficam sff certo sabe ter dar pelo
    trabalham passa passam passas procuro precisa precisam consigo conseguem voces ahora ahorita manana
    amanha tomorrow tonight agora now sale salen sai saem cuesta numero number saco bueno vea mas menos
    cerca acepta aceptan aceptais aceptas aceitam aceita accept accepts admiten admite admitis admitem
    reciben tomar toman toma tomais bring bringing traer llevar llevo levar trazer perto
    problema problem antes despues before doy das darme darse dado based find necesitaba ando viendo
    interesa interesado interesada
"""
_STOP_WORDS = frozenset(_SMALL_WORDS.split()) | frozenset(_MORE_SMALL_WORDS.split())

_FRACTIONS = (
    ("1/4", " cuarto "),
    ("1/2", " medio "),
    ("3/4", " tres cuartos "),
    ("1⁄4", " cuarto "),
    ("1⁄2", " medio "),
)
# How chats are written.
_CHAT_SPELLINGS = {
    **dict.fromkeys(("k", "q", "ke", "qe"), "que"),
    **dict.fromkeys(("xq", "pq", "porq", "pk", "porke"), "porque"),
    **dict.fromkeys(("xfa", "xfavor", "pf", "pfv", "plis", "pls", "plz", "sff", "porfa"), "please"),
    **dict.fromkeys(("vc", "vcs", "vces"), "voces"),
    **dict.fromkeys(("tb", "tmb", "tbn", "tbm"), "tambien"),
    **dict.fromkeys(("cto", "qto", "qnto", "cuant", "kuanto", "cuantoo"), "cuanto"),
    **dict.fromkeys(("hr", "hrs"), "horas"),
    **dict.fromkeys(("tel", "tlf", "tfno", "fone", "fono"), "telefono"),
    **dict.fromkeys(("num", "nro", "numeros", "nr"), "numero"),
    **dict.fromkeys(("dir", "direc", "adress", "addr"), "direccion"),
    **dict.fromkeys(("wsp", "wpp", "wasap", "whats", "wa", "zap", "whatsap"), "whatsapp"),
    **dict.fromkeys(("insta", "ig"), "instagram"),
    **dict.fromkeys(("dto", "dscto", "desc", "dcto"), "descuento"),
    **dict.fromkeys(("transf", "transfer"), "transferencia"),
    **dict.fromkeys(("cel", "cell"), "celular"),
    **dict.fromkeys(("dnd", "dnde", "aonde"), "donde"),
    **dict.fromkeys(("kg", "kgs", "kilos", "quilo", "quilos", "kilogramos"), "kilo"),
    **dict.fromkeys(("l", "lt", "lts", "litros", "liter", "liters", "litre", "litres"), "litro"),
    **dict.fromkeys(("g", "gr", "grs", "gramos", "gramas", "grams"), "gramo"),
    **dict.fromkeys(("half", "meio", "media", "meia"), "medio"),
    "quarter": "cuarto",
    **dict.fromkeys(("dozen", "duzia"), "docena"),
    "ours": "hours",
    "x": "por",
    "xa": "para",
    "pa": "para",
    "u": "you",
    "r": "are",
    "ur": "your",
    "cdo": "cuando",
    "qdo": "quando",
    "efvo": "efectivo",
    "pto": "punto",
    "hj": "hoy",
    "pelu": "peluqueria",
}

# Inflections of the three languages: what is left is a key to compare, not a word.
# The stemmers of the Snowball project (snowballstemmer 3.1) need the accents that customers leave out: there
# "devolucao" and "devolucoes" stay apart, and "mesa" meets "meses"; and they take fifteen times as long.
_ENDINGS = """
    amientos imientos amiento imiento amentos amento imentos imento aciones iciones uciones ciones acion
    icion ucion cion acoes icoes ucoes coes acao icao ucao cao amente mente idades idade adores ador
    adoras adora ando iendo endo indo ados idos adas idas ado ido ada ida aron ieron aram eram iram aban
    abamos aremos aran eran iran aria arias ariam erian amos emos imos ais eis ings ing ies ied ed ers
    er es en em am an ar ir as os is ly a e i o s y ao aos oes
"""
_ENDINGS_LONGEST_FIRST = tuple(sorted(_ENDINGS.split(), key=len, reverse=True))
_ENDINGS_OF_SHORT_WORDS = frozenset(("s", "o", "os", "ar", "ado", "ados"))
# English doubles the consonant before these.
_DOUBLING_ENDINGS = frozenset(("ing", "ings", "ed", "er", "ers"))


def plain(text: str) -> str:
    """The text folded, with the short spellings of chats written out: "a k hora?" is "a que hora?"."""
    return _WORD.sub(lambda word: _CHAT_SPELLINGS.get(word[0], word[0]), _without_fractions(fold(text)))


def words(text: str) -> list[str]:
    """The words of a text that carry a subject, as `plain` writes them, in order, repeats included."""
    found = [_CHAT_SPELLINGS.get(word, word) for word in _WORD.findall(_without_fractions(fold(text)))]
    return [word for word in found if word not in _STOP_WORDS and 1 < len(word) <= _LONGEST_WORD]


def terms(text: str) -> list[str]:
    """The stems of the words of a text that carry a subject, in order, repeats included."""
    return [stem(word) for word in words(text)]


def _without_fractions(folded: str) -> str:
    for written, meant in _FRACTIONS if "/" in folded or "\u2044" in folded else ():
        folded = folded.replace(written, meant)
    return folded


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Cut the ending off a folded word: "envios" and "enviar" become one key, as do "ship" and "shipping".

    Words with a digit stay whole.
    """
    if any(character.isdigit() for character in word):
        return word
    ending = _ending_of(word)
    word = word.removesuffix(ending)
    return word[:-1] if ending in _DOUBLING_ENDINGS and word[-1] == word[-2] else word


def _ending_of(word: str) -> str:
    for ending in _ENDINGS_LONGEST_FIRST:
        shortest = _SHORTEST_SINGULAR if ending in _ENDINGS_OF_SHORT_WORDS else _SHORTEST_STEM
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            return ending
    return ""
