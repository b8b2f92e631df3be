"""Reads a file of the folder of texts: Markdown, plain text, a table (CSV), a PDF; or says why it cannot."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from wabot.brain.knowledge.sections import Section, cut_pieces, cut_sections, row_as_line
from wabot.brain.output.cleaning import drop_odd_characters
from wabot.system.files import read_plain
from wabot.system.untrusted.confined import Unreadable
from wabot.system.untrusted.pdf import read_pdf

READ = (".md", ".txt", ".csv", ".pdf")
"""How the names of files end that are read."""
_OFFICE = frozenset(
    (
        *(".doc", ".docx", ".odt", ".rtf", ".pages", ".htm", ".html", ".epub"),
        *(".xls", ".xlsx", ".ods", ".numbers", ".tsv", ".ppt", ".pptx", ".odp"),
    )
)
_MOST_BYTES = 1_000_000
_MOST_PDF_BYTES = 20_000_000
# Of a PDF, whose text may be any length, and of a table.
_MOST_PAGES, _MOST_CHARACTERS, _MOST_ROWS = 200, 200_000, 2000
# A price list has no headings that cut it; an answer of a page is none.
_PIECE_CHARACTERS = 600
_DELIMITERS = ",;\t|"


class LeftOut(Exception):
    """A file, or the rest of one, is not used. The message says why; it goes after the file's name.

    Attributes:
        cure: what to do, "" where nothing is known.
        sections: what is used all the same.
    """

    def __init__(self, why: str, cure: str = "", sections: Iterable[Section] = ()) -> None:
        super().__init__(why)
        self.cure = cure
        self.sections = tuple(sections)

    def __str__(self) -> str:
        """Why, and what to do."""
        return ": ".join(filter(None, (self.why, self.cure)))

    @property
    def why(self) -> str:
        """Why it is not used."""
        return str(self.args[0])


def never_read(name: str) -> LeftOut | None:
    """Why a file is not looked into that somebody may have put there to be read; None where nobody would."""
    ending = Path(name).suffix.lower()
    return LeftOut(f"{ending} is not read", "save it as .pdf, .csv or .md") if ending in _OFFICE else None


def read_document(path: Path, size: int) -> list[Section]:
    """The sections of a file.

    Args:
        path: it may be a link.
        size: how many bytes it has.

    Raises:
        LeftOut: it cannot be used, or not all of it.
    """
    ending = path.suffix.lower()
    most_bytes = _MOST_PDF_BYTES if ending == ".pdf" else _MOST_BYTES
    if size > most_bytes:
        raise LeftOut(f"it is larger than {most_bytes} bytes", "split it")
    try:
        if ending == ".pdf":
            return _of_pdf(path)
        text = read_plain(path, most_bytes, through_links=True).decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise LeftOut(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LeftOut("it is no UTF-8 text", "save it as UTF-8") from None
    if ending == ".csv":
        return _of_table(path.stem, text)
    sections = cut_sections(text)
    # Without a heading of its own, its name says what it is about.
    return [
        each if each.headings or ending == ".md" else Section((path.stem,), each.text) for each in sections
    ]


def _of_pdf(path: Path) -> list[Section]:
    try:
        read = read_pdf(path, _MOST_PAGES, _MOST_CHARACTERS, through_links=True)
    except Unreadable as error:
        raise LeftOut(str(error)) from None
    text = drop_odd_characters(read.text)
    sections = [Section((path.stem,), piece) for piece in cut_pieces(text, _PIECE_CHARACTERS)]
    if not read.is_whole:
        most = f"{_MOST_PAGES} pages or {_MOST_CHARACTERS} characters"
        raise LeftOut(f"what comes after {most} is not used", "split it", sections)
    return sections


def _of_table(name: str, text: str) -> list[Section]:
    """Its rows as lines, under the name of the file; the first row says what each column is."""
    try:
        rows = [
            [drop_odd_characters(cell).strip() for cell in row]
            for row in csv.reader(io.StringIO(text), delimiter=_delimiter_of(text))
        ]
    except csv.Error:
        raise LeftOut("it is no table", "check its quotation marks") from None
    filled = [row for row in rows if any(row)]
    head, *rest = filled or [[]]
    lines = "\n".join(f"- {row_as_line(head, row)}" for row in rest[:_MOST_ROWS])
    sections = [Section((name,), piece) for piece in cut_pieces(lines, _PIECE_CHARACTERS)]
    if len(rest) > _MOST_ROWS:
        raise LeftOut(f"its rows after the first {_MOST_ROWS} are not used", "split it", sections)
    return sections


def _delimiter_of(text: str) -> str:
    """What stands most often between the names of the columns."""
    first = text.lstrip().partition("\n")[0]
    return max(_DELIMITERS, key=first.count)
