"""What the media hosts hold: blobs by their paths, who may upload, and every request that was made."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MEDIA_HOSTS = ("media-x1-1.cdn.whatsapp.net", "mmg.whatsapp.net")
"""In the order in which they are offered; the addresses in messages name the last."""

_MAX_REQUESTS = 200_000


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """One request to a media host; `at` is in seconds of the monotonic clock.

    Attributes:
        method: "CONNECT" for one that the host took no connection of.
        path: without the query.
        status: what was answered; 0 for nothing.
        received_bytes: of its body.
        sent_bytes: of the answer's body.
        headers: by their names in lower case.
    """

    at: float
    host: str
    method: str
    path: str = ""
    query: str = field(default="", repr=False)
    status: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a blob is: `direct_path` is the same on every host."""

    url: str
    direct_path: str


class Media:
    """The blobs that all media hosts serve alike. Thread-safe.

    `ttl_seconds` is for how long a device may use what `connection` told it.
    """

    def __init__(self) -> None:
        self.hosts: tuple[str, ...] = MEDIA_HOSTS
        self.ttl_seconds = 300
        self._lock = threading.Lock()
        self._blobs: dict[str, bytes] = {}
        self._auth = _new_auth()
        self._requests: deque[MediaRequest] = deque(maxlen=_MAX_REQUESTS)

    # Blobs.

    def publish(self, blob: bytes) -> Address:
        """Serve `blob` from now on."""
        path = f"/v/t62.7117-24/{secrets.token_hex(12)}_n.enc"
        with self._lock:
            self._blobs[path] = blob
        direct_path = f"{path}?ccb=11-4&oh=01_{secrets.token_urlsafe(24)}&oe=7FFFFFFF&_nc_sid=5e03e0"
        return Address(f"https://{MEDIA_HOSTS[-1]}{direct_path}&mms3=true", direct_path)

    def blob(self, direct_path: str) -> bytes | None:
        """What is served at a path, whatever its query."""
        with self._lock:
            return self._blobs.get(path_of(direct_path))

    def forget(self, direct_path: str) -> None:
        """Serve it no longer: it is answered with 404."""
        with self._lock:
            self._blobs.pop(path_of(direct_path), None)

    # Who may upload.

    @property
    def auth(self) -> str:
        """What an upload has to show."""
        with self._lock:
            return self._auth

    def expire_auth(self) -> None:
        """Take no upload any more from who does not ask for the hosts again."""
        with self._lock:
            self._auth = _new_auth()

    # What was asked.

    @property
    def requests(self) -> list[MediaRequest]:
        """The requests to media hosts in the order of their ends, which may come just after the answer."""
        with self._lock:
            return list(self._requests)

    def record(self, request: MediaRequest) -> None:
        """Keep a request that is over."""
        with self._lock:
            self._requests.append(request)

    def record_refused(self, host: str, status: int) -> None:
        """Keep that a connection to `host` was not taken."""
        self.record(MediaRequest(time.monotonic(), host, "CONNECT", status=status))


def path_of(direct_path: str) -> str:
    """A path without the query."""
    return urlsplit(direct_path).path


def _new_auth() -> str:
    return secrets.token_urlsafe(48)
