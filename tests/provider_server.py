"""An OpenAI-compatible endpoint on loopback whose model echoes, and which can be told to misbehave."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Request:
    """What the endpoint was sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages of the chat, the system's first."""
        messages: list[dict[str, str]] = self.body["messages"]
        return messages


class Handler(BaseHTTPRequestHandler):
    """Answers one request with the next fault of the script, or like a model."""

    protocol_version = "HTTP/1.1"
    # Otherwise the body waits 40 ms for the acknowledgement of the headers.
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Record the request and act the next fault out."""
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or b"{}")
        owner = self.server.owner
        owner.requests.append(Request(self.path, dict(self.headers), body))
        try:
            owner.next_behaviour()(self, body)
        except OSError:
            # The client gave up, which is what many of the faults are for.
            self.close_connection = True

    do_GET = do_POST

    def send_json(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Send a value as JSON."""
        self.send_body(json.dumps(value).encode(), status, headers)

    def send_body(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Send bytes as a complete answer."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


Behaviour = Callable[[Handler, dict[str, Any]], None]


class ProviderServer:
    """The endpoint, for a with block: `base_url` is what a provider is configured with.

    `script(...)` queues behaviours, one a request; when none is left, `default` serves (an echo).
    `requests` are those received, oldest first. With `tls` it speaks HTTPS.
    """

    def __init__(self, default: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.default: Behaviour = default or echo()
        self.requests: list[Request] = []
        self._script: deque[Behaviour] = deque()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.owner = self
        self._scheme = "https" if tls else "http"
        if tls:
            # The handshake is left to the handler's thread.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        """The address up to /v1."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/v1"

    def script(self, *behaviours: Behaviour) -> None:
        """Queue behaviours for the next requests."""
        self._script.extend(behaviours)

    def next_behaviour(self) -> Behaviour:
        """Take the next one of the script, or the default."""
        return self._script.popleft() if self._script else self.default

    def __enter__(self) -> ProviderServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: ProviderServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""


def completion(content: object, **message: object) -> dict[str, Any]:
    """A chat completion in the shape the OpenAI API gives it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def say(content: object, delay_seconds: float = 0.0, **message: object) -> Behaviour:
    """A model that always says the same."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(delay_seconds)
        handler.send_json(completion(content, **message))

    return act


def echo(delay_seconds: float = 0.0) -> Behaviour:
    """A model that repeats the last message of the customer."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(delay_seconds)
        handler.send_json(completion("echo: " + body["messages"][-1]["content"]))

    return act


def status(code: int, retry_after: str | None = None, text: str = "internal detail") -> Behaviour:
    """An error of HTTP, with a Retry-After when given."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}

    def act(handler: Handler, body: dict[str, Any]) -> None:
        handler.send_json({"error": {"message": text}}, code, headers)

    return act


def redirect(address: str, code: int = 307) -> Behaviour:
    """A redirect to another address."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        handler.send_body(b"", code, {"Location": address})

    return act


def raw(body: bytes, headers: dict[str, str] | None = None) -> Behaviour:
    """A successful answer with these bytes for a body."""

    def act(handler: Handler, _: dict[str, Any]) -> None:
        handler.send_body(body, 200, headers)

    return act


def json_value(value: object) -> Behaviour:
    """A successful answer with any JSON value."""
    return raw(json.dumps(value).encode())


def truncated() -> Behaviour:
    """Half an answer, its length announced in full, then the connection is closed."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        whole = json.dumps(completion("never seen")).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(whole)))
        handler.end_headers()
        handler.wfile.write(whole[: len(whole) // 2])
        handler.close_connection = True

    return act


def hang_up() -> Behaviour:
    """No answer at all: the connection is closed."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    return act


def slow_headers(seconds: float = 30.0) -> Behaviour:
    """A header a byte at a time, for ever as the client sees it."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        _trickle(handler, seconds)

    return act


def slow_body(seconds: float = 30.0, announced: bool = True) -> Behaviour:
    """A body a byte at a time; without an announced length only the end of the connection ends it."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", "100000")
        else:
            handler.send_header("Connection", "close")
        handler.end_headers()
        _trickle(handler, seconds)

    return act


def silent(seconds: float = 30.0) -> Behaviour:
    """Nothing, the connection open."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        handler.connection.settimeout(seconds)
        handler.connection.recv(1)

    return act


def endless() -> Behaviour:
    """A body without length that never ends, as fast as the client takes it."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while True:
            handler.wfile.write(b"[" * 65_536)

    return act


def _trickle(handler: Handler, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


def refused_url() -> str:
    """A base_url on loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1"
