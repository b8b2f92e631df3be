from __future__ import annotations

import base64
import struct
import zlib

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from wabot.system.qr import colour_qr, draw_qr, png_data_url, qr_png

# What a phone shows as a code is about this long.
LINK = "https://wa.me/settings/linked_devices#2@" + "aB3+/" * 40 + ",1,2,3"
PIXELS = {" ": (1, 1), "▄": (1, 0), "▀": (0, 1), "█": (0, 0)}
BORDER = 2


def read_back(drawing: str) -> list[list[int]]:
    """The modules of a drawing, 1 for dark ones, without the border, which has to be light."""
    rows: list[list[int]] = []
    for line in drawing.split("\n"):
        rows.append([PIXELS[character][0] for character in line])
        rows.append([PIXELS[character][1] for character in line])
    size = len(rows[0])
    assert {len(row) for row in rows} == {size}
    assert size <= len(rows) <= size + 1
    inside = [row[BORDER:-BORDER] for row in rows[BORDER : size - BORDER]]
    assert sum(map(sum, rows)) == sum(map(sum, inside))
    return inside


def modules(text: str) -> list[list[int]]:
    """The same from the library; no Micro QR code, which phones do not read."""
    return [list(row) for row in segno.make_qr(text, error="l").matrix]


def png_size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture[12:16] == b"IHDR"
    assert struct.unpack(">I", picture[29:33])[0] == zlib.crc32(picture[12:29])
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


@pytest.mark.parametrize("text", [LINK, "1", "x", "https://wa.me/1", "ñ🙂", "x" * 1000])
def test_a_drawing_is_the_code(text: str) -> None:
    assert read_back(draw_qr(text)) == modules(text)


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=300).filter(lambda text: text.isprintable()))
def test_any_text_can_be_drawn(text: str) -> None:
    assert read_back(draw_qr(text)) == modules(text)


def test_a_drawing_has_no_colours_for_the_journal() -> None:
    assert set(draw_qr(LINK)) <= {*PIXELS, "\n"}


def test_in_colour_it_is_the_same_drawing_line_by_line() -> None:
    drawing = draw_qr(LINK)
    lines = colour_qr(drawing).split("\n")
    assert [line.removeprefix("\x1b[38;5;231;48;5;16m").removesuffix("\x1b[0m") for line in lines] == (
        drawing.split("\n")
    )


@pytest.mark.parametrize("text", [LINK, "1"])
def test_pictures_of_it(text: str) -> None:
    modules_and_border = len(modules(text)) + 8
    assert png_size(qr_png(text)) == (8 * modules_and_border,) * 2
    head, _, data = png_data_url(text).partition(",")
    assert head == "data:image/png;base64"
    assert png_size(base64.b64decode(data, validate=True)) == (6 * modules_and_border,) * 2
