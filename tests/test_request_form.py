"""Models that take no `max_tokens`, or no `temperature`: asked as they like it, and remembered."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provider_server import ProviderServer
from wabot.brain.conversation import estimate_tokens
from wabot.brain.provider import Provider
from wabot.brain.provider_error import ProviderError
from wabot.brain.request_form import estimate_prompt_tokens, refused_parameter
from wabot.brain.settings import ProviderSettings
from wabot.emulator.model_behaviours import echo
from wabot.emulator.model_server import Behaviour, Handler

HELLO = [{"role": "user", "content": "hola"}]
NO_MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)
NO_TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0.7 with this model. "
    "Only the default (1) value is supported."
)
pytestmark = pytest.mark.usefixtures("no_proxy")


def complaint(message: str, parameter: str, code: str) -> dict[str, Any]:
    """As OpenAI answers."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": parameter, "code": code}}


def strict(*refused: str) -> Behaviour:
    """A model that refuses these parameters, one at a time, and otherwise repeats what it is told."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        if "max_tokens" in body and "max_tokens" in refused:
            handler.send_json(complaint(NO_MAX_TOKENS, "max_tokens", "unsupported_parameter"), 400)
        elif "temperature" in body and "temperature" in refused:
            handler.send_json(complaint(NO_TEMPERATURE, "temperature", "unsupported_value"), 400)
        else:
            echo()(handler, body)

    return act


def provider(server: ProviderServer) -> Provider:
    return Provider(ProviderSettings("tiny", server.base_url, "tiny", timeout_seconds=5))


def options(server: ProviderServer) -> list[dict[str, Any]]:
    """What was asked with, but for what was asked."""
    plain = ("model", "messages", "stream")
    return [{k: v for k, v in each.body.items() if k not in plain} for each in server.requests]


def test_what_is_refused_is_said_otherwise_at_once_and_from_then_on(server: ProviderServer) -> None:
    server.default = strict("max_tokens", "temperature")
    asked = provider(server)
    for _ in range(2):
        assert asked.complete(HELLO, 5).text == "echo: hola"
    assert options(server) == [
        {"max_tokens": 400, "temperature": 0.7},
        {"max_completion_tokens": 400, "temperature": 0.7},
        {"max_completion_tokens": 400},
        {"max_completion_tokens": 400},
    ]


@pytest.mark.parametrize(
    ("refused", "kept"),
    [
        ("max_tokens", {"max_completion_tokens": 400, "temperature": 0.7}),
        ("temperature", {"max_tokens": 400}),
    ],
)
def test_what_is_taken_is_kept(server: ProviderServer, refused: str, kept: dict[str, Any]) -> None:
    server.default = strict(refused)
    assert provider(server).complete(HELLO, 5).text == "echo: hola"
    assert options(server)[1:] == [kept]


def test_many_chats_at_once_are_all_answered(server: ProviderServer) -> None:
    server.default = strict("max_tokens", "temperature")
    asked, texts = provider(server), []
    threads = [threading.Thread(target=lambda: texts.append(asked.complete(HELLO, 5).text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert texts == ["echo: hola"] * 8
    assert len(server.requests) <= 8 * 3


def test_an_endpoint_that_is_never_content_is_asked_three_times(server: ProviderServer) -> None:
    def complain(handler: Handler, body: dict[str, Any]) -> None:
        parameter = "temperature" if "temperature" in body else "max_tokens"
        handler.send_json(complaint(f"'{parameter}' is not supported", parameter, "unsupported_x"), 400)

    server.default = complain
    with pytest.raises(ProviderError) as caught:
        provider(server).complete(HELLO, 5)
    assert caught.value.kind == "rejected"
    assert len(server.requests) == 3


def test_other_complaints_are_the_end_of_it(server: ProviderServer) -> None:
    def complain(handler: Handler, body: dict[str, Any]) -> None:
        handler.send_json(complaint("max_tokens is too large: 400", "max_tokens", "invalid_value"), 400)

    server.default = complain
    with pytest.raises(ProviderError) as caught:
        provider(server).complete(HELLO, 5)
    assert caught.value.kind == "rejected"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (complaint(NO_MAX_TOKENS, "max_tokens", "unsupported_parameter"), "max_tokens"),
        (complaint(NO_TEMPERATURE, "temperature", "unsupported_value"), "temperature"),
        # As gateways pass it on.
        ({"error": {"message": NO_MAX_TOKENS, "code": "invalid_request_body"}}, "max_tokens"),
        ({"status": "failure", "message": f"openai error: {NO_MAX_TOKENS}"}, "max_tokens"),
        ({"error": NO_TEMPERATURE}, "temperature"),
        (complaint("'temperature' is not supported with this model.", "", ""), "temperature"),
        (complaint("Unsupported parameter: 'messages'", "messages", "unsupported_parameter"), None),
        (complaint("bad", "max_tokens", "invalid_value"), None),
        ({"error": None}, None),
        ([], None),
    ],
)
def test_what_an_answer_complains_of(answer: object, refused: str | None) -> None:
    assert refused_parameter(json.dumps(answer).encode()) == refused


@given(st.binary(max_size=300))
def test_any_answer_can_be_read(body: bytes) -> None:
    assert refused_parameter(body) in (None, "max_tokens", "temperature")


def test_every_message_counts_for_what_a_call_may_take() -> None:
    texts = ["Be brief.", "hola, ¿qué tal?", "¿cuánto cuesta?"]
    messages = [{"role": "user", "content": text} for text in texts]
    assert estimate_prompt_tokens(messages) == sum(map(estimate_tokens, texts))
