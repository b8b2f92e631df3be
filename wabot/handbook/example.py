"""The example configuration: `python -m wabot.handbook.example systemd/wabot.toml` makes it anew."""

from __future__ import annotations

import dataclasses
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

from wabot.config.setting_types import key_of
from wabot.config.settings import Settings

# A terminal of the usual size shows all of a line.
_WIDTH = 79
_HEAD = """\
# The configuration: /etc/wabot/wabot.toml for wabot.service,
# /etc/wabot/NAME.toml for wabot@NAME.service.
# Settings with a "#" show their default; take it off to change one, and leave
# the line of its [section] as it is. `wabot check-config` names every mistake,
# `wabot help configure` tells more.
# Time spans are seconds, or a text such as "90s", "15m", "12h", "7d".
# Sizes are bytes, or a text such as "500KB", "16MB".
#
# A secret does not stand here. Where one is wanted, write where it is kept:
#   "credential:NAME"   by systemd from a file, /etc/credstore/wabot.NAME
#   "env:NAME"          an environment variable, as from /etc/wabot/wabot.env
#   "file:PATH"         the text in a file
"""
# Named, so that commands typed by hand do not look in the home of whoever types.
_STATE = 'state = "/var/lib/wabot"'
_OBVIOUS = ("a text", "a path", "a list of texts")
_PROVIDER = """\
# Any service that speaks the OpenAI protocol. Several of these blocks are
# tried in order; without one, the knowledge folder alone answers.
#[[ai.providers]]
#name = "local"
#base_url = "http://localhost:11434/v1"
#model = "llama3.1"
#api_key = "credential:ai-api-key"
#timeout = "1m"
#max_tokens = 400
#temperature = 0.7
#calls_per_day = 0
#tokens_per_day = 0
#vision = "auto"
"""
_TRANSCRIBER = """\
# Any service that transcribes as OpenAI does, or whisper.cpp's own server.
# Without one, customers who speak are asked to write.
#[[ai.transcribers]]
#name = "ears"
#base_url = "http://localhost:8000/v1"
#model = "whisper-large-v3-turbo"
#api_key = "credential:ai-api-key"
#kind = "openai"
#language = "chat"
#timeout = "1m"
#seconds_per_day = 0
"""
_ENDPOINTS = {"providers": _PROVIDER, "transcribers": _TRANSCRIBER}


def example_configuration() -> str:
    """A configuration file with every setting switched off: what it means, what is allowed, its default."""
    sections = [
        _section(section.name, section.default_factory)
        for section in dataclasses.fields(Settings)
        if dataclasses.is_dataclass(section.default_factory)
    ]
    return "\n".join([_HEAD, *sections])


def _section(name: str, section_class: Any) -> str:
    parts = [f"# {section_class.__doc__}\n[{name}]\n"]
    below = []
    for field in dataclasses.fields(section_class):
        if dataclasses.is_dataclass(field.default_factory):
            below.append(_section(f"{name}.{field.name}", field.default_factory))
        elif field.name in _ENDPOINTS:
            below.append(_ENDPOINTS[field.name])
        else:
            parts.append(_setting(field))
    return "".join(parts) + "".join(f"\n{each}" for each in below)


def _setting(field: dataclasses.Field[Any]) -> str:
    type_ = field.metadata["type"]
    # What follows the colon is the same for every time span or size, and said at the top.
    allowed = re.split(": (?:seconds|bytes)", type_.allowed)[0]
    explanation = textwrap.fill(
        field.metadata["meaning"] + ("" if allowed in _OBVIOUS else f" ({allowed})"),
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_on_hyphens=False,
    )
    if field.name == "state":
        return f"{explanation}\n{_STATE}\n"
    default = '""' if field.default in (None, Path()) else type_.show(field.default)
    return f"{explanation}\n#{key_of(field)} = {default}\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(example_configuration(), encoding="utf-8")
