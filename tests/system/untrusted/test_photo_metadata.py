"""What a camera writes beside a picture does not go to strangers; the picture stays, and how it is turned."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageOps, PngImagePlugin

from wabot.emulator.people.sample_files import JPEG, PDF
from wabot.system.untrusted.photo_metadata import is_sideways, without_metadata

SECRET = "39.4699 N, Calle Mayor 7"


def photo(kind: str, turn: int = 1, **options: Any) -> bytes:
    """A picture of four colours with all that says where it was taken."""
    image = Image.new("RGB", (48, 32), (200, 30, 30))
    image.paste((30, 200, 30), (0, 0, 24, 16))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = turn, SECRET
    exif.get_ifd(0x8825)[29] = SECRET
    into = BytesIO()
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET)
        text.add_itxt("XML:com.adobe.xmp", SECRET)
        image.save(into, kind, pnginfo=text, exif=exif)
    else:
        image.save(into, kind, exif=exif, comment=SECRET.encode(), xmp=SECRET.encode(), **options)
    return into.getvalue()


def pixels(content: bytes) -> bytes:
    return ImageOps.exif_transpose(Image.open(BytesIO(content))).convert("RGB").tobytes()


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"quality": 95, "icc_profile": b"a profile"}], ids=str
)
def test_a_photo_keeps_its_picture_and_how_it_is_turned(turn: int, options: dict[str, Any]) -> None:
    taken = photo("JPEG", turn, **options)
    trailing = b"a film " + SECRET.encode()
    bare = without_metadata(taken + trailing)
    assert SECRET.encode() in taken and SECRET.encode() not in bare
    assert pixels(bare) == pixels(taken)
    assert is_sideways(taken) == is_sideways(bare) == (turn > 4)
    assert (b"a profile" in bare) == ("icc_profile" in options)
    assert without_metadata(bare) == bare
    assert SECRET.encode() not in without_metadata(taken[:-20]), "one that breaks off"


def test_a_png_keeps_its_picture() -> None:
    taken = photo("PNG")
    bare = without_metadata(taken)
    assert SECRET.encode() in taken and SECRET.encode() not in bare and pixels(bare) == pixels(taken)


@pytest.mark.parametrize("content", [JPEG, PDF, b"", b"\xff\xd8", b"\xff\xd8\xff\xda"])
def test_what_has_none_stays_as_it_is(content: bytes) -> None:
    assert without_metadata(content) == content


def test_broken_photos_break_nothing() -> None:
    for kind in ("JPEG", "PNG"):
        taken = photo(kind, 6)
        for end in range(0, len(taken), 5):
            without_metadata(taken[:end])
            is_sideways(taken[:end])
