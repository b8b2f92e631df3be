"""Makes a picture on its standard input small and plain, within limits. Writes a JPEG.

    python -m wabot.system.untrusted.picture_child CPU_SECONDS LONGEST_SIDE PIXELS

What only looks like a picture is none afterwards, and where and when it was taken is not in it any more.
"""

from __future__ import annotations

import io
import sys

from wabot.system.untrusted.confined import confine

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITY = 80
_NOTHING_DONE = 1


def main(cpu_seconds: int, longest_side: int, most_pixels: int) -> int:
    """Write the picture; anything that fails is the caller's to explain."""
    confine(cpu_seconds)
    # Not before: what it costs to load counts, too. These four kinds and no other.
    from PIL import GifImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    assert GifImagePlugin and JpegImagePlugin and PngImagePlugin and WebPImagePlugin

    with Image.open(sys.stdin.buffer, formats=_FORMATS) as picture:
        if picture.width * picture.height > most_pixels:
            return _NOTHING_DONE
        # A JPEG is not even unpacked at its full size.
        picture.draft("RGB", (longest_side, longest_side))
        picture.thumbnail((longest_side, longest_side))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    plain = Image.new("RGB", upright.size, "white")
    plain.paste(upright, mask=upright)
    written = io.BytesIO()
    plain.save(written, "JPEG", quality=_QUALITY)
    sys.stdout.buffer.write(written.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
