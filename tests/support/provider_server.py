"""The model server of the emulator, which here keeps what it was asked and can follow a script."""

from __future__ import annotations

import socket
import ssl
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wabot.brain.brain import Answer, Brain
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.settings import BrainSettings, ProviderSettings
from wabot.trials.peers.model_behaviours import echo
from wabot.trials.peers.model_server import Behaviour, Handler, ModelServer

KEY = "sk-secret-0123456789"
HELLO = [{"role": "user", "content": "hola"}]
_NOW = datetime(2026, 11, 22, 12, 0)


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


def provider_settings(base_url: str, name: str = "main", timeout_seconds: float = 5.0) -> ProviderSettings:
    return ProviderSettings(name, base_url, "tiny", KEY, timeout_seconds)


def ask_brain(*base_urls: str, text: str = "¿quién ganó el mundial?", timeout_seconds: float = 5.0) -> Answer:
    """What a brain with these providers answers."""
    providers = tuple(
        provider_settings(url, f"p{number}", timeout_seconds) for number, url in enumerate(base_urls)
    )
    return Brain(BrainSettings(providers=providers)).reply(
        Conversation((Turn("user", text),), "es", "Ana"), _NOW
    )
