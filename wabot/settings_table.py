"""The README's table of settings, made from the settings themselves: `python -m wabot.settings_table`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from wabot.config import PROVIDER_TYPES
from wabot.settings import Settings

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


if __name__ == "__main__":
    print(settings_table(), end="")
