"""A configuration for the emulator that takes over what a bot says, and nothing of where it is linked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wabot.config.toml_file import read_toml

_SECTIONS = ("ai", "chats")
# What the texts depend on: which language, and what time it is.
_OF_ACCOUNT = ("language", "timezone")
_FILES = ("system_prompt_file", "knowledge")


def borrowed(file: Path, state: Path) -> str:
    """A configuration with the texts, [ai] and [chats] of `file`, for a bot whose state is in `state`.

    Its database, its session and its alerts are left out: the bot that `file` belongs to may be running, and
    is not touched.

    Raises:
        ConfigError: `file` cannot be read.
    """
    document = read_toml(file)
    kept = {name: document[name] for name in _SECTIONS if isinstance(document.get(name), dict)}
    account = document.get("account")
    if isinstance(account, dict):
        kept["account"] = {name: account[name] for name in _OF_ACCOUNT if name in account}
    for name in _FILES:
        place = kept.get("ai", {}).get(name)
        if isinstance(place, str):
            kept["ai"][name] = str(Path(place).expanduser().absolute())
    kept["paths"] = {"state": str(state)}
    return "\n".join(_lines("", kept)) + "\n"


def _lines(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    """A table and those in it, as TOML."""
    if name:
        yield f"[{name}]"
    below: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            below[key] = value
        else:
            yield f"{_text(key)} = {_value(value)}"
    for key, value in below.items():
        inner = f"{name}.{_text(key)}" if name else _text(key)
        for each in value if isinstance(value, list) else [value]:
            first, *rest = _lines(inner, each)
            yield f"[{first}]" if isinstance(value, list) else first
            yield from rest


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)


def _text(text: str) -> str:
    # JSON's escapes are TOML's, but for this one letter that TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
