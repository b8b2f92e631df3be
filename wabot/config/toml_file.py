"""Reads a TOML file that a person wrote, and says in words what is wrong with it."""

from __future__ import annotations

import os
import re
import tomllib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection
from pathlib import Path
from typing import Any

from wabot.errors import ConfigError
from wabot.privileges.remembered_files import read_file
from wabot.system.units import CONFIGURATIONS, own_command

_LARGEST_FILE_BYTES = 1_000_000

BACKSLASH = r"within double quotes each \ is written \\, or all of it between single quotes: 'C:\shop'"
_HOW_IT_IS_WRITTEN = (
    "TOML is written NAME = VALUE, each name and each [section] once, "
    r"""a text between straight quotes ("shop", or 'C:\shop' where it has a \), and a list closed by ]"""
)

PUT_SUDO = ": put sudo before the command"
"""How a problem ends that root does not have."""


def read_toml(path: Path) -> dict[str, Any]:
    """The tables in a file.

    Raises:
        ConfigError: it cannot be read, or is none; with what to do.
    """
    content = _content(path)
    try:
        # Editors on Windows begin a file with a byte order mark.
        return tomllib.loads(content.removeprefix(BOM_UTF8).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: {_not_utf8(content, error.start)}"]) from None
    except ValueError as error:
        # Also what is no TOMLDecodeError: a number of thousands of digits.
        raise ConfigError([f"{path}: {_with_place(str(error), content)}"]) from None
    except RecursionError:
        raise ConfigError([f"{path}: not valid TOML: nested too deeply"]) from None


def read_tables(path: Path, names: Collection[str]) -> dict[str, Any]:
    """Those of these tables that are TOML by themselves, in a file that is not as a whole.

    Args:
        path: the file.
        names: of tables at the top; those within them come along.

    Raises:
        ConfigError: it cannot be read; with what to do.
    """
    text = _content(path).removeprefix(BOM_UTF8).decode("utf-8", errors="replace")
    found: dict[str, Any] = {}
    # Where a text of several lines has such a line, too, what is around it is no TOML, and is left out.
    for part in re.split(r"^(?=[ \t]*\[)", text, flags=re.MULTILINE):
        try:
            tables = tomllib.loads(part)
        except (ValueError, RecursionError):
            continue
        for name, table in tables.items():
            if name in names and isinstance(table, dict):
                found.setdefault(name, {}).update(table)
    return found


def _content(path: Path) -> bytes:
    try:
        content = read_file(path, _LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        # The name of a number, where its file was asked for.
        number = (
            f", such as --config {CONFIGURATIONS}/{path}.toml"
            if path.name == str(path) and not path.suffix
            else ""
        )
        raise ConfigError(
            [f"{path}: no such file; create it or name another with --config{number}"]
        ) from None
    except OSError as error:
        hint = _how_to_read_it() if isinstance(error, PermissionError) else ""
        raise ConfigError([f"{path}: cannot be read: {error.strerror}{hint}"]) from None
    if len(content) > _LARGEST_FILE_BYTES:
        raise ConfigError([f"{path}: larger than {_LARGEST_FILE_BYTES} bytes; this is not a configuration"])
    return content


def _with_place(mistake: str, content: bytes) -> str:
    """What tomllib says of a mistake, with the line, and how TOML is written.

    Of the line that is meant the name of the setting is shown, and never the value: it may be a secret.
    """
    where = re.search(r" \(at line (\d+), column \d+\)$", mistake)
    if not where:
        return f"not valid TOML: {mistake}; {_HOW_IT_IS_WRITTEN}"
    line = content.splitlines()[int(where[1]) - 1 :][:1]
    name = re.match(rb"\s*([a-z_]{1,40})\s*=", line[0]) if line else None
    place = f"line {where[1]}{f', {name[1].decode()}' if name else ''}"
    return f"{place}: not valid TOML: {mistake[: where.start()]}; {_HOW_IT_IS_WRITTEN}"


def _not_utf8(content: bytes, position: int) -> str:
    """What is wrong with a file that was saved in another encoding, such as Windows-1252."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "it is saved as UTF-16; save it as UTF-8"
    line = content.count(b"\n", 0, position) + 1
    return (
        f"line {line} has a character that is not UTF-8, such as an accent saved on Windows; "
        "save the file as UTF-8"
    )


def _how_to_read_it() -> str:
    # What systemd started, nobody typed; it names this socket to a service of Type=notify. See sd_notify(3).
    return f"; what to do says: {own_command('doctor')}" if "NOTIFY_SOCKET" in os.environ else PUT_SUDO
