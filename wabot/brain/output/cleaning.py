"""Makes a text fit to send: no raw Markdown, no odd characters, something to see. Pure."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

from wabot.brain.output.control_words import words_called

_FENCE = re.compile(r"^[ \t]*(```|~~~)[^\n`]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_INLINE_CODE = re.compile(r"`[^`\n]{1,500}`")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"\x00]*[^\s<>\"\x00.,;:!?*_~)\]'»”]")
_KEPT = re.compile(r"\x00(\d+)\x00")

_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,300})\]"
    r"\(\s*<?((?:[^()\s<>]|\([^()\s]{0,300}\)){1,2000})>?(?:\s+\"[^\"\n]{0,300}\")?\s*\)"
)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]{1,2000})>")
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S[^\n]*)$", re.MULTILINE)
_BOLD = re.compile(r"(\*{2,3}|(?<!\w)__)(?=\S)([^\n]{1,1000}?)(?<=\S)\1")
_STRUCK = re.compile(r"~~(?=\S)([^\n]{1,1000}?)(?<=\S)~~")
_RULE = re.compile(r"^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$", re.MULTILINE)
_BULLET = re.compile(r"^([ \t]*)[*+][ \t]+(?=\S)", re.MULTILINE)
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TABLE_RULE = re.compile(r"\|?(?: *:?-+:? *\|)* *:?-+:? *\|?")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|~>-])")
_BLANK_LINES = re.compile(r"\n{3,}")

# Control characters but "\n", surrogates, and marks that turn the writing direction around: these can make a
# text read otherwise than it is. One pattern, because a prompt has thousands of characters.
_ODD = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


# Letters of Hangul, and a sign of Braille, that show nothing.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def clean(text: str) -> str:
    """A text as WhatsApp shows it; "" when nothing of it says anything: no letter, digit or emoji."""
    text = to_whatsapp(drop_odd_characters(text)).strip()
    return text if any(_says_something(character) for character in text) else ""


def _says_something(character: str) -> bool:
    if character in _BLANK:
        return False
    category = unicodedata.category(character)
    return category[0] in "LN" or (category == "So" and character != "\ufffd")


def drop_odd_characters(text: str) -> str:
    """Drop control characters, lone surrogates and direction marks; line ends become "\\n", tabs spaces."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = text.replace("\u2028", "\n").replace("\u2029", "\n\n")
    return _ODD.sub("", text)


def to_whatsapp(text: str) -> str:
    """Turn Markdown into the marks WhatsApp shows: *bold*, ~struck~, `code`, lists.

    Links become "text: address", headings bold lines, tables lines. Code and addresses stay as they are.
    """
    kept: list[str] = []

    def keep(verbatim: str) -> str:
        kept.append(verbatim)
        return f"\x00{len(kept) - 1}\x00"

    text = text.replace("\x00", "")
    text = _FENCE.sub(lambda fence: keep(f"```{fence[2].rstrip()}```"), text)
    text = _INLINE_CODE.sub(lambda code: keep(code[0]), text)
    text = _LINK.sub(_plain_link, text)
    text = _AUTOLINK.sub(lambda link: link[1].removeprefix("mailto:"), text)
    text = _URL.sub(lambda url: keep(url[0]), text)
    text = _LINE_BREAK.sub("\n", text)
    text = _RULE.sub("", text)
    text = _flatten_tables(text)
    text = _BULLET.sub(r"\1- ", text)
    text = _HEADING.sub(lambda heading: f"*{_unmarked(heading[1])}*", text)
    text = _BOLD.sub(lambda bold: f"*{bold[2]}*", text)
    text = _STRUCK.sub(r"~\1~", text)
    text = _ESCAPE.sub(r"\1", text)
    text = _KEPT.sub(lambda mark: kept[int(mark[1])], text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text)


def _plain_link(link: re.Match[str]) -> str:
    label = link[1].strip()
    address = link[2].removeprefix("mailto:").removeprefix("tel:")
    return address if not label or label == address else f"{label}: {address}"


def _unmarked(heading: str) -> str:
    return heading.replace("**", "").replace("__", "").strip("*# ")


def _flatten_tables(text: str) -> str:
    """Write each row of a table as a line, its cells apart by dashes, and the row above the rule in bold."""
    lines: list[str] = []
    for line in text.split("\n"):
        row = line.strip()
        if "|" in row and _TABLE_RULE.fullmatch(row):
            if lines and " – " in lines[-1]:
                lines[-1] = f"*{_unmarked(lines[-1])}*"
        elif len(row) > 2 and row[0] == row[-1] == "|":
            cells = [cell.strip() for cell in row.split("|")]
            lines.append(" – ".join(cell for cell in cells if cell))
        else:
            lines.append(line)
    return "\n".join(lines)


_FENCED = re.compile(r"\A```(?:json)?\s*([\[{].*[\]}])\s*```\Z", re.DOTALL)
_ANSWER_KEYS = (
    "response",
    "answer",
    "reply",
    "message",
    "text",
    "content",
    "respuesta",
    "resposta",
    "output",
)
_TORN_ANSWER = re.compile(
    rf"\A(?:```(?:json)?\s{{0,9}})?\{{\s{{0,9}}\"(?:{'|'.join(_ANSWER_KEYS)})\"\s{{0,5}}:\s{{0,5}}"
    r"(?P<string>\"(?:[^\"\\]|\\.)*)\Z",
    re.DOTALL,
)

_TAG = re.compile(r"</?(p|div|span|ul|ol|li|h[1-6]|b|strong|i|em)(?:\s[^<>]{0,200})?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
# Not in C:\new or print("a\n"), which are meant so; a new line of a chat rarely begins with a small letter.
_WRITTEN_LINE_END = re.compile(r"\\n(?![a-zà-öø-ÿ\"'`)])")
_MAX_JSON_CHARACTERS = 20_000


def take_off_scaffolding(text: str) -> str:
    """What of a model's text is meant for the customer."""
    text = _out_of_json(text.strip())
    if "\n" not in text:
        text = _WRITTEN_LINE_END.sub("\n", text)
    return plain_html(text)


def plain_html(text: str) -> str:
    """A text with the tags and entities of HTML as Markdown."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]).replace("\xa0", " "), _TAG.sub(_as_text, text))


def _out_of_json(text: str) -> str:
    """The answer in a JSON object, with the control words that stand beside it."""
    fenced = _FENCED.match(text)
    candidate = fenced[1] if fenced else text
    if len(candidate) > _MAX_JSON_CHARACTERS or not candidate.startswith(("{", "[")):
        torn = _TORN_ANSWER.match(text[:_MAX_JSON_CHARACTERS]) if text.startswith("```") else None
        return _string(torn["string"]) if torn else text
    try:
        document: Any = json.loads(candidate)
    except (ValueError, RecursionError):
        torn = _TORN_ANSWER.match(candidate)
        return _string(torn["string"]) if torn else text
    if isinstance(document, list):
        parts = [part["text"] for part in document if isinstance(part, dict) and "text" in part]
        return "".join(map(str, parts)) if parts and len(parts) == len(document) else text
    for key in _ANSWER_KEYS:
        if isinstance(document.get(key), str):
            others = (value for other, value in document.items() if other != key and isinstance(value, str))
            words = {word for value in others if len(value) < 40 for word in words_called(value)}
            return "\n".join([document[key], *sorted(words)])
    words = {word for value in document.values() if isinstance(value, str) for word in words_called(value)}
    # Where there was to be an answer and none is, a customer has no use for the document itself.
    return "\n".join(sorted(words)) or ("" if document.keys() & {*_ANSWER_KEYS} else text)


def _string(written: str) -> str:
    """A string of JSON that broke off."""
    try:
        return str(json.loads(written.rstrip("\\") + '"', strict=False))
    except ValueError:
        return written[1:]


def _as_text(tag: re.Match[str]) -> str:
    name, closes = tag[1].lower(), tag[0].startswith("</")
    if name in ("b", "strong"):
        return "**"
    if name == "li":
        return "\n" if closes else "- "
    return "\n" if name not in ("span", "i", "em") and closes else ""
