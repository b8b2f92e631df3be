"""TLS and WebSocket over one TCP connection, for one thread that reads and one that writes."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from http import HTTPStatus

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

_CHUNK_BYTES = 1 << 16
_MAX_MESSAGE_BYTES = 1 << 24


class TransportError(ConnectionError):
    """The client is gone, or does not speak TLS and WebSocket."""


class TlsStream:
    """The service's end of a TLS connection.

    TLS works on memory buffers here, under one lock: an OpenSSL connection must not be used by two threads at
    once, and a read that waits for the client must not keep a writer waiting.
    """

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._lock = threading.Lock()

    def handshake(self) -> None:
        """Agree on keys with the client; raises TransportError when it leaves or does not speak TLS."""
        while True:
            try:
                self._tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError as error:
                raise TransportError(f"no TLS with the client: {error.reason}") from error
            if not self._fill():
                raise TransportError("the client left during the TLS handshake")

    def receive(self) -> bytes:
        """The next bytes of the client, b"" once it is gone."""
        while True:
            try:
                with self._lock:
                    return self._tls.read(_CHUNK_BYTES)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return b""
            if not self._fill():
                return b""

    def send(self, data: bytes) -> None:
        """Write `data`; raises OSError when the connection is gone."""
        with self._lock:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                raise TransportError(f"TLS ended: {error.reason}") from error
            self._flush()

    def wait_for_end(self) -> None:
        """Read nothing and say nothing until the client leaves or `abort` is called."""
        while self._fill():
            pass

    def abort(self) -> None:
        """End the connection without a farewell; a thread that waits in it comes back."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _fill(self) -> bool:
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except OSError:
            return False
        with self._lock:
            self._incoming.write(data)
        return bool(data)

    def _flush(self) -> None:
        self._socket.sendall(self._outgoing.read())


class WebSocket:
    """The service's end of a WebSocket (RFC 6455); its binary messages form one byte stream."""

    def __init__(self, stream: TlsStream) -> None:
        self._stream = stream
        self._protocol = ServerProtocol(max_size=_MAX_MESSAGE_BYTES, logger=_LOGGER)
        self._lock = threading.Lock()

    def read_request(self) -> Request:
        """The client's upgrade request; raises TransportError when none comes."""
        while data := self._stream.receive():
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    return event
        raise TransportError("the client left before it asked for a WebSocket")

    def accept(self, request: Request) -> None:
        """Grant the upgrade; raises TransportError when the request is not one."""
        with self._lock:
            self._protocol.send_response(self._protocol.accept(request))
            self._flush()
        if self._protocol.state is not OPEN:
            raise TransportError("the client did not ask for a WebSocket")

    def reject(self, status: HTTPStatus) -> None:
        """Answer the upgrade request with an HTTP error instead."""
        with self._lock:
            self._protocol.send_response(self._protocol.reject(status, status.phrase))
            self._flush()

    def receive(self) -> bytes:
        """The next bytes of the client's binary messages, b"" once it is gone."""
        while data := self._stream.receive():
            with self._lock:
                self._protocol.receive_data(data)
                events = self._protocol.events_received()
                with contextlib.suppress(OSError):
                    self._flush()
            payload = b"".join(
                event.data
                for event in events
                if isinstance(event, Frame) and event.opcode in (Opcode.BINARY, Opcode.CONT)
            )
            if payload:
                return payload
            if self._protocol.state is not OPEN:
                return b""
        return b""

    def send(self, data: bytes) -> None:
        """Write `data` as one binary message; raises OSError when the connection is gone."""
        with self._lock:
            if self._protocol.state is not OPEN:
                raise TransportError("the WebSocket is closed")
            self._protocol.send_binary(data)
            self._flush()

    def close(self) -> None:
        """Say goodbye and end the connection."""
        with self._lock, contextlib.suppress(OSError):
            if self._protocol.state is OPEN:
                self._protocol.send_close()
                self._flush()
        self.abort()

    def abort(self) -> None:
        """End the connection without a farewell; a thread that waits in it comes back."""
        self._stream.abort()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._stream.send(data)


# websockets logs every frame at DEBUG, which nobody can read: they are encrypted.
_LOGGER = logging.getLogger(__name__ + ".websocket")
_LOGGER.setLevel(logging.ERROR)
