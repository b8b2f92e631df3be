"""The knowledge base: a folder of texts, searched by question and read again when a file changes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from wabot.brain.knowledge.documents import READ, LeftOut, never_read, read_document
from wabot.brain.knowledge.index import IndexEntry, Passage, SearchIndex
from wabot.brain.knowledge.linked_files import broken_links
from wabot.brain.knowledge.sections import Section
from wabot.brain.language import detect_language

#: The score from which a passage is taken to answer the question. Chosen on the sample knowledge base
#: (`python -m wabot.trials.bench.knowledge`): below it, questions about something else begin to pass.
KNOWN = 0.55

_CHECK_INTERVAL_SECONDS = 1.0
# How long to wait for texts: at the start, after a change, and while there are none yet.
_START_SECONDS, _FRESH_SECONDS, _FIRST_SECONDS = 5.0, 1.0, 20.0
_MAX_FILES = 500

log = logging.getLogger(__name__)

_Signature = tuple[tuple[str, int, int], ...]


class KnowledgeBase:
    """Answers questions from the texts in a folder and the folders below it. Safe to share by threads.

    Texts are read on a thread of their own, because many of them take a minute: whoever asks waits a moment
    for what changed, longer only as long as nothing was read at all, and is answered from what was known
    before.

    Args:
        folder: may be None or not exist: nothing is known then, which is no error.
        clock: monotonic, in seconds.
        patience_seconds: how long to wait for the first reading here.
    """

    def __init__(
        self,
        folder: Path | None,
        clock: Callable[[], float] = time.monotonic,
        patience_seconds: float = _START_SECONDS,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._looking = threading.Lock()
        self._signature: _Signature = ()
        self._index = SearchIndex([])
        self._next_check = clock()
        self._read = threading.Event()
        self._read.set()
        self._known = False
        self._look(patience_seconds)
        if lacking := lack_of_knowledge(folder):
            log.warning("%s", lacking)

    @property
    def is_reading(self) -> bool:
        """Whether texts are being read; what is found until then is what was known before."""
        return not self._read.is_set()

    def search(self, question: str, language: str | None = None, limit: int = 3) -> list[Passage]:
        """Up to `limit` passages that may answer, best first; compare `score` with `KNOWN`.

        Passages in `language` ("es", "en", "pt") come before equally good ones in another.
        """
        self._look(_FRESH_SECONDS)
        if not self._known:
            self._read.wait(_FIRST_SECONDS)
        return self._index.search(question, language, limit)

    def whole(self, most_tokens: int) -> tuple[Passage, ...]:
        """All texts in the order of their files, if a model counts no more than so many tokens; else none."""
        self._look(_FRESH_SECONDS)
        return self._index.whole(most_tokens)

    def on_subject(self, subject: str, question: str, language: str | None = None) -> Passage | None:
        """
        The best passage on a subject of `subjects` that the question speaks of; None where there is none.
        """
        self._look(_FRESH_SECONDS)
        return self._index.on_subject(subject, question, language)

    def _look(self, patience_seconds: float) -> None:
        """Have the folder read again if a file changed; look at most once a second."""
        with self._looking:
            if self._folder is None or self._clock() < self._next_check or self.is_reading:
                return
            self._next_check = self._clock() + _CHECK_INTERVAL_SECONDS
            files = list_files(self._folder)
            signature = tuple((str(path), mtime, size) for path, mtime, size in files)
            if signature == self._signature:
                return
            self._signature = signature
            self._read.clear()
            arguments = (self._folder, files)
            threading.Thread(target=self._read_all, args=arguments, name="knowledge", daemon=True).start()
        self._read.wait(patience_seconds)

    def _read_all(self, folder: Path, files: Sequence[tuple[Path, int, int]]) -> None:
        try:
            entries = [entry for path, _, size in files for entry in _read_entries(path, size, base=folder)]
            index = SearchIndex(entries)
            self._index = index
            used = len({entry.source for entry in entries})
            log.info("knowledge: %d passages in %d files under %s", len(entries), used, folder)
            for path, why in _never_read(folder):
                log.warning("knowledge: %s is left out: %s", path, why)
        except Exception:
            log.exception("knowledge: the texts under %s cannot be read; those before stay", folder)
        finally:
            self._known = True
            self._read.set()


def lack_of_knowledge(folder: Path | None) -> str:
    """Why the bot knows nothing of the shop, and what to do; "" where it may, or where nothing is wanted."""
    if folder is None or list_files(folder):
        return ""
    try:
        found = "there is no text (.md, .txt, .csv, .pdf) in" if folder.is_dir() else "there is no folder"
    except OSError:
        found = "this user may not look for"
    return f"The bot knows nothing of your shop: {found} {folder}. Write about it there, or set ai.knowledge."


def list_files(folder: Path) -> list[tuple[Path, int, int]]:
    """Path, modification time (ns) and size (bytes) of the files to read, in order of their names."""
    found: list[tuple[Path, int, int]] = []
    for path in _shown(folder):
        if path.suffix.lower() not in READ:
            continue
        try:
            state = path.stat()
        except OSError as error:
            log.error("knowledge: %s cannot be read, skipped: %s", path, error.strerror)
            continue
        if path.is_file():
            found.append((path, state.st_mtime_ns, state.st_size))
    if len(found) > _MAX_FILES:
        log.warning(
            "knowledge: %s holds %d files; only the first %d are read", folder, len(found), _MAX_FILES
        )
    return found[:_MAX_FILES]


def _shown(folder: Path) -> list[Path]:
    """What lies in the folder and those below it, but for what is hidden, in order of its names."""
    try:
        found = sorted(folder.rglob("*"))
    except OSError as error:
        log.warning("knowledge: folder %s cannot be read: %s", folder, error.strerror)
        return []
    return [
        path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def left_out(folder: Path | None) -> list[tuple[Path, LeftOut]]:
    """The files of the folder that are not used, or not as a whole."""
    if folder is None:
        return []
    read = ((path, _read(path, size)[1]) for path, _, size in list_files(folder))
    return [*((path, why) for path, why in read if why), *_never_read(folder)]


def links_that_lead_nowhere(folder: Path | None) -> list[str]:
    """What the texts link to and cannot be sent, a sentence each."""
    if folder is None:
        return []
    return [
        told
        for path, _, size in list_files(folder)
        for told in _misleading(_read(path, size)[0], path, folder)
    ]


def _misleading(sections: Sequence[Section], path: Path, folder: Path) -> Iterator[str]:
    if path.suffix.lower() == ".md":
        for section in sections:
            yield from broken_links(section.text, str(path.relative_to(folder)), folder)


def _read(path: Path, size: int) -> tuple[Sequence[Section], LeftOut | None]:
    """What is used of a file, and why not all of it is."""
    try:
        return read_document(path, size), None
    except LeftOut as error:
        return error.sections, error


def _never_read(folder: Path) -> Iterator[tuple[Path, LeftOut]]:
    for path in _shown(folder):
        if why := never_read(path.name):
            yield path, why


def _read_entries(path: Path, size: int, base: Path) -> list[IndexEntry]:
    sections, why = _read(path, size)
    if why:
        log.error("knowledge: %s is left out: %s", path, why)
    for told in _misleading(sections, path, base):
        log.warning("knowledge: %s", told)
    text = "\n".join(f"{section.title}\n{section.text}" for section in sections)
    language = detect_language(text, default="")
    source = str(path.relative_to(base))
    return [
        IndexEntry(section.title, " / ".join(section.headings[:-1]), section.text, source, language)
        for section in sections
    ]
