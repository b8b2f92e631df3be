"""An OpenAI-compatible endpoint on loopback, whose model or transcriber is a function."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from wabot.trials.peers.forms import FORM_TYPE, read_form


class Handler(BaseHTTPRequestHandler):
    """One connection of a client; a behaviour answers each of its requests with the help of this."""

    protocol_version = "HTTP/1.1"
    # Otherwise the body waits 40 ms for the acknowledgement of the headers.
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Let the server's present behaviour answer."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.headers.get("Content-Type", "")
        is_form = kind.startswith(FORM_TYPE)
        body: dict[str, Any] = dict(read_form(kind, content)) if is_form else json.loads(content or b"{}")
        try:
            self.server.owner.answer(self, body)
        except OSError:
            # The client gave up, which is what many of the behaviours are for.
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
"""Answers one request, whose body was this: JSON, or a form by the names of its fields."""


class ModelServer:
    """The endpoint, for a with block: `base_url` is what a provider is configured with.

    `default` is how it behaves at the moment. With `tls` it speaks HTTPS.
    """

    def __init__(self, default: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.default = default
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.owner = self
        self._scheme = "https" if tls else "http"
        if tls:
            # The handshake is left to the handler's thread.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="model", daemon=True
        )

    @property
    def base_url(self) -> str:
        """The address up to /v1."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/v1"

    def answer(self, handler: Handler, body: dict[str, Any]) -> None:
        """Answer a request; on a thread of its connection's."""
        self.default(handler, body)

    def __enter__(self) -> Self:
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
    owner: ModelServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""
