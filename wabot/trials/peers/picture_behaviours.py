"""How a model takes pictures: it sees them, refuses them in one of many ways, or finds them too large."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from wabot.trials.peers.model_behaviours import completion, parts_of, texts_of
from wabot.trials.peers.model_server import Behaviour, Handler

_DATA_URL = re.compile(r"data:(image/[a-z]+);base64,([A-Za-z0-9+/]+={0,2})")
_BAD_REQUEST = {"type": "invalid_request_error", "code": None}


def pictures_of(body: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Type and content of each picture in a request; raises ValueError where it is written in another way."""
    found = []
    for parts in parts_of(body):
        for part in parts:
            if part["type"] == "image_url":
                url = _DATA_URL.fullmatch(part["image_url"]["url"])
                if url is None:
                    raise ValueError(f"no picture: {part['image_url']['url'][:60]}")
                found.append((url[1], b64decode(url[2], validate=True)))
    return found


def looking(answer: Callable[[str, list[bytes]], str]) -> Behaviour:
    """A model that sees: what it says to the last text and all the pictures.

    A picture that is no data URL is refused, as real servers do.
    """

    def act(handler: Handler, body: dict[str, Any]) -> None:
        try:
            pictures = [content for _, content in pictures_of(body)]
        except ValueError as error:
            handler.send_json({"error": {"message": f"Invalid image data: {error}", **_BAD_REQUEST}}, 400)
        else:
            handler.send_json(completion(answer(texts_of(body)[-1], pictures)))

    return act


def blind(well: Behaviour, status: int, refusal: object) -> Behaviour:
    """A model that refuses each request with a picture, and behaves `well` without."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        if any(part["type"] == "image_url" for parts in parts_of(body) for part in parts):
            handler.send_json(refusal, status)
        else:
            well(handler, body)

    return act


def at_most(well: Behaviour, picture_bytes: int) -> Behaviour:
    """A model that finds pictures too large above so many bytes, and behaves `well` otherwise."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        if sum(len(content) for _, content in pictures_of(body)) > picture_bytes:
            handler.send_json({"error": {"message": "Request Entity Too Large"}}, 413)
        else:
            well(handler, body)

    return act


REFUSALS: Mapping[str, tuple[int, object]] = {
    "OpenAI": (
        400,
        {
            "error": {
                "message": "Invalid content type. image_url is only supported by certain models.",
                **_BAD_REQUEST,
                "param": "messages.[1].content.[0].type",
            }
        },
    ),
    "Groq": (400, {"error": {"message": "messages[0].content must be a string", **_BAD_REQUEST}}),
    "llama.cpp": (
        500,
        {
            "error": {
                "code": 500,
                "message": "image input is not supported - hint: if this is unexpected, you may need to "
                "provide the mmproj",
                "type": "server_error",
            }
        },
    ),
    "Ollama, older": (500, {"error": "this model is missing data required for image input"}),
    "Ollama, newer": (400, {"error": {"message": "this model does not support image input"}}),
    "vLLM": (400, {"object": "error", "message": "tiny is not a multimodal model", "code": 400}),
    "FastAPI": (
        422,
        {
            "detail": [
                {"loc": ["body", "messages", 1], "msg": "Input should be 'text'", "type": "literal_error"}
            ]
        },
    ),
    "text only": (
        400,
        {"error": {"message": "Unsupported content part type for text-only server: image_url"}},
    ),
}
"""Status and body with which models without eyes refuse a picture, by who says so."""
