"""What `wabot pair` shows: lines of progress and the code, on a terminal or into a file."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

from wabot.service.picture_file import PictureFile
from wabot.system.qr import colour_qr, draw_qr, qr_png

# No line is wider than the code.
_ON_THE_PHONE = "On the phone: WhatsApp, Settings, Linked devices,\nLink a device"


class PairingScreen:
    """Writes to one stream; on a terminal a new QR code takes the place of the one before.

    Args:
        output: where to; UTF-8.
        picture: a file for the QR code as a PNG, or None; gone at the end.
        otherwise: the command to type where the window is too small for the code.
    """

    def __init__(self, output: TextIO, picture: PictureFile | None = None, otherwise: str = "") -> None:
        self._output = output
        self._picture = picture
        self._instead = f"scan {picture}" if picture else f"stop with Ctrl-C and type: {otherwise}"
        self._is_terminal = output.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._drawn_lines = 0
        self._said = ""

    def say(self, line: str) -> None:
        """One line of progress; the same one is not said twice in a row."""
        if line != self._said:
            self._said = line
            self._drawn_lines = 0
            print(line, file=self._output, flush=True)

    def fail(self, sentence: str) -> None:
        """The last word, when it did not work out."""
        print(f"wabot: {sentence}", file=sys.stderr, flush=True)

    def show_qr(self, code: str) -> None:
        """Show the QR code, in place of the one before."""
        if self._picture is not None:
            self._picture.write(qr_png(code))
        drawing = draw_qr(code)
        said = [f"{_ON_THE_PHONE}. Scan this code:"]
        if self._picture is not None:
            said.append(f"(It is also the picture {self._picture}.)")
        text = "\n".join([*said, colour_qr(drawing) if self._is_terminal else drawing])
        columns, rows = self._window_size()
        width = max(map(len, drawing.splitlines()))
        # One more for the cursor.
        height = text.count("\n") + 2
        fits = width <= columns and height <= rows
        if self._is_terminal and not fits:
            advice = (
                f"This window has {columns} columns and {rows} lines, and the code needs {width} and "
                f"{height}: make it larger or its letters smaller, or {self._instead}"
            )
            # Above a code whose lines the window breaks, because nobody can scan it. Below one that is only
            # too long, because what stands above has scrolled away.
            text = f"{text}\n{advice}" if width <= columns else f"{advice}\n{text}"
        self._said = ""
        self._take_back()
        print(text, file=self._output, flush=True)
        # What has scrolled out of the window, or was broken by its edge, cannot be taken back.
        is_whole = fits and max(map(len, "\n".join(said).splitlines())) <= columns
        self._drawn_lines = height - 1 if self._is_terminal and is_whole else 0

    def show_link_code(self, code: str) -> None:
        """Show the code that is typed on the phone."""
        self.say(f"{_ON_THE_PHONE}, Link with phone number instead. Type this code:\n\n    {code}\n")

    def close(self) -> None:
        """Remove the picture: its code is of no use any more."""
        if self._picture is not None:
            self._picture.close()

    def _window_size(self) -> os.terminal_size:
        """Columns and lines of the terminal; standard output leads elsewhere while the library is at work."""
        try:
            size = os.get_terminal_size(self._output.fileno())
        except OSError:
            return shutil.get_terminal_size()
        return size if all(size) else shutil.get_terminal_size()

    def _take_back(self) -> None:
        if self._drawn_lines:
            print(f"\x1b[{self._drawn_lines}F\x1b[J", end="", file=self._output)
        self._drawn_lines = 0
