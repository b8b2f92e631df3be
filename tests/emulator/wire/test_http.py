"""Requests as they come off a connection, well formed and not."""

from __future__ import annotations

from typing import cast

import pytest

from wabot.emulator.wire.http import RequestReader, head
from wabot.emulator.wire.transport import TlsStream, TransportError


class Received:
    """A connection that brings these pieces and ends."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def receive(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


def reader(*pieces: bytes) -> RequestReader:
    return RequestReader(cast(TlsStream, Received(*pieces)))


def read(*pieces: bytes, at_most_bytes: int = 100) -> bytes:
    requests = reader(*pieces)
    request = requests.read_request()
    assert request is not None
    return requests.read_body(request, at_most_bytes)


def test_one_request_after_another() -> None:
    requests = reader(b"POST /a?b=c HTTP/1.1\r\nContent-Len", b"gth: 3\r\n\r\nxyzGET /d HTTP/1.1\r\n\r\n")
    first = requests.read_request()
    assert first is not None and (first.method, first.path, first.query) == ("POST", "/a", "b=c")
    assert requests.read_body(first, 3) == b"xyz"
    second = requests.read_request()
    assert second is not None and (second.method, second.path, second.query) == ("GET", "/d", "")
    assert requests.read_body(second, 0) == b""
    assert requests.read_request() is None


def test_a_body_in_chunks() -> None:
    start = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert read(start, b"3\r\nabc\r\nA;x=y\r\n012345", b"6789\r\n0\r\nTrailer: t\r\n\r\n") == b"abc0123456789"


@pytest.mark.parametrize(
    ("request_bytes", "reason"),
    [
        (b"\x16\x03\x01\r\n", "does not speak HTTP"),
        (b"GET /\r\n\r\n", "does not speak HTTP"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", "headers are none"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", "'many' is no length"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "'-1' is no length"),
        (b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n" + b"x" * 101, "more than is taken"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nxyz", "left in the middle"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", "more than is taken"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "'' is no length"),
    ],
)
def test_what_is_no_request(request_bytes: bytes, reason: str) -> None:
    with pytest.raises(TransportError, match=reason):
        read(request_bytes)


def test_the_head_of_an_answer() -> None:
    assert head(404, {"Content-Length": "0"}) == b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
