"""Draws a QR code: with characters, for terminals and for the journal, or as a picture."""

from __future__ import annotations

import io
from typing import Any

# Two rows of modules a line, the light ones drawn: right on a dark terminal. On a light one black and white
# change places, which not every phone reads; `colour_qr` is for those.
_BLOCKS = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}


def draw_qr(code: str) -> str:
    """The code as lines of text, without colour sequences, which the journal would not show.

    Args:
        code: the text to encode.
    """
    rows = [[bool(module) for module in row] for row in _encode(code).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join(
        "".join(_BLOCKS[(bool(top), bool(bottom))] for top, bottom in zip(upper, lower, strict=True))
        for upper, lower in pairs
    )


def colour_qr(drawing: str) -> str:
    """The drawing for a terminal of any colours: white on black, as 256-colour codes, which no theme changes.

    Args:
        drawing: from `draw_qr`.
    """
    return "\n".join(f"\x1b[38;5;231;48;5;16m{line}\x1b[0m" for line in drawing.splitlines())


def qr_png(code: str) -> bytes:
    """The code as a PNG file.

    Args:
        code: the text to encode.
    """
    picture = io.BytesIO()
    _encode(code).save(picture, kind="png", scale=8, border=4)
    return picture.getvalue()


def png_data_url(code: str) -> str:
    """The code as a PNG in a `data:` address, which a web page can show as it is.

    Args:
        code: the text to encode.
    """
    url: str = _encode(code).png_data_uri(scale=6, border=4)
    return url


def _encode(code: str) -> Any:
    # Here, because it takes 8 ms of a start, and a linked bot draws none.
    import segno

    return segno.make_qr(code, error="l")
