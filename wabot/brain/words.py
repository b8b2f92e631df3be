"""Turns text into the terms a search compares: accents folded, small words dropped, endings cut."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_SHORTEST_STEM = 3

# Words of Spanish, English and Portuguese that carry no subject, folded: articles, pronouns, auxiliaries,
# courtesy, and the small talk a question is wrapped in.
_SMALL_WORDS = """
    a al algo alguien algun alguna algunas alguno algunos ante aquel aquella aqui asi aun aunque bien buen
    buena buenas bueno buenos cada casi chao como con conmigo cual cuales cualquier cuando cuanta cuantas
    cuanto cuantos da dan dar de deja del desde di dia dias dice digame disculpa disculpe donde dos e el
    ella ellas ellos en entonces entre era eres es esa esas ese eso esos esta estaba estan estar estas
    este esto estos estoy favor fue gracias ha haber habia hace hacen hacer haces hago han has hasta hay
    he hola igual ir la las le les lo los luego mas me mi mis misma mismo mucha muchas mucho muchos muy
    nada ni ningun ninguna no nos nosotros o oiga os otra otras otro otros para pero poco podeis poder
    podria podrian podriais porfa porfavor por porque pueda puede pueden puedes puedo pues que querer
    queria quería quien quiero quisiera saber se sea seria ser si sido sin sobre sois solo son soy su sus
    tal tambien tan tanto tardes te tener tengo tenga tengan teneis ti tiene tienen tienes todo todos tu
    tus un una unas uno unos usted ustedes va vale vamos van varios vosotros voy y ya yo noches noche
    gustaria necesito necesitaria vuestro vuestra vuestros vuestras tendran tendrian sabe saben decir
    decirme dime ok oye informacion info consulta pregunta ayuda ayudar

    about after all also am an and another any anyone anything are as ask at be because been before but by
    can cannot cant could did do does doesnt doing dont else for from get getting give go going good got
    had has have hello help her here hey hi him his how i id if im in information into is isnt it its ive
    just kind know let like long lot many may me might more morning afternoon evening much must my need
    needs no not now of off oh on one or our out over please pls question quick really say see shall she
    should so some something sort tell than thank thanks that thats the their them then there these they
    thing things this those to too u up us use very want wanted was way we well were what whats when where
    which while who whom why will with wont wonder wondering would yes you your yours youre guys possible
    able theres hope

    ao aos as ate boa bom com comigo como da das dela dele deles depois do dos ela elas ele eles em
    entao era essa essas esse esses esta estao estas estava este estes estou eu fazem fazer faz foi fosse
    gostaria ha haver isso isto ja la lhe lhes mais mas me mesmo meu meus minha minhas muita muitas muito
    muitos na nao nas nem nenhum no nos nossa nosso num numa nunca o obrigada obrigado oi ola onde os ou
    outra outro para pela pelas pelo pelos pode podem podemos poderia poderiam por porem posso pra pras
    preciso pro qual quais qualquer quando quanta quantas quanto quantos que quem queria quero sabem saber
    sao se sei seja sem sempre ser seria seu seus si sim so sou sua suas tambem tarde tem temos tenho tens
    ter teria tudo um uma umas uns vai vao vc vcs voce voces vou dizer diz moca moco informacao duvida ai
    bem tchau pergunta gente
"""
_STOP_WORDS = frozenset(_SMALL_WORDS.split())

# Inflections of the three languages: what is left is a key to compare, not a word.
_ENDINGS = """
    amientos imientos amiento imiento aciones iciones uciones ciones acion icion ucion cion acoes icoes
    ucoes coes acao icao ucao cao amente mente idades idade adores ador adoras adora ando iendo endo
    indo ados idos adas idas ado ido ada ida aron ieron aram eram iram aban abamos aremos aran eran iran
    aria arias ariam erian amos emos imos ais eis ings ing ies ied ed ers er es en em am an ar ir as os
    is ly a e i o s y
"""
_ENDINGS_LONGEST_FIRST = tuple(sorted(_ENDINGS.split(), key=len, reverse=True))


def fold(text: str) -> str:
    """Return text in lower case without accents ("Envío" and "ENVIO" are "envio"), as unicode61 folds it."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def terms(text: str) -> list[str]:
    """Return the stems of the words of a text that carry a subject, in order, repeats included."""
    return [stem(word) for word in words(text)]


def words(text: str) -> list[str]:
    """Return the folded words of a text that carry a subject, in order, repeats included."""
    return [
        word
        for word in _WORD.findall(fold(text))
        if word not in _STOP_WORDS and (len(word) > 1 or word.isdigit())
    ]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Cut the ending off a folded word: "envios", "enviar" and "envian" become one key, as do "ship" and
    "shipping".

    Two rounds take off a plural and the ending below it. Words with a digit and short words stay whole.
    """
    if any(character.isdigit() for character in word):
        return word
    for _ in range(2):
        for ending in _ENDINGS_LONGEST_FIRST:
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
                word = word[: -len(ending)]
                break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2]:
        return word[:-1]
    return word


# How people spell by ear, in the order the rules apply: "orario", "embio", "caveza", "hacecito".
_SOUNDS = (
    ("ch", "x"),
    ("sh", "x"),
    ("ph", "f"),
    ("h", ""),
    ("v", "b"),
    ("z", "s"),
    ("ce", "se"),
    ("ci", "si"),
    ("qu", "k"),
    ("q", "k"),
    ("c", "k"),
    ("ge", "je"),
    ("gi", "ji"),
    ("ll", "y"),
    ("mb", "nb"),
    ("mp", "np"),
    ("ss", "s"),
    ("rr", "r"),
)


@lru_cache(maxsize=20_000)
def sound(word: str) -> str:
    """Return a folded word as it sounds in Spanish, so that spellings by ear meet ("orario" and
    "horario")."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    return word


def is_typo(word: str, known: str) -> bool:
    """Tell whether a word may be `known` mistyped: the same sound, or one slip (two in long words).

    A slip is a letter missing, added, changed, or two neighbours swapped. Short words are never typos: too
    many real words lie one letter apart.
    """
    heard, expected = sound(word), sound(known)
    if min(len(word), len(known)) < 4:
        return False
    if heard == expected:
        return True
    if heard[:1] != expected[:1]:
        return False
    slips = 2 if min(len(word), len(known)) >= 8 else 1
    return _within_distance(heard, expected, slips)


def _within_distance(left: str, right: str, limit: int) -> bool:
    """Optimal string alignment distance of at most `limit`, a row at a time."""
    if abs(len(left) - len(right)) > limit:
        return False
    before_last: list[int] = []
    last = list(range(len(right) + 1))
    for row, left_letter in enumerate(left, 1):
        current = [row]
        for column, right_letter in enumerate(right, 1):
            cost = min(
                last[column] + 1, current[column - 1] + 1, last[column - 1] + (left_letter != right_letter)
            )
            swapped = (
                row > 1 and column > 1 and left_letter == right[column - 2] and left[row - 2] == right_letter
            )
            if swapped:
                cost = min(cost, before_last[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return False
        before_last, last = last, current
    return last[-1] <= limit
