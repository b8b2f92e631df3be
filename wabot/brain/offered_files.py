"""The files and places that passages link to: which go with an answer, and what a model calls them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from wabot.brain.knowledge.index import Passage
from wabot.brain.knowledge.linked_files import LinkedFile, write_links
from wabot.brain.output.cleaning import clean, plain_html
from wabot.brain.output.control_words import FILE

_MOST_SHOWN = 9


class OfferedFiles:
    """What may go with one answer.

    Args:
        folder: of texts.
        most: how many may go with it.
    """

    def __init__(self, folder: Path | None, most: int) -> None:
        self._folder = folder
        self._most = most
        self._files: list[LinkedFile] = []

    @property
    def exist(self) -> bool:
        """Whether there is something to offer."""
        return bool(self._files)

    def text_for_customer(self, passage: Passage) -> str:
        """What of a passage answers, without what goes with it; what stands in a sentence leaves its name."""

        def write(file: LinkedFile, is_alone: bool) -> str:
            goes = self._number_of(file, self._most)
            return "" if goes and is_alone and file.kind != "voice" else file.name

        return write_links(passage.answer, passage.source, self._folder, write)

    def for_model(self, passage: Passage) -> Passage:
        """A passage in which each link to a file says by which word it is sent."""

        def write(file: LinkedFile, _is_alone: bool) -> str:
            number = self._number_of(file, _MOST_SHOWN if self._most else 0)
            return f"[{FILE}{number}: {file.name}]" if number else file.name

        return replace(passage, text=write_links(passage.text, passage.source, self._folder, write))

    def of_numbers(self, numbers: Iterable[int], text: str) -> tuple[LinkedFile, ...]:
        """What a model chose, as far as it was offered that and may send so many."""
        chosen = [self._files[number - 1] for number in sorted(numbers) if 0 < number <= len(self._files)]
        return tuple(_without_repetition(file, text) for file in chosen[: self._most])

    def all(self, text: str) -> tuple[LinkedFile, ...]:
        """All that goes with a text."""
        return self.of_numbers(range(1, len(self._files) + 1), text)

    def _number_of(self, file: LinkedFile, most: int) -> int:
        """The number of a file among those offered, 0 where there are enough."""
        for number, other in enumerate(self._files, start=1):
            if (other.path, other.place) == (file.path, file.place):
                return number
        if len(self._files) >= most:
            return 0
        self._files.append(file)
        return len(self._files)


def _without_repetition(file: LinkedFile, text: str) -> LinkedFile:
    """A file with its name as WhatsApp shows it; without, where the text says that or there is no room."""
    name = clean(plain_html(file.name))
    said = " ".join(text.casefold().split())
    is_said = file.kind == "voice" or (file.kind != "location" and name.casefold() in said)
    return replace(file, name="" if is_said else name)
