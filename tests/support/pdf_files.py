"""PDF files, honest and hostile, made of what they are about."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

from pypdf import PdfReader, PdfWriter

CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def pdf_of(*objects: bytes) -> bytes:
    """A file with these objects, numbered from 1; the first is its catalog."""
    body, places = bytearray(b"%PDF-1.4\n"), []
    for number, each in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start, size = len(body), len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    body += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(body)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream, as an object."""
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (entries, len(content), content)


def page(contents: int, resources: bytes = b"/Font<</F1 4 0 R>>") -> bytes:
    """A page whose content is the object of that number."""
    return (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<<%b>>/Contents %d 0 R>>"
        % (resources, contents)
    )  # fmt: skip


def one_page(content: bytes, resources: bytes = b"/Font<</F1 4 0 R>>", *more: bytes) -> bytes:
    """A file of one page; `content` is the object 5, and `more` come after it."""
    return pdf_of(CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page(5, resources), FONT, content, *more)


def pages_of(*texts: str) -> bytes:
    """A file with a page for each text, of any lines."""
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * number + 1) for number in range(len(texts)))
    objects = [CATALOG, b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, len(texts)), b"null", FONT]
    for number, text in enumerate(texts):
        lines = b"".join(b"(%b) Tj T* " % _escaped(line) for line in text.splitlines())
        objects += [page(first + 2 * number + 2), stream(b"BT /F1 12 Tf 14 TL 72 720 Td %bET" % lines)]
    return pdf_of(*objects)


def _escaped(line: str) -> bytes:
    return line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def locked(document: bytes, password: str, owner_password: str = "owner") -> bytes:
    """The file behind a password; "" opens by itself."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(document)))
    writer.encrypt(password, owner_password, algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _bomb() -> bytes:
    packer, packed = zlib.compressobj(9), []
    packed += [packer.compress(bytes(1_000_000)) for _ in range(160)]
    once = b"".join([*packed, packer.flush()])
    return one_page(stream(zlib.compress(once, 9), b"/Filter[/FlateDecode/FlateDecode]"))


def _many_operators() -> bytes:
    content = zlib.compress(b"BT /F1 9 Tf " + b"(a)Tj " * 3_000_000 + b"ET", 9)
    return one_page(stream(content, b"/Filter/FlateDecode"))


_DRAWS = b"/Font<</F1 4 0 R>>/XObject<</X 6 0 R>>"


def _form(content: bytes, resources: bytes) -> bytes:
    entries = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<<%b>>" % resources
    return stream(content, entries)


def _draws_itself() -> bytes:
    return one_page(stream(b"/X Do"), _DRAWS, _form(b"/X Do", b"/XObject<</X 6 0 R>>"))


def _doubling() -> bytes:
    depth = 30
    forms = [
        _form(b"/A Do /B Do", b"/XObject<</A %d 0 R/B %d 0 R>>" % (number, number))
        for number in range(7, 7 + depth)
    ]
    last = _form(b"BT /F1 9 Tf (deep) Tj ET", b"/Font<</F1 4 0 R>>")
    return one_page(stream(b"/X Do"), _DRAWS, *forms, last)


def _many_pages() -> bytes:
    kids = b"3 0 R " * 200_000
    return pdf_of(CATALOG, b"<</Type/Pages/Kids[%b]/Count 200000>>" % kids, page(5), FONT, stream(b""))


def _nested() -> bytes:
    return one_page(b"[" * 200_000 + b"]" * 200_000)


def _circle() -> bytes:
    return pdf_of(CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>")


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "garbage": lambda: bytes(range(256)) * 300,
    "html": lambda: b"<html><body>404</body></html>",
    "truncated": lambda: pages_of("A price list")[:300],
    "scanned": lambda: pages_of(""),
    "locked": lambda: locked(pages_of("secret"), "123"),
    "bomb": _bomb,
    "operators": _many_operators,
    "draws itself": _draws_itself,
    "doubling": _doubling,
    "page references": _many_pages,
    "nested": _nested,
    "circle": _circle,
}
"""Each makes a file of which nothing can be read."""
