"""Proxy, TLS and WebSocket against ordinary clients."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import trustme
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from wabot.emulator.server.listener import LOOPBACK, SERVICE, Listener
from wabot.emulator.wire.transport import TlsStream, TransportError, WebSocket


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def service_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(SERVICE).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


class Echo:
    """Sends back what it is sent, over a WebSocket behind the proxy."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.refused: list[str] = []
        self.failures: list[Exception] = []
        self.status: HTTPStatus | None = None
        self.listener = Listener({SERVICE: self.serve}, self.refused.append)

    def serve(self, connection: socket.socket) -> None:
        try:
            stream = TlsStream(connection, self.context)
            stream.handshake()
            websocket = WebSocket(stream)
            request = websocket.read_request()
            if self.status:
                websocket.reject(self.status)
                return
            websocket.accept(request)
            while data := websocket.receive():
                if data == b"close":
                    websocket.close()
                elif data == b"abort":
                    websocket.abort()
                else:
                    websocket.send(data)
        except TransportError as error:
            self.failures.append(error)

    def tunnel(self, target: str = f"{SERVICE}:443") -> tuple[socket.socket, bytes]:
        """A connection through the proxy and what the proxy said."""
        connection = socket.create_connection((LOOPBACK, self.listener.port), timeout=5)
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        return connection, connection.recv(1000).split(b"\r\n")[0]


@pytest.fixture
def echo(service_context: ssl.SSLContext) -> Iterator[Echo]:
    before = threading.active_count()
    running = Echo(service_context)
    yield running
    running.listener.stop()
    assert threading.active_count() == before


def websocket(echo: Echo, context: ssl.SSLContext):  # type: ignore[no-untyped-def]
    tunnel, _ = echo.tunnel()
    return connect(f"wss://{SERVICE}/ws/chat", sock=tunnel, ssl=context, compression=None, proxy=None)


def test_bytes_come_back(echo: Echo, client_context: ssl.SSLContext) -> None:
    with websocket(echo, client_context) as client:
        for size in (1, 126, 70_000, 1_000_000):
            client.send(bytes(size))
            assert client.recv(5) == bytes(size)
        client.send([b"in ", b"pieces"])
        assert b"".join(client.recv(5) for _ in range(2)) == b"in pieces"
        assert client.ping().wait(5)


@pytest.mark.parametrize("how", [b"close", b"abort"])
def test_the_service_ends_it(echo: Echo, client_context: ssl.SSLContext, how: bytes) -> None:
    with websocket(echo, client_context) as client:
        client.send(how)
        with pytest.raises(ConnectionClosed):
            client.recv(5)


def test_a_writer_does_not_wait_for_a_reader(echo: Echo, client_context: ssl.SSLContext) -> None:
    with websocket(echo, client_context) as client:
        writer = threading.Thread(target=lambda: [client.send(bytes(1000)) for _ in range(300)])
        writer.start()
        assert sum(len(client.recv(5)) for _ in range(300)) == 300_000
        writer.join(5)


def test_the_upgrade_is_rejected(echo: Echo, client_context: ssl.SSLContext) -> None:
    echo.status = HTTPStatus.SERVICE_UNAVAILABLE
    with pytest.raises(InvalidStatus, match="503"):
        websocket(echo, client_context)


def test_no_tls_and_no_websocket(echo: Echo, client_context: ssl.SSLContext) -> None:
    plain, _ = echo.tunnel()
    plain.sendall(b"this is not TLS, it is an ordinary line of text\r\n")
    assert plain.recv(100)[:1] in (b"", b"\x15")  # an alert
    plain.close()
    tunnel, _ = echo.tunnel()
    with client_context.wrap_socket(tunnel, server_hostname=SERVICE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"426" in client.recv(1000)
    left, _ = echo.tunnel()
    left.close()
    deadline = time.monotonic() + 5
    while len(echo.failures) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(echo.failures) == 3


@pytest.mark.parametrize("target", ["example.com:443", f"{SERVICE}:80", "127.0.0.1:22", "g.whatsapp.net:443"])
def test_the_proxy_leads_nowhere_else(echo: Echo, target: str) -> None:
    connection, answer = echo.tunnel(target)
    connection.close()
    assert answer == b"HTTP/1.1 403 Forbidden"
    assert echo.refused == [target]


@pytest.mark.parametrize("request_", [b"GET http://example.com/ HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"x" * 9000])
def test_other_requests_are_refused(echo: Echo, request_: bytes) -> None:
    with socket.create_connection((LOOPBACK, echo.listener.port), timeout=5) as connection:
        connection.sendall(request_)
        answer = connection.recv(1000) if len(request_) < 9000 else b""
    assert answer.startswith(b"HTTP/1.1 403") or not answer
    assert not echo.failures


def test_connections_are_refused_for_a_while(echo: Echo) -> None:
    before, _ = echo.tunnel()
    echo.listener.refuse()
    with pytest.raises(ConnectionRefusedError):
        echo.tunnel()
    echo.listener.accept_again()
    after, answer = echo.tunnel()
    assert b"200" in answer
    before.close()
    after.close()


def test_it_listens_on_loopback_only(echo: Echo) -> None:
    port = f"{echo.listener.port:04X}"
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A" and local.endswith(f":{port}"):
                assert local == f"0100007F:{port}"


def test_stop_ends_connections_that_hang(service_context: ssl.SSLContext) -> None:
    running = Echo(service_context)
    hanging, _ = running.tunnel()
    started = time.monotonic()
    running.listener.stop()
    assert time.monotonic() - started < 2
    assert hanging.recv(10) == b""
    hanging.close()
