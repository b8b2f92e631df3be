"""Models that take no `max_tokens`, or no `temperature`: asked as they like it, and remembered."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

import pytest

from tests.support.provider_server import (
    HELLO,
    ProviderServer,
)
from wabot.brain.conversation import estimate_tokens
from wabot.brain.output.complaints import read_complaint
from wabot.brain.output.completion import ProviderError
from wabot.brain.providers.provider import Provider
from wabot.brain.providers.request import estimate_prompt_tokens
from wabot.brain.settings import ProviderSettings
from wabot.trials.peers.model_behaviours import echo
from wabot.trials.peers.model_server import Behaviour, Handler

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
    assert (read_complaint(400, answer).without or None) == refused


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "System role not supported"),
        (500, "Jinja Exception: System role not supported"),
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        (400, "Developer instruction is not enabled for models/gemma-3-27b-it"),
        (422, "Only user and assistant roles are supported!"),
    ],
)
def test_a_model_without_a_system_reads_what_it_says_before_the_first_turn(
    server: ProviderServer, status: int, words: str
) -> None:
    def of_gemma(handler: Handler, body: dict[str, Any]) -> None:
        if any(message["role"] == "system" for message in body["messages"]):
            handler.send_json({"error": {"message": words}}, status)
        else:
            echo()(handler, body)

    server.default = of_gemma
    asked = provider(server)
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hola"},
        {"role": "assistant", "content": "¡Hola!"},
        {"role": "user", "content": "¿abren?"},
    ]
    for _ in range(2):
        assert asked.complete(said, 5).text == "echo: ¿abren?"
    assert len(server.requests) == 3
    assert server.requests[-1].messages == [{"role": "user", "content": "Be brief.\n\nhola"}, *said[2:]]


def with_room_for(tokens: int, complaint: str) -> Behaviour:
    """A model with so small a window, where a token is three characters; {sent} and {room} are filled in."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        sent = sum(len(message["content"]) // 3 for message in body["messages"])
        if sent + body["max_tokens"] > tokens:
            said = complaint.replace("{sent}", str(sent)).replace("{room}", str(tokens))
            handler.send_json(json.loads(said), 400)
        else:
            echo()(handler, body)

    return act


LONG = [
    {
        "role": "system",
        "content": "Be brief.\n\n<facts>\n"
        + "\n\n".join(f"# Fact {number}\n" + "the tea is green. " * 30 for number in range(4))
        + "\n</facts>",
    },
    *(
        {"role": role, "content": f"{number}: " + "palabra " * 40}
        for number in range(10)
        for role in ("user", "assistant")
    ),
    {"role": "user", "content": "¿y ahora?"},
]


@pytest.mark.parametrize(
    "words",
    [
        '{"error": {"type": "exceed_context_size_error", "n_prompt_tokens": {sent}, "n_ctx": {room}}}',
        '{"error": {"message": "This model\'s maximum context length is {room} tokens. However, you '
        'requested too many ({sent} in the messages)", "code": "context_length_exceeded"}}',
        '{"error": "The number of tokens to keep from the prompt is greater than the context length."}',
    ],
)
def test_a_model_with_a_small_window_is_asked_with_less_at_once_and_from_then_on(
    server: ProviderServer, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.default = with_room_for(1024, words)
    asked = provider(server)
    with caplog.at_level(logging.WARNING):
        assert asked.complete(LONG, 5).text == "echo: ¿y ahora?"
        calls = len(server.requests)
        assert asked.complete(LONG, 5).text == "echo: ¿y ahora?"
    assert calls <= 5
    assert len(server.requests) == calls + 1
    said = server.requests[-1].messages
    assert said[0]["content"].startswith("Be brief.") and said[0]["content"].endswith("</facts>")
    assert [message["role"] for message in said[1:3]] in (["user"], ["user", "assistant"])
    assert "larger context" in caplog.text
    assert asked.form.prompt_tokens


def test_an_answer_that_would_fill_the_window_is_asked_for_shorter(server: ProviderServer) -> None:
    server.default = with_room_for(
        300, '{"error": {"message": "maximum context length is {room} tokens ({sent} in the messages)"}}'
    )
    assert provider(server).complete(HELLO, 5).text == "echo: hola"
    assert server.requests[-1].body["max_tokens"] < 300


def test_one_odd_text_does_not_shorten_what_others_say(server: ProviderServer) -> None:
    def counts_characters(handler: Handler, body: dict[str, Any]) -> None:
        sent = sum(len(message["content"]) for message in body["messages"])
        if sent > 2600:
            words = {"type": "exceed_context_size_error", "n_prompt_tokens": sent, "n_ctx": 3000}
            handler.send_json({"error": {"message": "context size exceeded", **words}}, 400)
        else:
            echo()(handler, body)

    server.default = counts_characters
    asked = provider(server)
    asked.complete([{"role": "user", "content": "x1" * 4000}], 5)
    assert asked.form.prompt_tokens > 2000


def test_a_413_means_less(server: ProviderServer) -> None:
    def small(handler: Handler, body: dict[str, Any]) -> None:
        if len(json.dumps(body)) > 4000:
            handler.send_body(b"<html>413 Request Entity Too Large</html>", 413)
        else:
            echo()(handler, body)

    server.default = small
    assert provider(server).complete(LONG, 5).text == "echo: ¿y ahora?"


def test_every_message_counts_for_what_a_call_may_take() -> None:
    texts = ["Be brief.", "hola, ¿qué tal?", "¿cuánto cuesta?"]
    messages = [{"role": "user", "content": text} for text in texts]
    assert estimate_prompt_tokens(messages) == sum(map(estimate_tokens, texts))
