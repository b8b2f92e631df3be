"""Has the files of replies uploaded, one at a time, on threads that may never come back."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Protocol

from wabot.brain.knowledge.linked_files import BrokenLink, kind_of, read_linked
from wabot.clock import utc_now
from wabot.conversation.chats import masked
from wabot.conversation.files.files_to_upload import begin_upload, give_up, mark_uploaded, upload_again
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Outbound
from wabot.outbound.pacing import growing_pause
from wabot.system.untrusted.confined import Unreadable, read_confined
from wabot.system.untrusted.file_types import JPEG, OPUS, PNG, type_of
from wabot.system.untrusted.photo_metadata import is_sideways, without_metadata
from wabot.whatsapp.outgoing import FileKind, UploadFailed
from wabot.whatsapp.uploads import UploadedFile

log = logging.getLogger(__name__)

UPLOAD_SECONDS = 120.0
"""How long an upload may take before its thread counts as lost."""
MOST_ATTEMPTS = 3
"""A chat's later replies wait behind a file, so it is not tried for ever."""
_FRESH_LOGIN_SECONDS = 5.0
_KEPT_SECONDS, _MOST_KEPT = 86_400.0, 100
_WAVEFORM = bytes((30, 55, 40, 70) * 16)
_PREVIEW_SIDE_PIXELS, _PREVIEW_BYTES, _MOST_PIXELS = 100, 20_000, 40_000_000


class Uploader(Protocol):
    """What takes files to WhatsApp: the client."""

    def upload(self, content: bytes, kind: FileKind, mimetype: str, /) -> UploadedFile:
        """Have a media host keep a file, or raise UploadFailed; may never return."""


class OwnerOfFiles(Protocol):
    """Who is told of a file that cannot be sent."""

    def tell_file_not_sent(self, reply: Outbound) -> None:
        """Say that a file did not reach its customer."""


@dataclass(slots=True)
class _Upload:
    """One upload; written by its thread, and `is_done` last."""

    row: Outbound
    due: float
    file: UploadedFile | None = None
    error: str = ""
    is_final: bool = False
    is_done: bool = False


class Uploads:
    """Takes the files of replies to a media host, and notes in the reply where it keeps them.

    All but the thread of an upload is the sender's; while one runs, other replies leave.

    Args:
        queue: the replies; its sender is woken when an upload ends.
        uploader: takes the files.
        folder: where they lie: that of the texts.
        owner: told of what cannot be sent.
    """

    def __init__(
        self, queue: SendQueue, uploader: Uploader, folder: Path | None, owner: OwnerOfFiles
    ) -> None:
        self._queue = queue
        self._uploader = uploader
        self._folder = folder
        self._owner = owner
        self._current: _Upload | None = None
        self._lost: list[_Upload] = []
        # What was uploaded lately, by content, type and name: the next customer gets the same.
        self._kept: OrderedDict[tuple[bytes, str, str], tuple[float, UploadedFile]] = OrderedDict()
        self._is_refused = False

    @property
    def is_busy(self) -> bool:
        """Whether an upload runs, so that no other may begin."""
        return self._current is not None

    @property
    def stuck(self) -> int:
        """How many uploads have not come back long after their time."""
        return sum(not upload.is_done for upload in self._lost)

    def take_refusal(self) -> bool:
        """Whether the media hosts refused this login since this was asked last; a fresh one mends that."""
        is_refused, self._is_refused = self._is_refused, False
        return is_refused

    def begin(self, row: Outbound, now: float) -> None:
        """Begin to upload the file of a reply; `now` in monotonic seconds.

        The attempt is written down first: where the service names no media host, the process dies of it.
        """
        if row.refusals >= MOST_ATTEMPTS:
            self._give_up(row, row.error or "the process ended while it was uploaded")
            return
        pause = timedelta(seconds=growing_pause(row.refusals))
        begin_upload(row, utc_now() + pause)
        self._current = upload = _Upload(row, now + UPLOAD_SECONDS)
        threading.Thread(target=self._run, args=(upload,), name="upload", daemon=True).start()

    def settle(self, now: float) -> float | None:
        """Write down what became of the upload that runs; when to look again, None: when it ends.

        Args:
            now: monotonic seconds.
        """
        upload = self._current
        if upload is None:
            return None
        if not upload.is_done and now < upload.due:
            return upload.due
        row = upload.row
        if upload.file is not None:
            mark_uploaded(row, upload.file.to_json(), utc_now())
            log.debug("reply %d to %s: its file is uploaded", row.id, masked(row.chat))
        elif upload.is_final or (row.refusals >= MOST_ATTEMPTS and not _is_offline(upload.error)):
            self._give_up(row, upload.error or "its upload does not come back")
        else:
            self._try_again(row, upload.error or "its upload does not come back")
        # Not before it is written down, which the database may refuse for a while.
        if not upload.is_done:
            self._lost.append(upload)
        self._current = None
        return now

    def leave(self, now: float) -> None:
        """Before the process ends in order: an upload that this cuts off was no failure of its file."""
        self.settle(now)
        if self._current is not None:
            upload_again(self._current.row, "", utc_now(), counts=False)

    def _try_again(self, row: Outbound, error: str) -> None:
        pause_seconds = growing_pause(row.refusals - 1)
        if self._is_refused:
            pause_seconds = max(pause_seconds, _FRESH_LOGIN_SECONDS)
        not_before = utc_now() + timedelta(seconds=pause_seconds)
        upload_again(row, error, not_before, counts=not _is_offline(error))
        log.warning(
            "reply %d to %s: its file could not be uploaded (%s); again in %.0f s",
            row.id,
            masked(row.chat),
            error,
            pause_seconds,
        )

    def _give_up(self, row: Outbound, error: str) -> None:
        if not give_up(row, f"its file cannot be sent: {error}"):
            return
        log.error(
            "reply %d to %s is given up: %s cannot be sent: %s", row.id, masked(row.chat), row.file, error
        )
        self._owner.tell_file_not_sent(row)

    def _run(self, upload: _Upload) -> None:
        """On a thread of its own, which may hang in the library or on a disk that is gone."""
        try:
            upload.file = self._upload(upload.row)
        except UploadFailed as error:
            upload.error = str(error)
            self._is_refused = self._is_refused or error.is_refused
        except BrokenLink as error:
            upload.error, upload.is_final = str(error), True
        except Exception as error:
            log.exception("%s: a file cannot be uploaded", masked(upload.row.chat))
            upload.error, upload.is_final = repr(error), True
        finally:
            upload.is_done = True
            self._queue.wakeup.set()

    def _upload(self, row: Outbound) -> UploadedFile:
        if self._folder is None:
            raise BrokenLink("there is no folder of texts")
        content = without_metadata(read_linked(self._folder, row.file))
        kind = kind_of(content)
        found = type_of(content)
        if kind != row.kind or kind == "location" or found is None:
            raise BrokenLink(f"it is no {row.kind} any more")
        name = PurePosixPath(row.file).name
        size = found.width, found.height
        width, height = reversed(size) if is_sideways(content) else size
        key = (hashlib.sha256(content).digest(), kind, name)
        kept_at, kept = self._kept.get(key, (0.0, None))
        if kept is not None and time.monotonic() - kept_at < _KEPT_SECONDS:
            return kept
        file = replace(
            self._uploader.upload(content, kind, found.mimetype),
            file_name=name,
            width=width,
            height=height,
            seconds=found.seconds,
            waveform=_WAVEFORM.hex() if found.mimetype == OPUS else "",
            thumbnail=_preview(self._folder / row.file).hex() if found.mimetype in (JPEG, PNG) else "",
        )
        self._kept[key] = time.monotonic(), file
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return file


def _is_offline(error: str) -> bool:
    """Whether an upload failed because there was no link to ask for the media hosts."""
    return "websocket" in error


def _preview(picture: Path) -> bytes:
    """A small JPEG of a picture, which is seen before that is fetched; b"" where none can be made."""
    child, side, pixels = "wabot.system.untrusted.picture_child", _PREVIEW_SIDE_PIXELS, _MOST_PIXELS
    try:
        return read_confined(child, picture, side, pixels, most_bytes=_PREVIEW_BYTES, through_links=True)
    except (Unreadable, OSError) as error:
        log.info("no preview of %s: %s", picture.name, error)
        return b""
