"""A media host: hands out blobs and takes them in over HTTPS, and fails where a fault is due."""

from __future__ import annotations

import hashlib
import json
import logging
import select
import socket
import ssl
import time
from base64 import urlsafe_b64decode
from urllib.parse import parse_qs

from wabot.emulator.server.listener import reset
from wabot.emulator.wire.http import HttpRequest, RequestReader, head
from wabot.emulator.wire.transport import TlsStream
from wabot.emulator.world.media import MediaRequest
from wabot.emulator.world.media_faults import Failure
from wabot.emulator.world.service import Service

_MAX_UPLOAD_BYTES = 1 << 28
_PIECE_BYTES = 1 << 16
_OVERSIZED = 4

_log = logging.getLogger(__name__)


class MediaHost:
    """One connection to the media host `host`, until it ends."""

    def __init__(
        self, service: Service, host: str, connection: socket.socket, context: ssl.SSLContext
    ) -> None:
        self._service = service
        self._host = host
        self._connection = connection
        self._stream = TlsStream(connection, context)
        self._requests = RequestReader(self._stream)
        self._status = 0  # of the present request, as what follows
        self._received_bytes = 0
        self._sent_bytes = 0

    def run(self) -> None:
        """Serve the connection until it ends, for whatever reason."""
        try:
            self._stream.handshake()
            while (request := self._requests.read_request()) is not None and self._answer(request):
                pass
        except OSError as error:
            _log.debug("a connection to %s ended: %s", self._host, error)
        finally:
            self._stream.abort()

    def _answer(self, request: HttpRequest) -> bool:
        """Answer one request; whether the connection can carry another."""
        self._status = self._received_bytes = self._sent_bytes = 0
        at = time.monotonic()
        try:
            if request.method == "POST":
                return self._take_in(request)
            if request.method == "GET":
                return self._hand_out(request)
            return self._respond(405)
        finally:
            self._record(request, at)

    def _record(self, request: HttpRequest, at: float) -> None:
        self._service.media.record(
            MediaRequest(
                at,
                self._host,
                request.method,
                request.path,
                request.query,
                self._status,
                self._received_bytes,
                self._sent_bytes,
                {name.lower(): value for name, value in request.headers.items()},
            )
        )
        kind = "upload" if request.method == "POST" else "download"
        self._service.note(kind, "bot", f"{self._host} {self._status or 'not answered'}")

    # Uploads.

    def _take_in(self, request: HttpRequest) -> bool:
        failure = self._service.faults.media.take_upload(self._host)
        how = failure.how if failure is not None else ""
        if how == "unread":
            left = select.poll()
            left.register(self._connection, select.POLLRDHUP)
            left.poll()
            return False
        if how == "cut":
            reset(self._connection)
            return False
        body = self._requests.read_body(request, _MAX_UPLOAD_BYTES)
        self._received_bytes = len(body)
        if failure is None:
            return self._store(request, body)
        if how == "silent":
            self._stream.wait_for_end()
            return False
        if how == "status":
            return self._respond(failure.status)
        return self._respond(200, {"html": b"<html>", "empty_answer": b"{}"}[how])

    def _store(self, request: HttpRequest, body: bytes) -> bool:
        token = request.path.rpartition("/")[2]
        shown = parse_qs(request.query).get("auth", [""])[0]
        if shown != self._service.media.auth:
            return self._respond(401)
        if _digest(token) != hashlib.sha256(body).digest():
            return self._respond(415)
        address = self._service.media.publish(body)
        answer = {"url": address.url, "direct_path": address.direct_path, "handle": "", "object_id": ""}
        return self._respond(200, json.dumps(answer).encode())

    # Downloads.

    def _hand_out(self, request: HttpRequest) -> bool:
        failure = self._service.faults.media.take_download(self._host, request.path)
        if failure is not None and failure.how == "status":
            after = failure.retry_after_seconds
            return self._respond(failure.status, b"", {} if after is None else {"Retry-After": str(after)})
        if failure is not None and failure.how == "redirect":
            return self._respond(302, b"", {"Location": failure.location})
        blob = self._service.media.blob(request.path)
        if blob is None:
            return self._respond(404)
        if failure is None:
            return self._respond(200, blob)
        other = _instead(failure.how, blob)
        if other is not None:
            return self._respond(200, other)
        self._break_off(failure, blob)
        return False

    def _break_off(self, failure: Failure, blob: bytes) -> None:
        """Answer in a way after which the connection is of no use any more."""
        how, half = failure.how, blob[: len(blob) // 2]
        if how == "silent":
            self._stream.wait_for_end()
        elif how == "endless":
            self._send_head(200, {"Connection": "close"})
            while True:
                self._send_body(bytes(_PIECE_BYTES))
        elif how == "slow_header":
            self._send_head(200, {"Content-Length": str(len(blob))}, failure.pause_seconds)
            self._send_body(blob)
        elif how == "slow":
            self._send_head(200, {"Content-Length": str(len(blob))})
            for byte in blob:
                self._send_body(bytes([byte]))
                time.sleep(failure.pause_seconds)
        else:
            self._send_head(200, {"Content-Length": str(len(blob))})
            self._send_body(half)
            if how == "reset":
                reset(self._connection)
            elif how == "stalled":
                self._stream.wait_for_end()

    # The connection.

    def _respond(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> bool:
        self._send_head(status, {"Content-Length": str(len(body)), **(headers or {})})
        for start in range(0, len(body), _PIECE_BYTES):
            self._send_body(body[start : start + _PIECE_BYTES])
        return True

    def _send_head(self, status: int, headers: dict[str, str], pause_seconds: float = 0.0) -> None:
        self._status = status
        header = head(status, headers)
        step = 1 if pause_seconds else len(header)
        for start in range(0, len(header), step):
            self._stream.send(header[start : start + step])
            time.sleep(pause_seconds)

    def _send_body(self, data: bytes) -> None:
        self._stream.send(data)
        self._sent_bytes += len(data)


def _instead(how: str, blob: bytes) -> bytes | None:
    """What comes whole but is not the blob; None for other faults."""
    half = len(blob) // 2
    match how:
        case "short":
            return blob[:-1]
        case "wrong":
            return blob[:half] + bytes([blob[half] ^ 1]) + blob[half + 1 :]
        case "empty":
            return b""
        case "oversized":
            return blob * _OVERSIZED
    return None


def _digest(token: str) -> bytes:
    bare = token.rstrip("=")
    try:
        return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        return b""
