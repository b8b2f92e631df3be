"""The words by which a model asks for silence or for a person, in whatever dress it writes them. Pure."""

from __future__ import annotations

import re

#: What a model writes when no answer is wanted.
SILENCE = "NO_REPLY"
#: What it writes when a person has to take over.
HAND_OVER = "HAND_OVER"
#: What it writes when it has promised that a person will answer.
TELL_TEAM = "TELL_TEAM"
#: What it writes, with the number of a file behind it, to have that sent.
FILE = "FILE_"

#: What it writes when a picture may be a proof of payment, which a person has to check.
CHECK_PAYMENT = "CHECK_PAYMENT"

_WORDS = (SILENCE, HAND_OVER, TELL_TEAM, CHECK_PAYMENT)
# Escaped for Markdown or HTML, or full width.
_LOW_LINE = r"(?:\\{0,4}[_＿]{1,3} ?|%5F|&(?:amp;)?(?:#95|#x5f|lowbar|UnderBar);)"
_BEFORE = r"[*_~`\"'“”«»‘’(\[{<|\\]{0,8}"
_AFTER = r"[*_~`\"'“”«»‘’)\]}>|\\]{0,8}(?:\(\s{0,3}\))?[.!]?"


def _any_of(joint: str) -> str:
    return "|".join(word.replace("_", joint) for word in _WORDS)


# With a low line it is no word of any language, so it counts wherever it stands: except inside another name
# or an address, as no_reply@shop.example.
_WORD = (
    rf"{_BEFORE}(?:[<\[]/)?(?<![^\W_])(?<![^\W_]_)(?<!\w@)(?<![^<\[]/)(?P<word>{_any_of(_LOW_LINE)})"
    rf"(?!_?[^\W_])(?![@=]|/(?!>)|\.\w)"
)
_WRITTEN = re.compile(_WORD + _AFTER, re.IGNORECASE)
# What stands behind it says why, to whoever reads the word, and not to the customer.
_NOTED = re.compile(
    rf"<(?P<tag>{_any_of(_LOW_LINE)})>[^<]{{0,1000}}</(?P=tag)>"
    rf"|{_WORD}[*_~`\"']{{0,4}}(?::|\((?!\s{{0,3}}\))|\s[-–—]\s)[^\n]*",
    re.IGNORECASE,
)
_GLUED = re.compile(rf"\A\W{{0,8}}(?P<word>{'|'.join(_WORDS)})(?=[^\W\d_a-zà-ÿ][a-zà-ÿ'’])")
# Without, it may be a part of a sentence: it counts alone, or in brackets and capitals.
_ALONE = re.compile(
    rf"\A\W{{0,8}}(?:\d{{1,2}}\.\s)?(?P<word>{_any_of(r'[ -]?')})(?:\W{{0,8}}(?P=word))*\W{{0,8}}\Z",
    re.IGNORECASE,
)
_LAST_LINE = re.compile(rf"^[ \t]*{_BEFORE}(?P<word>{_any_of(r'[ -]')}){_AFTER}[ \t]*\Z", re.MULTILINE)
_LAST_WORDS = re.compile(rf"(?<=[.!?…])\s{{1,5}}(?P<word>{_any_of(' ')})[.!]?\s{{0,5}}\Z")
_BRACKETED = re.compile(rf"[\[({{<*]{{1,3}}(?P<word>{_any_of(r'[ -]')})[\])}}>*]{{1,3}}[.!]?")
_TORN = re.compile(
    rf"(?<![^\W_]){_BEFORE}(?P<word>NO\\?_(?:R(?:E(?:PL?)?)?)?|HAND\\?_(?:O(?:VE?)?)?"
    rf"|TELL\\?_(?:T(?:EA?)?)?|CHECK\\?_(?:P(?:A(?:Y(?:ME?N?)?)?)?)?)\Z"
)
# Named as it stands in the facts, linked to, in brackets with what it is called, or bare.
_FILE = rf"FILE{_LOW_LINE}(?P<number>\d{{1,2}})(?![^\W_]|\.\w)"
_FILE_LINKED = re.compile(
    rf"(?P<shown>!?)\[(?P<name>[^\[\]\n]{{0,300}})\]\(\s{{0,3}}<?{_FILE}>?\s{{0,3}}\)", re.IGNORECASE
)
_FILE_BRACKETED = re.compile(
    rf"[ \t]{{0,3}}[\[({{<]{{1,2}}\s?{_FILE}\s?(?::[^\[\]{{}}\n]{{0,300}}?)?[\])}}>]{{1,2}}", re.IGNORECASE
)
_FILE_BARE = re.compile(rf"{_BEFORE}(?<![^\W_]){_FILE}{_AFTER}:?", re.IGNORECASE)
# As the history tells a model of files that went out, which it takes for a way of sending them.
_FILE_IMITATED = re.compile(r"^[ \t]*\[(?:image|video|voice|document|location)\][^\n]*$", re.MULTILINE)
_JOINTS = re.compile(rf"{_LOW_LINE}|[ -]", re.IGNORECASE)

# What is left of an answer that was but a word.
_LABEL = re.compile(
    r"\W{0,9}(?:\d{1,2}|final|(?:final )?(?:answer|reply|response|output|result)|respuesta|resposta"
    r"|\\?(?:text|boxed|mathrm))\W{0,9}",
    re.IGNORECASE,
)
# What a model says of a message that it will not answer, instead of to whoever wrote it.
_COMMENT = re.compile(
    r"\bautom[aá]t|\bauto-?(?:reply|respon|generated)|out[- ]of[- ](?:the )?office|fuera de la oficina"
    r"|fora do escrit"
    r"|\b(?:the|this) (?:last |latest |user's |customer's |incoming )?(?:message|customer|user|text)\b"
    r"|\b(?:el|este) (?:[uú]ltimo )?(?:mensaje|cliente|usuario)\b|\b(?:a|esta) ([uú]ltima )?mensagem\b"
    r"|\bo cliente\b"
    r"|\bno (?:answer|reply|response|action) (?:is )?(?:needed|required|necessary|wanted)"
    r"|\b(?:es|parece|é|is|seems|appears) (?:to be )?(?:(?:an?|una?|uma?) )?(?:\w+ )?(?:notif|aviso|spam)"
    r"|\b(?:the|las|as) (?:rules?|reglas|regras|instruc)|delivery (?:notice|notification|receipt)"
    r"|\bI (?:should|will|must|need to|won't|shouldn't|do not"
    r"|don't) "
    r"(?:not )?(?:answer|reply|respond|stay|remain|write)|\bno (?:hace falta|requiere|es necesario) ",
    re.IGNORECASE,
)


def take_words(text: str, *, was_cut: bool = False) -> tuple[str, frozenset[str]]:
    """A model's text without its control words, and which they were.

    Args:
        text: without thoughts.
        was_cut: whether it ends where the model was stopped, perhaps inside a word.
    """
    found: set[str] = set()

    def take(match: re.Match[str]) -> str:
        found.add(_plain(match["word"]))
        return ""

    def take_noted(match: re.Match[str]) -> str:
        found.add(_plain(match["tag"] or match["word"]))
        return ""

    def take_file(match: re.Match[str]) -> str:
        found.add(f"{FILE}{int(match['number'])}")
        return match["name"] if match.re is _FILE_LINKED and not match["shown"] else ""

    text = _FILE_IMITATED.sub("", text)
    for pattern in (_FILE_LINKED, _FILE_BRACKETED, _FILE_BARE):
        text = pattern.sub(take_file, text)
    alone = _ALONE.match(text)
    if alone:
        return "", frozenset({_plain(alone["word"]), *found})
    begins = _GLUED.match(text)
    if begins is None:
        begins = _WRITTEN.match(text.lstrip())
    is_silence_first = begins is not None and _plain(begins["word"]) == SILENCE
    left = _NOTED.sub(take_noted, text)
    for pattern in (_GLUED, _WRITTEN, _BRACKETED, _LAST_LINE, _LAST_WORDS):
        left = pattern.sub(take, left)
    torn = _TORN.search(left) if was_cut else None
    if torn:
        found.add(next(word for word in _WORDS if word.startswith(torn["word"].replace("\\", ""))))
        left = left[: torn.start()]
    if SILENCE in found and (is_silence_first or _COMMENT.search(left)):
        # The rest explains why there is no answer.
        left = ""
    if found and _LABEL.fullmatch(left):
        left = ""
    return left, frozenset(found)


def file_numbers(words: frozenset[str]) -> list[int]:
    """The numbers of the files that control words ask for."""
    return [int(word.removeprefix(FILE)) for word in words if word.startswith(FILE)]


def words_called(call: str) -> frozenset[str]:
    """The control words that a model used as the name of a tool."""
    call = call[:2000]
    files = {f"{FILE}{int(match['number'])}" for match in _FILE_BARE.finditer(call)}
    return frozenset(_plain(match["word"]) for match in _WRITTEN.finditer(call)) | files


def _plain(written: str) -> str:
    letters = _JOINTS.sub("", written).upper()
    return next(word for word in _WORDS if word.replace("_", "") == letters)
