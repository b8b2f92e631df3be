"""The loopback port: an HTTP proxy that leads to the emulated service and nowhere else."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable

LOOPBACK = "127.0.0.1"
SERVICE = "web.whatsapp.com"
"""The host the client library dials: wss://web.whatsapp.com/ws/chat (whatsmeow socket/constants.go)."""

_SERVICE_TARGET = f"{SERVICE}:443"
_MAX_HEADER_BYTES = 8192
_HEADER_SECONDS = 10.0
_BACKLOG = 64

_log = logging.getLogger(__name__)


class Listener:
    """Accepts connections on a free loopback port and serves each one in a thread of its own.

    The only request it grants is CONNECT web.whatsapp.com:443; then it calls `serve(connection)` and closes
    the connection when that returns. Everything else is refused with 403: nothing leaves this machine.
    """

    def __init__(self, serve: Callable[[socket.socket], None], on_refused: Callable[[str], None]) -> None:
        self._serve = serve
        self._on_refused = on_refused
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._stopped = False
        self._socket = self._bind(0)
        self.port: int = self._socket.getsockname()[1]
        self._open()

    def refuse(self) -> None:
        """Refuse new TCP connections until `accept_again`; established ones live on."""
        with self._lock:
            self._close_port()
            # Bound but not listening: the kernel refuses, and nobody else is given the port.
            self._socket = self._bind(self.port)

    def accept_again(self) -> None:
        """End `refuse`."""
        with self._lock:
            if not self._stopped and self._acceptor is None:
                self._open()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Close the port and every connection, and wait for their threads."""
        with self._lock:
            self._stopped = True
            self._close_port()
            connections = dict(self._connections)
        for connection in connections.values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections:
            thread.join(timeout_seconds)

    def _bind(self, port: int) -> socket.socket:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        return listening

    def _open(self) -> None:
        self._socket.listen(_BACKLOG)
        self._acceptor: threading.Thread | None = threading.Thread(
            target=self._accept, args=(self._socket,), name="emulator-listener", daemon=True
        )
        self._acceptor.start()

    def _close_port(self) -> None:
        acceptor, self._acceptor = self._acceptor, None
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        self._socket.close()
        if acceptor is not None:
            acceptor.join()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            thread = threading.Thread(
                target=self._run, args=(connection,), name="emulator-connection", daemon=True
            )
            # Only here: whoever stops has to wait also for a thread that is just ending.
            self._connections = {each: of for each, of in self._connections.items() if each.is_alive()}
            self._connections[thread] = connection
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        try:
            with connection:
                if self._grant(connection):
                    self._serve(connection)
        except OSError as error:
            _log.debug("a connection ended: %s", error)

    def _grant(self, connection: socket.socket) -> bool:
        connection.settimeout(_HEADER_SECONDS)
        header = bytearray()
        while b"\r\n\r\n" not in header:
            data = connection.recv(_MAX_HEADER_BYTES)
            header += data
            if not data or len(header) > _MAX_HEADER_BYTES:
                return False
        connection.settimeout(None)
        method, _, rest = header.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        if (method, target) != ("CONNECT", _SERVICE_TARGET):
            _log.warning("refused to lead anybody to %.100r: this proxy knows %s only", target, SERVICE)
            self._on_refused(target)
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True
