"""Draws a QR code: with characters, for terminals and for the journal, or as a picture."""

from __future__ import annotations

import segno

# Two rows of modules a line. Drawn light on dark with a border of light modules, so that the colours of the
# terminal do not matter: a scanner needs the border to be as light as the light modules.
_BLOCKS = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}


def draw_qr(code: str) -> str:
    """The code as lines of text, without colour sequences, which the journal would not show.

    Args:
        code: the text to encode.
    """
    rows = [[bool(module) for module in row] for row in segno.make(code, error="l").matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join(
        "".join(_BLOCKS[(bool(top), bool(bottom))] for top, bottom in zip(upper, lower, strict=True))
        for upper, lower in pairs
    )


def png_data_url(code: str) -> str:
    """The code as a PNG in a `data:` address, which a web page can show as it is.

    Args:
        code: the text to encode.
    """
    url: str = segno.make(code, error="l").png_data_uri(scale=6, border=4)
    return url
