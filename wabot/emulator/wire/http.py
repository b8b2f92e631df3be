"""HTTP/1.1 over one TLS connection, as far as it takes to hand out and take in files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, parse_headers

from wabot.emulator.wire.transport import TlsStream, TransportError

_MAX_LINE_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without its body."""

    method: str
    path: str
    query: str
    headers: Message


class RequestReader:
    """Reads one request after another from a connection."""

    def __init__(self, stream: TlsStream) -> None:
        self._reader = io.BufferedReader(_Incoming(stream))

    def read_request(self) -> HttpRequest | None:
        """The next request, None when the client is gone; raises TransportError when it is none."""
        line = self._line()
        if not line:
            return None
        method, _, rest = line.partition(" ")
        target, _, version = rest.partition(" ")
        if not version.startswith("HTTP/1."):
            raise TransportError(f"the client does not speak HTTP: {line[:40]!r}")
        try:
            headers = parse_headers(self._reader)
        except HTTPException as error:
            raise TransportError(f"the client's headers are none: {error!r}") from error
        path, _, query = target.partition("?")
        return HttpRequest(method, path, query, headers)

    def read_body(self, request: HttpRequest, at_most_bytes: int) -> bytes:
        """The body of `request`, whether its length is told or it comes in chunks.

        Raises:
            TransportError: it ends before its end, or has more than `at_most_bytes`.
        """
        if request.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self._read(_number(request.headers.get("Content-Length", "0"), 10), at_most_bytes)
        body = bytearray()
        while size := _number(self._line().partition(";")[0], 16):
            body += self._read(size, at_most_bytes - len(body))
            self._line()
        while self._line():  # what may follow the last chunk
            pass
        return bytes(body)

    def _line(self) -> str:
        return self._reader.readline(_MAX_LINE_BYTES).decode("latin-1").strip()

    def _read(self, size: int, at_most_bytes: int) -> bytes:
        if size > at_most_bytes:
            raise TransportError("the client sends more than is taken")
        data = self._reader.read(size)
        if len(data) < size:
            raise TransportError("the client left in the middle of its request")
        return data


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers of an answer."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Incoming(io.RawIOBase):
    """What the client sends, as a file."""

    def __init__(self, stream: TlsStream) -> None:
        self._stream = stream
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._left or self._stream.receive()
        size = min(len(buffer), len(data))
        buffer[:size], self._left = data[:size], data[size:]
        return size


def _number(text: str, base: int) -> int:
    try:
        # A sign, or what else Python reads as one number, is none here.
        return int(text if text.isalnum() else "", base)
    except ValueError:
        raise TransportError(f"{text[:40]!r} is no length") from None
