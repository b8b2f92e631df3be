"""What a text links to and can be sent: pictures, films, speech and documents of its folder, and places."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote

from wabot.system.files import open_plain
from wabot.system.untrusted.file_types import HEAD_BYTES, JPEG, MP4, OPUS, PDF, PNG, type_of

MAX_FILE_BYTES = 16 * 2**20

Kind = Literal["image", "video", "voice", "document", "location"]
_KINDS: dict[str, Kind] = {
    JPEG: "image",
    PNG: "image",
    MP4: "video",
    OPUS: "voice",
    PDF: "document",
}
_LINK = re.compile(
    r"!?\[(?P<name>[^\[\]\n]{0,300})\]"
    r"\([ \t]*(?:<(?P<quoted>[^<>\n]{1,300})>|(?P<plain>(?:[^()\n<>\"]|\([^()\n\"]{0,100}\)){1,300}?))"
    r"(?:[ \t]+\"[^\"\n]{0,300}\")?[ \t]*\)"
)
_ELSEWHERE = re.compile(r"(?!geo:)[a-z][a-z0-9+.-]*:|//|www\.|#", re.IGNORECASE)
_GEO = re.compile(r"geo:(-?\d{1,3}(?:\.\d{1,12})?),(-?\d{1,3}(?:\.\d{1,12})?)(?:[,;?].*)?", re.IGNORECASE)
_TEXTS = (".md", ".txt", ".csv")


class BrokenLink(Exception):
    """A link to a file of the folder leads to nothing that can be sent; the text says why."""


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """Something that goes with a text.

    Attributes:
        kind: as what it is sent.
        name: what the link calls it.
        path: of a file, in the folder of texts.
        place: of a location, its latitude and longitude.
    """

    kind: Kind
    name: str
    path: str = ""
    place: tuple[float, float] | None = None


def write_links(text: str, source: str, folder: Path | None, write: Callable[[LinkedFile, bool], str]) -> str:
    """A text with its links to files and places written otherwise; those to addresses stay.

    A link that leads to nothing that can be sent becomes its name: no customer has use for its path.

    Args:
        text: in Markdown.
        source: its own path in the folder.
        folder: of texts.
        write: what stands for one, and whether it stands alone on its line.
    """

    def written(line: str) -> str:
        alone = not any(character.isalnum() for character in _LINK.sub("", line))
        return _LINK.sub(lambda link: _written(link, alone), line)

    def _written(link: re.Match[str], alone: bool) -> str:
        if _ELSEWHERE.match(_target_of(link)):
            return link[0]
        try:
            return write(_resolved(link, source, folder), alone)
        except BrokenLink:
            return link["name"].strip()

    if "](" not in text:
        return text
    return "\n".join(written(line) for line in text.split("\n"))


def broken_links(text: str, source: str, folder: Path) -> Iterator[str]:
    """What is wrong with the links of a text to files and places, a sentence each."""
    for link in _LINK.finditer(text):
        target = _target_of(link)
        if _ELSEWHERE.match(target) or target.partition("#")[0].lower().endswith(_TEXTS):
            continue
        try:
            _resolved(link, source, folder)
        except BrokenLink as error:
            yield f"{source} links to {target}, which is not sent: {error}"


def read_linked(folder: Path, path: str) -> bytes:
    """A file that a text linked to, whole; it may be another by now.

    Raises:
        BrokenLink: it cannot be sent.
    """
    content = _read(folder, path, MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise BrokenLink(f"it is larger than {MAX_FILE_BYTES >> 20} MB")
    return content


def kind_of(content: bytes) -> Kind:
    """As what a file is sent, by its first bytes.

    Raises:
        BrokenLink: it is not.
    """
    found = type_of(content)
    if found is None:
        raise BrokenLink("it is no JPEG, PNG, PDF or MP4, and no voice note (Opus in Ogg)")
    return _KINDS[found.mimetype]


def _target_of(link: re.Match[str]) -> str:
    return (link["quoted"] or link["plain"]).strip()


def _resolved(link: re.Match[str], source: str, folder: Path | None) -> LinkedFile:
    target, name = _target_of(link), link["name"].strip()
    if target.lower().startswith("geo:"):
        return LinkedFile("location", name, place=_place(target))
    if folder is None:
        raise BrokenLink("there is no folder of texts")
    # As any reader of Markdown takes it: from where the text lies; else from the top.
    beside = str(PurePosixPath(source).parent / target)
    for path in dict.fromkeys((beside, unquote(beside), target, unquote(target))):
        try:
            return LinkedFile(kind_of(_read(folder, path, HEAD_BYTES)), name, path)
        except BrokenLink as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
    raise BrokenLink("there is no such file")


def _place(target: str) -> tuple[float, float]:
    found = _GEO.fullmatch(target)
    if not found or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        raise BrokenLink("a place is written geo:LATITUDE,LONGITUDE, as geo:39.47,-0.37")
    return float(found[1]), float(found[2])


def _read(folder: Path, path: str, most_bytes: int) -> bytes:
    """The beginning of a file that lies in the folder, wherever links on the way lead."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\0" in path or any(part.startswith(".") for part in parts):
        raise BrokenLink("it does not lie in the folder of texts, or is hidden there")
    try:
        top = folder.resolve(strict=True)
        with os.fdopen(open_plain(top / path, through_links=True), "rb") as file:
            # Of what was opened, not of what may lie there by now.
            if not Path(f"/proc/self/fd/{file.fileno()}").readlink().is_relative_to(top):
                raise BrokenLink("it does not lie in the folder of texts")
            if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                raise BrokenLink(f"it is larger than {MAX_FILE_BYTES >> 20} MB")
            return file.read(most_bytes)
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise BrokenLink(reason or "it cannot be read") from error
