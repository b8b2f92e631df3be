"""The README's tables, made from the code: `python -m wabot.readme_tables README.md` makes them anew."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wabot.config import PROVIDER_TYPES
from wabot.errors import ExitCode
from wabot.gate import ANSWER_RULES, ARRIVAL_RULES
from wabot.settings import Settings
from wabot.states import EXIT_CODES, MEANINGS, State

_PROVIDER_MEANINGS = {
    "name": ("the model's", "what logs and `wabot status` call it"),
    "base_url": ("", "address of an OpenAI-compatible API, up to and with /v1"),
    "model": ("", "the model's name there"),
    "api_key": ('""', "credential:NAME, env:NAME or file:PATH; the key itself never stands in the file"),
    "timeout": ('"1m"', "seconds for one answer"),
    "max_tokens": ("400", "longest answer"),
    "temperature": ("0.7", "how freely it speaks"),
}


def settings_table() -> str:
    """Every setting with its default, what is allowed and what it means, as Markdown."""
    lines = ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
    for section in dataclasses.fields(Settings):
        if section.name != "source":
            lines += _section_lines(section.name, section.default_factory)
    return "\n".join(lines) + "\n"


def _section_lines(name: str, section_class: Any) -> list[str]:
    lines = []
    for field in dataclasses.fields(section_class):
        key = f"{name}.{field.name}"
        if field.name == "providers":
            lines += [
                _row(
                    f"[[{key}]] {provider_key}", *_PROVIDER_MEANINGS[provider_key][:1], type_.allowed, meaning
                )
                for provider_key, type_ in PROVIDER_TYPES.items()
                for meaning in _PROVIDER_MEANINGS[provider_key][1:]
            ]
        elif "type" in field.metadata:
            type_ = field.metadata["type"]
            default = "" if field.default in (None, Path(), "") else type_.show(field.default)
            lines.append(_row(key, default, type_.allowed, field.metadata["meaning"]))
        else:
            lines += _section_lines(key, field.default_factory)
    return lines


def _row(key: str, default: str, allowed: str, meaning: str) -> str:
    cells = (f"`{key}`", f"`{default}`" if default else "", allowed, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def gate_table() -> str:
    """Every rule of the gate, in the order they are asked, as Markdown."""
    lines = ["| when | rule |", "|---|---|"]
    for moment, rules in (("a message arrives", ARRIVAL_RULES), ("a chat is answered", ANSWER_RULES)):
        for rule in rules:
            lines.append(f"| {moment} | {rule.__doc__} |")
            moment = ""
    return "\n".join(lines) + "\n"


def exit_code_table() -> str:
    """Every exit code, what it means and whether systemd starts the service again."""
    lines = ["| code | meaning | systemd restarts? |", "|---|---|---|"]
    lines += [f"| {int(code)} | {code.meaning} | {'yes' if code.restarts else 'no'} |" for code in ExitCode]
    return "\n".join(lines) + "\n"


def state_table() -> str:
    """Every state of the link, what it means, what to do, and the exit code of those that end the process."""
    lines = ["| state | what it means | what to do | ends with |", "|---|---|---|---|"]
    for state in State:
        meaning, advice = MEANINGS[state]
        lines.append(f"| `{state}` | {meaning} | {advice} | {_ends_with(state)} |")
    return "\n".join(lines) + "\n"


def _ends_with(state: State) -> str:
    return str(int(EXIT_CODES[state])) if state in EXIT_CODES else ""


TABLES: dict[str, Callable[[], str]] = {
    "gate": gate_table,
    "settings": settings_table,
    "exit codes": exit_code_table,
    "states": state_table,
}


def update(text: str) -> str:
    """The same text with each table after its marker, such as `<!-- settings -->`, made anew."""
    for name, table in TABLES.items():
        before, marker, after = text.partition(f"<!-- {name} -->\n")
        if marker:
            after = re.sub(r"\A\n*(?:\|.*\n)*\n*", "", after)
            text = f"{before}{marker}\n{table()}\n{after}"
    return text


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(update(Path(name).read_text(encoding="utf-8")), encoding="utf-8")
