"""A connection pooler in front of PostgreSQL, for one machine: lends its connections as PgBouncer does."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

_HOST = "127.0.0.1"


class TransactionPooler:
    """For a with block: it listens on `port`, and passes every client on to a server.

    A client's own login makes one more connection to the server. Between transactions each belongs to all
    clients, and who begins one gets that which was given back last. With `by_session` it keeps its own. The
    process number a client is greeted with is made up, because it may be served by any.
    """

    def __init__(self, server_port: int, *, by_session: bool = False) -> None:
        self._server_port = server_port
        self._by_session = by_session
        self._free: list[socket.socket] = []
        self._changed = threading.Condition()
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for server in self._free:
            server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection((_HOST, self._server_port))
        with client, contextlib.suppress(OSError):
            self._log_in(client, server)
            own = server if self._by_session else None
            if own is None:
                self._give_back(server)
            while (message := _message(client))[:1] != b"X":
                own = own or self._borrow()
                own.sendall(message)
                is_idle = _answer(own, client)
                if is_idle and not self._by_session:
                    self._give_back(own)
                    own = None
            if own is not None:
                own.close()

    def _log_in(self, client: socket.socket, server: socket.socket) -> None:
        (size,) = struct.unpack("!i", _exactly(client, 4))
        startup = _exactly(client, size - 4)
        if startup == struct.pack("!i", 80877103):  # a request for TLS
            client.sendall(b"N")
            (size,) = struct.unpack("!i", _exactly(client, 4))
            startup = _exactly(client, size - 4)
        server.sendall(struct.pack("!i", size) + startup)
        while (message := _message(server))[:1] != b"Z":
            if message[:1] == b"K":
                message = message[:5] + struct.pack("!i", 2_000_000_000) + message[9:]
            client.sendall(message)
            if message[:1] == b"E":
                raise ConnectionAbortedError
            kind = struct.unpack("!i", message[5:9])[0] if message[:1] == b"R" else 0
            if kind in (3, 5, 10, 11):  # it wants a password, or the next word of one
                server.sendall(_message(client))
        client.sendall(message)

    def _borrow(self) -> socket.socket:
        with self._changed:
            self._changed.wait_for(lambda: self._free)
            return self._free.pop()

    def _give_back(self, server: socket.socket) -> None:
        with self._changed:
            self._free.append(server)
            self._changed.notify()


def _answer(server: socket.socket, client: socket.socket) -> bool:
    """Pass on all of an answer; whether no transaction is open after it."""
    while True:
        message = _message(server)
        client.sendall(message)
        if message[:1] == b"Z":
            return message[5:6] == b"I"


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = source.recv(size - len(data))
        if not part:
            raise ConnectionAbortedError
        data += part
    return data
