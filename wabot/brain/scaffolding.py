"""Takes off what small models write around an answer: tool calls, chat templates, JSON, HTML. Pure."""

from __future__ import annotations

import html
import json
import re
from typing import Any

# Tool calls as Qwen, Hermes and Mistral write them when a server hands the raw text over.
_TOOL_CALL = re.compile(r"<(tool_call|function_call)>.*?(?:</\1>|\Z)|\[TOOL_CALLS\].*\Z", re.DOTALL)
_TEMPLATE = re.compile(r"\[/?INST\]|</?s>|<</?SYS>>|<(?:start|end)_of_turn>(?:model|user)?")
_OWN_NAME = re.compile(
    r"\A\s*(?:\*\*)?(?:assistant|asistente|assistente)(?:\*\*)?\s*:(?:\*\*)?\s*", re.IGNORECASE
)
# Where a model goes on to invent what the customer says next.
_OTHER_NAME = re.compile(
    r"^(?:user|human|customer|usuario|cliente|usuário)\s*:.*\Z", re.IGNORECASE | re.DOTALL | re.MULTILINE
)
_FENCED = re.compile(r"\A```(?:json)?\s*(\{.*\})\s*```\Z", re.DOTALL)
_ANSWER_KEYS = ("response", "answer", "reply", "message", "text", "content", "respuesta", "resposta")

_TAG = re.compile(r"</?(p|div|span|ul|ol|li|h[1-6]|b|strong|i|em)(?:\s[^<>]{0,200})?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
# Not in C:\new or print("a\n"), which are meant so; a new line of a chat rarely begins with a small letter.
_WRITTEN_LINE_END = re.compile(r"\\n(?![a-zà-öø-ÿ\"'`)])")
_MAX_JSON_CHARACTERS = 20_000


def take_off_scaffolding(text: str) -> str:
    """Return what of a model's text is meant for the customer; "" where that is nothing."""
    text = _TEMPLATE.sub("", _TOOL_CALL.sub("", text))
    named = _OWN_NAME.match(text)
    if named:
        text = _OTHER_NAME.sub("", text[named.end() :])
    text = _out_of_json(text.strip())
    if "\n" not in text:
        text = _WRITTEN_LINE_END.sub("\n", text)
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]).replace("\xa0", " "), _TAG.sub(_as_text, text))


def _out_of_json(text: str) -> str:
    """The answer in a JSON object; "" for a call of a tool, which nobody offered."""
    fenced = _FENCED.match(text)
    candidate = fenced[1] if fenced else text
    if not (candidate.startswith("{") and candidate.endswith("}")) or len(candidate) > _MAX_JSON_CHARACTERS:
        return text
    try:
        document: Any = json.loads(candidate)
    except (ValueError, RecursionError):
        return text
    for key in _ANSWER_KEYS:
        if isinstance(document.get(key), str):
            return str(document[key])
    return "" if {"name", "arguments"} <= document.keys() or "tool_calls" in document else text


def _as_text(tag: re.Match[str]) -> str:
    name, closes = tag[1].lower(), tag[0].startswith("</")
    if name in ("b", "strong"):
        return "**"
    if name == "li":
        return "\n" if closes else "- "
    return "\n" if name not in ("span", "i", "em") and closes else ""
