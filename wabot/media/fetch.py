"""From a media host to a checked file on this machine: by plain HTTPS, within a deadline and a size.

The client library's own download has neither, holds a file several times in memory and needs the link; the
hosts ask for no account, because nobody but the message's readers has the key.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
import urllib3

from wabot.media.cipher import KEY_BYTES, OVERHEAD_BYTES, DamagedFile, FileKeys, open_blob
from wabot.media.directory import MediaDirectory
from wabot.system.http import Deadline, DeadlineSession, why_unreachable
from wabot.whatsapp.messages import Attachment, MessageKind

HOST = "mmg.whatsapp.net"
# Never another, whatever a message says.
_HOST_NAME = re.compile(r"[a-z0-9.-]{1,240}\.whatsapp\.net")
_PATH = re.compile(r"/[!-~]{1,2000}")
_HEADERS = {
    "Origin": "https://web.whatsapp.com",
    "Referer": "https://web.whatsapp.com/",
    # A compressed megabyte can unpack to a gigabyte.
    "Accept-Encoding": "identity",
}
_READ_BYTES = 1 << 16
_CONNECT_SECONDS = 10.0
_FIRST_SHARE = 0.6
_GONE = (403, 404, 410)
_SEALED_AS = {
    MessageKind.IMAGE: "Image",
    MessageKind.STICKER: "Image",
    MessageKind.VIDEO: "Video",
    MessageKind.AUDIO: "Audio",
    MessageKind.DOCUMENT: "Document",
}


class Gone(Exception):
    """The media hosts have the file no more: only who sent it can send it again."""


class TooLarge(Exception):
    """The file is larger than it may be."""


class NotNow(Exception):
    """The file cannot be had at this moment. The message is for the operator, without an address in it."""


class Fetcher:
    """Fetches files into the media directory. For one thread only.

    Args:
        directory: where they go.
        proxy: that of the link, "" for none: then the environment may name one.
    """

    def __init__(self, directory: MediaDirectory, proxy: str = "") -> None:
        self._directory = directory
        self._proxies = {"https": proxy} if proxy else None
        self._session = DeadlineSession()

    def fetch(
        self, file: Attachment, kind: MessageKind, number: int, most_bytes: int, seconds: float
    ) -> Path:
        """Have a file on this machine, whole and checked; one that is here already is not fetched again.

        Args:
            file: as its message has it.
            kind: of the message.
            number: of its row.
            most_bytes: how large it may be.
            seconds: for all of it.

        Returns:
            Where it lies; until `MediaDirectory.drop`.

        Raises:
            Gone: nobody has it any more.
            TooLarge: it is larger, whatever its message says.
            Damaged: it is not what the message says, or the message does not say enough.
            NotNow: another attempt may succeed.
            NoRoom: it may not lie here now.
            OSError: the disk does not take it.
        """
        if self._proxies and self._proxies["https"].startswith("socks"):
            # Not past it: whoever sets one has a reason.
            raise NotNow("files are not fetched through a SOCKS proxy; connection.proxy may name an http one")
        path = self._directory.path_of(number)
        key, sha256, encrypted_sha256 = (
            _hash(value) for value in (file.key, file.file_sha256, file.encrypted_sha256)
        )
        if _holds(path, sha256):
            return path
        sealed_as = _SEALED_AS[kind]
        places = _places(file, encrypted_sha256, sealed_as)
        if not places:
            raise DamagedFile("its message does not say where it is")
        if file.size_bytes > most_bytes:
            raise TooLarge
        # The file, and before that its blob.
        self._directory.require_room(2 * (file.size_bytes or most_bytes))
        with self._directory.unnamed() as blob:
            size_bytes = self._download(places, blob, most_bytes + OVERHEAD_BYTES, seconds)
            if _sha256_of(blob) != encrypted_sha256:
                raise DamagedFile("the media host has something else in its place")
            try:
                with self._directory.begin(number) as content:
                    open_blob(blob, size_bytes, FileKeys.of(key, sealed_as), sha256, content)
            except BaseException:
                self._directory.drop(number)
                raise
        return self._directory.keep(number)

    def _download(
        self, places: Sequence[tuple[str, str]], blob: BinaryIO, most_bytes: int, seconds: float
    ) -> int:
        """Write what is served at the first of these that serves it; returns how much that is."""
        ends_at = time.monotonic() + seconds
        failures: list[Gone | NotNow] = []
        for host, target in places:
            left = ends_at - time.monotonic()
            share = _FIRST_SHARE if (host, target) != places[-1] else 1.0
            try:
                return self._from(host, target, blob, most_bytes, max(left * share, 0.1))
            except (Gone, NotNow) as error:
                failures.append(error)
        # Gone it is only if nobody may have it.
        raise next((error for error in failures if isinstance(error, NotNow)), failures[0])

    def _from(self, host: str, target: str, blob: BinaryIO, most_bytes: int, seconds: float) -> int:
        with Deadline(seconds) as deadline:
            try:
                size_bytes = self._read(host, target, blob, most_bytes, seconds)
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                if deadline.expired:
                    raise NotNow(f"{host} did not send it within {seconds:.0f} s") from None
                raise NotNow(f"{host}: {why_unreachable(error)}") from None
            if deadline.expired:
                # A body without a length looks complete when the deadline cuts it.
                raise NotNow(f"{host} did not send it within {seconds:.0f} s")
        return size_bytes

    def _read(self, host: str, target: str, blob: BinaryIO, most_bytes: int, seconds: float) -> int:
        blob.seek(0)
        blob.truncate()
        with self._session.get(
            f"https://{host}{target}",
            headers=_HEADERS,
            stream=True,
            allow_redirects=False,
            timeout=(min(_CONNECT_SECONDS, seconds), seconds),
            auth=_no_password,
            proxies=self._proxies,
        ) as response:
            if response.status_code in _GONE:
                raise Gone
            if response.status_code != 200:
                raise NotNow(f"{host} answered {response.status_code}")
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and int(length[:20]) > most_bytes:
                raise TooLarge
            size_bytes = 0
            while piece := response.raw.read1(_READ_BYTES, decode_content=False):
                size_bytes += len(piece)
                if size_bytes > most_bytes:
                    raise TooLarge
                blob.write(piece)
        if length.isdecimal() and size_bytes != int(length[:20]):
            raise NotNow(f"{host} broke off in the middle of it")
        blob.flush()
        return size_bytes


def _no_password(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without one, requests looks into ~/.netrc."""
    return request


def _places(file: Attachment, encrypted_sha256: bytes, sealed_as: str) -> list[tuple[str, str]]:
    """Each place, host and path, where it may be had: as every client asks, then as the message says.

    Of files of the newer kind the path alone may lack the signature that the whole address has: 403.
    """
    places = []
    if _PATH.fullmatch(file.path) and "?" in file.path:
        digest = base64.urlsafe_b64encode(encrypted_sha256).decode()
        places.append((HOST, f"{file.path}&hash={digest}&mms-type={sealed_as.lower()}&__wa-mms="))
    try:
        parts = urlsplit(file.address)
        host = parts.hostname or ""
        is_plain = parts.scheme == "https" and parts.port in (None, 443)
    except ValueError:
        return places
    target = f"{parts.path}?{parts.query}"
    if is_plain and _HOST_NAME.fullmatch(host) and _PATH.fullmatch(target):
        places.append((host, target))
    return places


def _hash(value: str) -> bytes:
    try:
        found = bytes.fromhex(value)
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise DamagedFile("its message lacks a key or a hash")
    return found


def _holds(path: Path, sha256: bytes) -> bool:
    """Whether a file is here and is the right one: after a power cut it may be empty."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        return _sha256_of(file) == sha256


def _sha256_of(file: BinaryIO) -> bytes:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_READ_BYTES):
        digest.update(piece)
    return digest.digest()
