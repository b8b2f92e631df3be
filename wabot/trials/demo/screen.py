"""Shows a story on a terminal, in colour where there is one, and remembers it for a picture."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TextIO

_WIDEST = 100
_NARROWEST = 50
_UNSAFE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})  # Unicode's controls, gaps and line ends


class Style(Enum):
    """What a piece of text is; the value is its ANSI colour (ECMA-48, SGR)."""

    PLAIN = "0"
    HEADING = "1"
    FAINT = "90"
    CUSTOMER = "36"
    BOT = "32"
    TROUBLE = "31"
    GOOD = "1;32"
    BAD = "1;31"
    CODE = "38;5;231;48;5;16"


@dataclass(frozen=True, slots=True)
class StyledSpan:
    """A piece of a line in one style; characters that would steer a terminal become "�"."""

    text: str
    style: Style = Style.PLAIN

    def __post_init__(self) -> None:
        text = "".join("�" if unicodedata.category(sign) in _UNSAFE else sign for sign in self.text)
        object.__setattr__(self, "text", text)


Line = tuple[StyledSpan, ...]


class Screen:
    """Prints lines and remembers them in `lines`.

    `columns` is the width to keep to; by default that of the terminal, within reason.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        environment: Mapping[str, str] = os.environ,
        columns: int | None = None,
    ) -> None:
        self.lines: list[Line] = []
        self._stream = stream or sys.stdout
        self._coloured = (
            self._stream.isatty() and "NO_COLOR" not in environment and environment.get("TERM") != "dumb"
        )
        self._columns = columns or shutil.get_terminal_size((_WIDEST, 24)).columns
        self._columns = min(max(self._columns, _NARROWEST), _WIDEST)

    def show(self, *spans: StyledSpan) -> None:
        """Print one line."""
        self.lines.append(spans)
        text = "".join(self._painted(span) for span in spans)
        print(text, file=self._stream, flush=True)

    def tell(self, margin: Line, text: str, style: Style = Style.PLAIN) -> None:
        """Print `text` beside `margin`, wrapped so that it stays right of it."""
        indent = sum(len(span.text) for span in margin)
        width = self._columns - indent
        wrapped = [part for line in text.splitlines() for part in textwrap.wrap(line, width)] or [""]
        for number, part in enumerate(wrapped):
            beside = margin if number == 0 else (StyledSpan(" " * indent),)
            self.show(*beside, StyledSpan(part, style))

    def _painted(self, span: StyledSpan) -> str:
        if not self._coloured or span.style is Style.PLAIN:
            return span.text
        return f"\x1b[{span.style.value}m{span.text}\x1b[0m"
