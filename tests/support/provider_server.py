"""The model server of the emulator, which here keeps what it was asked and can follow a script."""

from __future__ import annotations

import socket
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Any

from wabot.trials.peers.model_behaviours import echo
from wabot.trials.peers.model_server import Behaviour, Handler, ModelServer


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


class ProviderServer(ModelServer):
    """The endpoint, for a with block.

    `script(...)` queues behaviours, one a request; when none is left, `default` serves (an echo).
    `requests` are those received, oldest first. With `tls` it speaks HTTPS.
    """

    def __init__(self, default: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(default or echo(), tls)
        self.requests: list[Request] = []
        self._script: deque[Behaviour] = deque()

    def script(self, *behaviours: Behaviour) -> None:
        """Queue behaviours for the next requests."""
        self._script.extend(behaviours)

    def answer(self, handler: Handler, body: dict[str, Any]) -> None:
        """Record the request and act the next behaviour out."""
        self.requests.append(Request(handler.path, dict(handler.headers), body))
        behaviour = self._script.popleft() if self._script else self.default
        behaviour(handler, body)


def refused_url() -> str:
    """A base_url on loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1"
