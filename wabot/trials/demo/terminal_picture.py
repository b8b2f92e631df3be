"""Draws what a terminal showed as an SVG picture, for documents."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from xml.sax.saxutils import escape

from wabot.trials.demo.screen import Line, Style

_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
_FONT_PIXELS = 14
_CHARACTER_PIXELS = 8.43  # the advance of most monospaced fonts is 0.602 em
_LINE_PIXELS = 21
_MARGIN_PIXELS = 22
_BAR_PIXELS = 38
_BACKGROUND, _BAR, _TEXT, _TITLE = "#0f1419", "#1b222b", "#d5dbe3", "#8b96a5"
_BUTTONS = ("#ff5f57", "#febc2e", "#28c840")
_COLOURS = {
    Style.PLAIN: _TEXT,
    Style.HEADING: "#ffffff",
    Style.FAINT: "#8692a0",
    Style.CUSTOMER: "#6cc7f5",
    Style.BOT: "#8fd694",
    Style.TROUBLE: "#ff8f80",
    Style.GOOD: "#5fe38b",
    Style.BAD: "#ff6b6b",
    Style.CODE: "#ffffff",
}
# Where in its cell each block of a QR code begins and how much of it it fills, from the top.
_BLOCKS = {"█": (0.0, 1.0), "▀": (0.0, 0.5), "▄": (0.5, 0.5)}
_BOLD = frozenset({Style.HEADING, Style.GOOD, Style.BAD})


def draw_terminal(lines: Sequence[Line], title: str) -> str:
    """The text of an SVG file that shows `lines` in a dark terminal window called `title`."""
    columns = max((sum(len(span.text) for span in line) for line in lines), default=0)
    width = round(columns * _CHARACTER_PIXELS + 2 * _MARGIN_PIXELS)
    height = _BAR_PIXELS + len(lines) * _LINE_PIXELS + 2 * _MARGIN_PIXELS
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="{_FONTS}" font-size="{_FONT_PIXELS}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="10" fill="{_BACKGROUND}"/>',
        f'<path d="M0 {_BAR_PIXELS}V10a10 10 0 0 1 10-10H{width - 10}a10 10 0 0 1 10 10v{_BAR_PIXELS - 10}z"'
        f' fill="{_BAR}"/>',
    ]
    for number, colour in enumerate(_BUTTONS):
        parts.append(f'<circle cx="{22 + 20 * number}" cy="{_BAR_PIXELS // 2}" r="6" fill="{colour}"/>')
    parts.append(
        f'<text x="{width // 2}" y="{_BAR_PIXELS // 2 + 5}" text-anchor="middle" fill="{_TITLE}">'
        f"{escape(title)}</text>"
    )
    for number, line in enumerate(lines):
        baseline = _BAR_PIXELS + _MARGIN_PIXELS + number * _LINE_PIXELS + _FONT_PIXELS
        parts += _draw_line(line, baseline)
    parts.append("</svg>\n")
    return "\n".join(parts)


def _draw_line(line: Line, baseline: int) -> list[str]:
    """Each span by itself and with its length: so columns align whatever font the reader has."""
    drawn = []
    column = 0
    for span in line:
        text = span.text.strip(" ")
        if span.style is Style.CODE:
            drawn += _draw_blocks(span.text, _MARGIN_PIXELS + column * _CHARACTER_PIXELS, baseline)
        elif text:
            start = column + len(span.text) - len(span.text.lstrip(" "))
            x = _MARGIN_PIXELS + start * _CHARACTER_PIXELS
            bold = ' font-weight="bold"' if span.style in _BOLD else ""
            drawn.append(
                f'<text x="{x:.1f}" y="{baseline}" textLength="{len(text) * _CHARACTER_PIXELS:.1f}"'
                f' fill="{_COLOURS[span.style]}"{bold} xml:space="preserve">{escape(text)}</text>'
            )
        column += len(span.text)
    return drawn


def _draw_blocks(text: str, left: float, baseline: int) -> list[str]:
    """A line of a QR code, as surfaces: letters of a font would leave gaps, and no phone could read it."""
    top = baseline - _LINE_PIXELS * 0.75
    width = len(text) * _CHARACTER_PIXELS
    drawn = [f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_LINE_PIXELS}" fill="#000"/>']
    place = 0
    for block, run in itertools.groupby(text):
        length = len(list(run))
        if block in _BLOCKS:
            begin, part = _BLOCKS[block]
            drawn.append(
                f'<rect x="{left + place * _CHARACTER_PIXELS:.1f}" y="{top + begin * _LINE_PIXELS:.1f}"'
                f' width="{length * _CHARACTER_PIXELS:.1f}" height="{part * _LINE_PIXELS:.1f}"'
                f' fill="{_COLOURS[Style.CODE]}" shape-rendering="crispEdges"/>'
            )
        place += length
    return drawn
