"""The loopback port: an HTTP proxy that leads to the emulated service, its media hosts, and nowhere else."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from collections.abc import Callable, Mapping

LOOPBACK = "127.0.0.1"
SERVICE = "web.whatsapp.com"
"""The host the client library dials: wss://web.whatsapp.com/ws/chat (whatsmeow socket/constants.go)."""

_PORT = "443"
_MAX_HEADER_BYTES = 8192
_HEADER_SECONDS = 10.0
_BACKLOG = 64

_log = logging.getLogger(__name__)


class Listener:
    """Accepts connections on a free loopback port and serves each one in a thread of its own.

    The only requests it grants are CONNECT to port 443 of the hosts in `services`; then it lets the service
    of that name have the connection, and closes it when that returns. Everything else is refused with 403:
    nothing leaves this machine. `fault_at` is asked what goes wrong with a connection to a host: "refused",
    "reset", "silent", "silent_tls" (granted, and then silent), or "" for nothing.
    """

    def __init__(
        self,
        services: Mapping[str, Callable[[socket.socket], None]],
        on_refused: Callable[[str], None],
        fault_at: Callable[[str], str] = lambda host: "",
    ) -> None:
        self._services = services
        self._on_refused = on_refused
        self._fault_at = fault_at
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
                host = self._grant(connection)
                if host:
                    self._services[host](connection)
        except OSError as error:
            _log.debug("a connection ended: %s", error)

    def _grant(self, connection: socket.socket) -> str:
        """The host that the client is led to, "" if to none."""
        connection.settimeout(_HEADER_SECONDS)
        header = bytearray()
        while b"\r\n\r\n" not in header:
            data = connection.recv(_MAX_HEADER_BYTES)
            header += data
            if not data or len(header) > _MAX_HEADER_BYTES:
                return ""
        connection.settimeout(None)
        method, _, rest = header.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        host, _, port = target.partition(":")
        if (method, port) != ("CONNECT", _PORT) or host not in self._services:
            _log.warning("refused to lead anybody to %.100r: this proxy knows %s only", target, SERVICE)
            self._on_refused(target)
            _refuse(connection, "403 Forbidden")
            return ""
        fault = self._fault_at(host)
        if fault == "refused":
            _refuse(connection, "503 Service Unavailable")
        elif fault == "reset":
            reset(connection)
        elif fault != "silent":
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if fault in ("silent", "silent_tls"):
            while connection.recv(_MAX_HEADER_BYTES):
                pass
        return "" if fault else host


def reset(connection: socket.socket) -> None:
    """End a connection as a machine does that knows nothing of it any more."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _refuse(connection: socket.socket, status: str) -> None:
    connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
