"""HTTP calls, against servers that really listen."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from tests.provider_server import ProviderServer, refused_url, tls_context
from wabot.emulator.model_behaviours import raw, say, status
from wabot.emulator.model_server import Handler
from wabot.http_endpoint import ConnectionLost, HttpEndpoint, NoConnection, Response, UnusableProxy

_QUESTION = b'{"messages": [{"role": "user", "content": "hola"}]}'

pytestmark = pytest.mark.usefixtures("no_proxy")


def call(url: str, seconds: float = 5.0, most: int = 1000, **headers: str) -> Response:
    """One call over a connection of its own."""
    endpoint = HttpEndpoint(url)
    try:
        return again(endpoint, seconds, most, **headers)
    finally:
        endpoint.close()


def again(endpoint: HttpEndpoint, seconds: float = 5.0, most: int = 1000, **headers: str) -> Response:
    """One call over the endpoint's connection."""
    return endpoint.call("POST", headers, _QUESTION, time.monotonic() + seconds, lambda _status: most)


class Proxy(ThreadingHTTPServer):
    """Opens tunnels, and notes for what; `stalls`: it trickles its answer instead."""

    daemon_threads = True

    def __init__(self, stalls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.stalls = stalls
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        """Its address, with a name and a password."""
        return f"http://ana:s%40crt@127.0.0.1:{self.server_port}"


class _ProxyHandler(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.path, self.headers["Proxy-Authorization"]))
        if self.server.stalls:
            give_up = time.monotonic() + 20
            while time.monotonic() < give_up:
                try:
                    self.wfile.write(b"H")
                except OSError:
                    return
                time.sleep(0.02)
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(far.recv, self.wfile.write))
            back.start()
            _pump(self.connection.recv, far.sendall)
            far.shutdown(socket.SHUT_WR)
            back.join()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def _pump(receive: Callable[[int], bytes], send: Callable[[bytes], object]) -> None:
    try:
        while data := receive(65_536):
            send(data)
    except OSError:
        return


@contextmanager
def running(proxy: Proxy) -> Iterator[Proxy]:
    """The proxy while it serves."""
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderServer]:
    """A server of HTTPS whose certificate is trusted."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with ProviderServer(tls=tls_context(authority)) as server:
        yield server


def test_a_connection_is_kept_and_a_closed_one_replaced(server: ProviderServer) -> None:
    ports: list[int] = []

    def remember(handler: Handler, body: dict[str, object]) -> None:
        ports.append(handler.client_address[1])
        handler.send_json({})
        handler.close_connection = len(ports) == 3

    server.default = remember
    endpoint = HttpEndpoint(server.base_url)
    for count in range(1, 6):
        assert again(endpoint).status == 200
        if count == 3:
            # Once it is there, the end of the connection can be seen before the next call.
            _wait_for_end(endpoint._connection.sock.sock)
    endpoint.close()
    assert len(set(ports[:3])) == len(set(ports[3:])) == 1
    assert ports[2] != ports[3]


def _wait_for_end(sock: socket.socket) -> None:
    sock.settimeout(10)
    assert sock.recv(1, socket.MSG_PEEK) == b""


def test_what_is_longer_than_wanted_is_cut_and_the_next_call_meets_nothing_of_it(
    server: ProviderServer,
) -> None:
    server.default = raw(b"0123456789")
    endpoint = HttpEndpoint(server.base_url)
    for most, body, is_cut in ((4, b"0123", True), (0, b"", True), (10, b"0123456789", False)):
        response = again(endpoint, most=most)
        assert (response.body, response.is_cut) == (body, is_cut)
    endpoint.close()


def test_an_answer_of_an_unknown_length_is_read_to_its_end(server: ProviderServer) -> None:
    def chunked(handler: Handler, body: dict[str, object]) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    def until_closed(handler: Handler, body: dict[str, object]) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"abcde")

    for behaviour in (chunked, until_closed):
        server.default = behaviour
        assert call(server.base_url).body == b"abcde"


def test_an_answer_that_breaks_off_is_none(server: ProviderServer) -> None:
    def chunked(handler: Handler, body: dict[str, object]) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nab")
        handler.close_connection = True

    def short(handler: Handler, body: dict[str, object]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"abcde")
        handler.close_connection = True

    for behaviour in (chunked, short):
        server.default = behaviour
        with pytest.raises(ConnectionLost) as caught:
            call(server.base_url)
        assert caught.value.answering


def test_an_endless_header_is_an_answer_that_broke_off(server: ProviderServer) -> None:
    def act(handler: Handler, body: dict[str, object]) -> None:
        handler.send_response(200)
        for number in range(200):
            handler.send_header(f"X-{number}", "x")
        handler.end_headers()

    server.default = act
    with pytest.raises(ConnectionLost):
        call(server.base_url)


def test_it_says_what_it_is_and_who_it_is(server: ProviderServer) -> None:
    call(server.base_url.replace("://", "://ana:p%40ss@"))
    call(server.base_url.replace("://", "://ana:p%40ss@"), Authorization="Bearer key")
    first, second = (request.headers for request in server.requests)
    assert first["User-Agent"].startswith("wabot/")
    assert first["Authorization"] == "Basic YW5hOnBAc3M="
    assert second["Authorization"] == "Bearer key"
    assert first["Host"] == server.base_url.removeprefix("http://").removesuffix("/v1")


def test_what_no_address_may_hold_is_quoted(server: ProviderServer) -> None:
    call(f"{server.base_url}/años%20de/x?q=ñ&r=%41#part")
    assert server.requests[0].path == "/v1/a%C3%B1os%20de/x?q=%C3%B1&r=%41"


def test_an_encrypted_call_goes_through_a_tunnel_of_the_proxy(
    encrypted: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted.default = say("hola")
    with running(Proxy()) as proxy:
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("https_proxy", proxy.url)
        assert b"hola" in call(encrypted.base_url).body
    address = encrypted.base_url.removeprefix("https://").removesuffix("/v1")
    # ana:s@crt
    assert proxy.asked == [(address, "Basic YW5hOnNAY3J0")]
    assert encrypted.requests[0].headers["Host"] == address


def test_a_proxy_that_trickles_is_cut_at_the_end_of_the_time(
    encrypted: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(Proxy(stalls=True)) as proxy:
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(TimeoutError):
            call(encrypted.base_url, seconds=0.4)


def test_it_is_said_when_the_proxy_is_what_cannot_be_reached_or_refuses(
    server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", refused_url())
    with pytest.raises(NoConnection, match=r"^through the proxy: nothing listens there$"):
        call("http://models.example/")
    server.default = status(403)
    monkeypatch.setenv("https_proxy", server.base_url)
    with pytest.raises(NoConnection, match=r"^through the proxy: it refuses$"):
        call("https://models.example/")


@pytest.mark.parametrize("exception", ["127.0.0.1", "127.0.0.0/8", "other.example, 127.0.0.1/32"])
def test_whom_no_proxy_names_is_asked_directly(
    server: ProviderServer, monkeypatch: pytest.MonkeyPatch, exception: str
) -> None:
    monkeypatch.setenv("http_proxy", refused_url())
    monkeypatch.setenv("no_proxy", exception)
    assert call(server.base_url).status == 200


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "https://127.0.0.1:3128", "http://"])
def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(UnusableProxy, match="proxy in the environment has to be http://HOST:PORT"):
        HttpEndpoint("https://models.example/v1")


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://host/", "http://", "http://[::1", "http://h:99999/"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError):
        HttpEndpoint(url)


def test_each_address_of_a_name_is_tried(server: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.base_url.rpartition(":")[2].partition("/")[0])
    places = [
        (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in ("127.0.0.9", "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: places)
    assert call(f"http://models.example:{port}/v1").status == 200
