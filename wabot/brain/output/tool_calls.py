"""Takes off the calls of tools that a model writes into its text, although none was offered. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from wabot.brain.output.control_words import words_called

_TAG = (
    r"(?:[a-z]{1,12}:)?(?:tool_calls?|function_calls?|tool_?use|tool_code|toolcall|execute_tool|invoke"
    r"|tool_response|function_response|tools|use_mcp_tool|tool)"
)
# Of Qwen and Hermes, Seed, Kimi, Gemma, LFM, DeepSeek, Llama, Mistral, InternLM, Phi, Nemotron, LM Studio.
_CALL = re.compile(
    rf"<({_TAG})\b[^<>]{{0,300}}>.*?(?:</\1\s*>|\Z)"
    r"|<function[= ][^<>]{0,200}>.*?(?:</function\s*>|\Z)"
    r"|<parameter[= ][^<>]{0,200}>.*?(?:</parameter\s*>|\Z)"
    r"|<\|tool_calls_section_begin\|>.*?(?:<\|tool_calls_section_end\|>|\Z)"
    r"|<\|tool_call(?:_start|_begin)?\|>.*?(?:<\|(?:tool_call_end|/tool_call)\|>|\Z)"
    r"|<\|tool_call>.*?(?:<tool_call\|>|\Z)"
    r"|<[｜|]tool▁calls?▁begin[｜|]>.*?(?:<[｜|]tool▁calls▁end[｜|]>|\Z)"
    r"|✿FUNCTION✿.*\Z"
    r"|^(?:to=[\w.]{1,60}|functions\.[\w.]{1,60}(?::\d{1,3})?)\s{0,3}(?:json\s{0,3})?[{(<].*\Z"
    r"|<((?:search|execute|read|write|get|list|run|call|fetch|browse|query|lookup)(?:_\w{1,40})?)>"
    r".*?(?:</\2>|\Z)"
    r"|</?[｜|‖]{1,2}DSML[｜|‖]{1,2}.*\Z"
    r"|<\|python_tag\|>.*\Z"
    r"|\[TOOL_CALLS?\].*\Z"
    r"|<\|action_start\|>.*?(?:<\|action_end\|>|\Z)"
    r"|\[TOOL_REQUEST\].*?(?:\[END_TOOL_REQUEST\]|\Z)"
    r"|\[Calling tool: [^\n]{0,2000}?\)\]"
    r"|^functools\[.*\Z"
    rf"|<(?:{_TAG}|function)\b[^<>\n]{{0,300}}\Z"
    r"|^```tool_(?:code|call)s?\n.*?(?:^```|\Z)"
    r"|^(?:\*\*)?Action:(?:\*\*)?[ \t]*[\w.-]{1,60}[ \t]*\n(?:\*\*)?Action Input:.*\Z",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_LONE_TAG = re.compile(rf"</?(?:{_TAG}|function|parameter|arg_key|arg_value)\b[^<>]{{0,200}}>", re.IGNORECASE)
_CALLED = (
    r"[\"'](?:arguments|parameters|params|args|input|action_input|kwargs|function"
    r"|(?:tool|function)_(?:input|args|arguments|parameters))[\"']"
)
_NAMED = (
    r"[\"'](?:name|function|tool|tool_name|function_name|recipient_name|action|type)[\"']"
    r"\s{0,5}:\s{0,5}[\"'][\w.:/-]{1,80}[\"']"
)
_TORN_CALL = re.compile(
    rf"\[?\s{{0,5}}\{{\s{{0,9}}{_NAMED}\s{{0,5}},\s{{0,9}}{_CALLED}|\[?\s{{0,5}}\{{\s{{0,9}}\"tool_calls\""
)
# A whole answer of get_hours(day="monday"), in brackets or not.
_PYTHON_CALL = r"[a-z][\w.]{0,60}\((?:\s{0,9}\w{1,40}\s{0,9}=[^()\n]{0,300})?\)"
_PYTHONIC = re.compile(
    rf"\[?(?:print\()?{_PYTHON_CALL}(?:\s{{0,3}}[,;\n]\s{{0,3}}{_PYTHON_CALL}){{0,20}}\)?\s?\]?\Z"
)
_DOCUMENT = re.compile(
    r"^[ \t]*(```[a-z]{0,10}[ \t]*\n?[ \t]*)?(?=[\[{])"
    rf"|(?=\{{\s{{0,9}}{_NAMED}\s{{0,5}},\s{{0,9}}{_CALLED})",
    re.MULTILINE,
)
_HERE = re.compile(r"(```[a-z]{0,10}\s{0,3})?(?=[\[{])")
_FENCE = re.compile(r"\s*```")
_MOST_DOCUMENTS = 20
_ARGUMENTS = frozenset(
    {
        *("arguments", "parameters", "params", "args", "input", "action_input", "kwargs"),
        *(
            f"{of}_{what}"
            for of in ("tool", "function")
            for what in ("input", "args", "arguments", "parameters")
        ),
    }
)
_TOOLS = frozenset({"tool", "tool_name", "function_name", "recipient_name"})
_CALLS = frozenset({"tool_calls", "tool_call", "tool_uses", "function_call", "function_calls"})


def take_off_calls(text: str) -> tuple[str, frozenset[str]]:
    """A model's text without the calls of tools; and the control words it called like tools."""
    calls: set[str] = set()

    def take(match: re.Match[str]) -> str:
        calls.update(words_called(match[0]))
        return ""

    text = _LONE_TAG.sub("", _CALL.sub(take, text))
    if _PYTHONIC.match(text.strip()) and ("_" in text or "=" in text):
        return "", frozenset(calls | words_called(text))
    kept: list[str] = []
    start, is_next = 0, False
    for _ in range(_MOST_DOCUMENTS):
        begins = (is_next and _HERE.match(text, start)) or _DOCUMENT.search(text, start)
        if not begins:
            break
        is_next = False
        end = _end_of_call(text, begins.end())
        if end is None:
            kept.append(text[start : begins.end() + 1])
            start = begins.end() + 1
            continue
        calls.update(words_called(text[begins.end() : end]))
        kept.append(text[start : begins.start()])
        fence = _FENCE.match(text, end) if begins[1] else None
        start = fence.end() if fence else end
        # Several calls stand in a row, apart by semicolons or commas.
        start += len(text[start:]) - len(text[start:].lstrip(" \t\n;,"))
        is_next = True
    return "".join(kept) + text[start:], frozenset(calls)


def _end_of_call(text: str, start: int) -> int | None:
    """Where the call ends that begins here; None when none does."""
    try:
        document, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        # Cut off, or no JSON but something like it.
        return len(text) if _TORN_CALL.match(text, start) else None
    return end if is_call(document) else None


def is_call(document: Any) -> bool:
    """Whether a document calls a tool, or several."""
    if isinstance(document, list):
        return bool(document) and all(map(is_call, document))
    if not isinstance(document, dict):
        return False
    keys = document.keys()
    if keys & _CALLS or keys == _TOOLS & keys or document.get("type") == "function":
        return True
    function = document.get("function")
    if isinstance(function, dict) and "name" in function:
        return True
    if keys == {"name"} and isinstance(document["name"], str):
        return bool(re.fullmatch(r"[a-z]+(?:_[a-z]+)+", document["name"]))
    return bool(keys & {"name", "function", "action", *_TOOLS}) and bool(keys & _ARGUMENTS)
