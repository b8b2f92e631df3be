"""Where alerts arrive in tests: an HTTP receiver and a mail server, real ones on loopback."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass
class Received:
    """One call of the webhook."""

    headers: dict[str, str]
    body: bytes
    content: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.content = json.loads(self.body)

    def is_signed_with(self, key: bytes) -> bool:
        """Whether the signature is right, judged as the Standard Webhooks specification says."""
        head = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode()
        expected = base64.b64encode(hmac.new(key, head + self.body, hashlib.sha256).digest()).decode()
        return self.headers.get("webhook-signature") == f"v1,{expected}"


class WebhookReceiver:
    """An HTTP server that keeps what it gets.

    Attributes:
        status: what it answers.
        calls: what came, also what was answered with an error.
    """

    def __init__(self, port: int = 0) -> None:
        self.status = 204
        self.calls: list[Received] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append(Received({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook/T0KEN"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; the port refuses connections from now on."""
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count: int, timeout_seconds: float = 20) -> list[Received]:
        """Wait for so many calls."""
        wait_until(lambda: len(self.calls) >= count, timeout_seconds, lambda: self.kinds())
        return self.calls

    def kinds(self) -> list[str]:
        """What came, in short."""
        return [" ".join([call.content["type"], *call.content["conditions"]]) for call in self.calls]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MailServer:
    """An SMTP server (RFC 5321) with AUTH PLAIN and, given a certificate, STARTTLS or TLS from the start.

    Attributes:
        messages: what came, parsed.
        recipients: the envelope of each.
        logins: user and password of each login.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        tls_from_start: bool = False,
        password: str = "",
        refuse: str = "",
    ) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []
        outer = self

        class Session(socketserver.StreamRequestHandler):
            timeout = 20

            def handle(self) -> None:
                outer._serve(self.request, context, tls_from_start, password, refuse)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that breaks off is part of the tests."""

        self._server = Server(("127.0.0.1", 0), Session)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(
        self,
        connection: socket.socket,
        context: ssl.SSLContext | None,
        tls_from_start: bool,
        password: str,
        refuse: str,
    ) -> None:
        encrypted = tls_from_start
        if context and tls_from_start:
            connection = context.wrap_socket(connection, server_side=True)
        stream = connection.makefile("rwb")

        def say(line: str) -> None:
            stream.write(line.encode() + b"\r\n")
            stream.flush()

        recipients: list[str] = []
        say("220 localhost ESMTP")
        while line := stream.readline():
            verb = line.split()[0].upper() if line.strip() else b""
            if verb in (b"EHLO", b"HELO"):
                offers = ["localhost", "8BITMIME"]
                offers += ["STARTTLS"] if context and not encrypted else []
                offers += ["AUTH PLAIN"] if password else []
                say("\r\n".join(f"250{'-' if offer != offers[-1] else ' '}{offer}" for offer in offers))
            elif verb == b"STARTTLS" and context:
                say("220 go ahead")
                connection = context.wrap_socket(connection, server_side=True)
                stream, encrypted = connection.makefile("rwb"), True
            elif verb == b"AUTH":
                _, user, given = base64.b64decode(line.split()[2]).decode().split("\0")
                self.logins.append((user, given))
                say("235 welcome" if given == password else "535 who are you")
            elif verb == b"MAIL":
                recipients = []
                say("250 ok")
            elif verb == b"RCPT":
                address = line.decode().partition("<")[2].partition(">")[0]
                if refuse and refuse in address:
                    say("550 no such user")
                else:
                    recipients.append(address)
                    say("250 ok")
            elif verb == b"DATA":
                say("354 go on")
                lines = []
                while (row := stream.readline()) != b".\r\n":
                    lines.append(row.removeprefix(b"."))
                parsed = email.message_from_bytes(b"".join(lines), policy=email.policy.SMTP)
                self.messages.append(parsed)
                self.recipients.append(recipients)
                self.encrypted.append(encrypted)
                say("250 kept")
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")


def wait_until(reached: Callable[[], object], timeout_seconds: float, shown: Callable[[], object]) -> None:
    """Wait, and say what there was instead when it takes too long."""
    deadline = time.monotonic() + timeout_seconds
    while not reached():
        assert time.monotonic() < deadline, shown()
        time.sleep(0.05)
