"""Makes any text harmless in a terminal: rows, files and names may have been written by others."""

from __future__ import annotations

import json
import sys


def printable(text: object) -> str:
    """The text on one line, with a "�" for what would steer a terminal or turn the reading direction."""
    return printable_lines(" ".join(str(text).split()))


def printable_lines(text: object) -> str:
    """The same for a text that may have several lines, and blanks before them."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in str(text))


def printable_json(found: object, indent: int | None = None) -> str:
    """JSON that is harmless in a terminal, too, and the same to a program."""
    text = json.dumps(found, ensure_ascii=False, indent=indent)
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def show(*texts: object, sep: str = " ", to_errors: bool = False, flush: bool = False) -> None:
    """Print texts for people, whoever wrote them."""
    text = printable_lines(sep.join(map(str, texts)))
    print(text, file=sys.stderr if to_errors else None, flush=flush)
