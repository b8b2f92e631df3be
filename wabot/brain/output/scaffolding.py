"""Takes an answer out of what small models wrap it in: JSON, HTML, written line ends. Pure."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from wabot.brain.output.control_words import words_called

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
    """Return what of a model's text is meant for the customer."""
    text = _out_of_json(text.strip())
    if "\n" not in text:
        text = _WRITTEN_LINE_END.sub("\n", text)
    return plain_html(text)


def plain_html(text: str) -> str:
    """Return a text with the tags and entities of HTML as Markdown."""
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
