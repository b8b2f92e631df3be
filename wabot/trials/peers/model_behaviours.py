"""How a model behaves, well or badly; for `ModelServer`."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

from wabot.trials.peers.model_server import Behaviour, Handler


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


def parts_of(body: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """The parts of each message of a request, also where that is one text."""
    contents = [message["content"] for message in body.get("messages", [])]
    return [
        [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])
        for content in contents
    ]


def texts_of(body: Mapping[str, Any]) -> list[str]:
    """What stands in each message of a request, with no word of its pictures."""
    return ["\n".join(part["text"] for part in parts if part["type"] == "text") for parts in parts_of(body)]


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
        handler.send_json(completion("echo: " + texts_of(body)[-1]))

    return act


def late(well: Behaviour, seconds: float) -> Behaviour:
    """One that behaves `well`, but begins only after some seconds."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(seconds)
        well(handler, body)

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
