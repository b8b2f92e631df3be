"""What real servers answer with success, and what comes of it; and whatever else may come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.model_answers import OPEN, THOUGHT, A, H, S, chat, reading
from wabot.brain.output.answer import CallOutcome, ModelAnswer

Answered = tuple[int, object, CallOutcome, str]
SERVERS: dict[str, Answered] = {
    **{
        f"half a sentence: {reason}": (200, chat("Abrimos a l", reason), CallOutcome.REFUSED, "refused")
        for reason in ("ContentFilter", "content-filter", "FINISH_REASON_SAFETY", "blocked", "moderation")
    },
    **{
        f"half a sentence: {reason}": (200, chat("Abrimos a l", reason), CallOutcome.FAILED, "unavailable")
        for reason in ("server_error", "failed", "interrupted", "preempted", "OTHER", "upstreamError")
    },
    **{
        f"whole, although: {reason}": (200, chat(OPEN, reason), A, OPEN)
        for reason in (None, "", "eos_token", "end_turn", "unknown", "FINISH_REASON_UNSPECIFIED", 7)
    },
    # A success that says it is none.
    "openrouter: it ended with an error": (
        200,
        chat("Abrimos a l", "error"),
        CallOutcome.FAILED,
        "unavailable",
    ),
    "openrouter: the choice has an error": (
        200,
        {"choices": [{"error": {"code": 502, "message": "Upstream error"}, "message": {"content": "Abri"}}]},
        CallOutcome.FAILED,
        "unavailable",
    ),
    "openrouter: an error for an answer": (
        200,
        {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "rate-limited"}}},
        CallOutcome.FAILED,
        "rate_limited",
    ),
    "openai: filtered halfway": (200, chat("Abrimos a l", "content_filter"), CallOutcome.REFUSED, "refused"),
    "openai: refused": (200, chat(None, refusal="I can't help with that."), CallOutcome.REFUSED, "refused"),
    "deepseek: no resources": (
        200,
        chat("Abri", "insufficient_system_resource"),
        CallOutcome.FAILED,
        "unavailable",
    ),
    "gemini: safety": (200, chat(None, "SAFETY"), CallOutcome.REFUSED, "refused"),
    "zhipu: sensitive": (200, chat("", "sensitive"), CallOutcome.REFUSED, "refused"),
    "vllm, old: an error for an answer": (
        200,
        {"object": "error", "message": "model is overloaded", "type": "ServerError", "code": 503},
        CallOutcome.FAILED,
        "unavailable",
    ),
    # Thoughts beside the answer.
    "deepseek: reasoning_content": (200, chat(OPEN, reasoning_content=THOUGHT), A, OPEN),
    "deepseek: it only thought": (
        200,
        chat("", "length", reasoning_content=THOUGHT),
        CallOutcome.FAILED,
        "empty",
    ),
    "mlx: content is absent": (
        200,
        {"choices": [{"message": {"role": "assistant", "reasoning": THOUGHT}, "finish_reason": "stop"}]},
        CallOutcome.FAILED,
        "empty",
    ),
    "mistral: a thought among the parts": (
        200,
        chat(
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
                {"type": "text", "text": OPEN},
            ]
        ),
        A,
        OPEN,
    ),
    "parts without a type": (200, chat([{"text": "Abrimos "}, {"text": "a las 10."}]), A, OPEN),
    "parts that are strings": (200, chat(["Abrimos ", "a las 10."]), A, OPEN),
    "parts of another API": (200, chat([{"type": "output_text", "text": OPEN}]), A, OPEN),
    "tool calls": (
        200,
        chat(None, "tool_calls", tool_calls=[{"function": {"name": "x"}}]),
        CallOutcome.FAILED,
        "empty",
    ),
}


@pytest.mark.parametrize("name", SERVERS)
def test_what_a_server_answered(name: str) -> None:
    status, body, outcome, of_it = SERVERS[name]
    answer = reading(status, body)
    assert answer.outcome is outcome, answer
    if outcome is A:
        assert answer.reply.text == of_it
    else:
        assert answer.complaint.kind == of_it
        assert answer.complaint.explanation


# --- anything

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
KEYS = st.sampled_from(
    ["choices", "message", "content", "usage", "text", "type", "prompt_tokens", "error", "delta", "code"]
) | st.sampled_from(["finish_reason", "detail", "tool_calls", "function", "name", "refusal", "status"])
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5)
        | st.builds(lambda value: {"choices": [{"message": value}]}, inner)
    ),
    max_leaves=12,
)


def check(answer: ModelAnswer) -> None:
    """Whatever comes, there is an outcome, and either a text or a reason."""
    if answer.outcome in (A, S, H):
        assert answer.reply.text.strip() or answer.reply.words
        assert answer.usage
        assert 0 <= answer.usage.tokens < 2**32
    else:
        explanation = answer.complaint.explanation
        assert explanation and "\n" not in explanation and len(explanation) < 300


@given(anything, st.sampled_from([200, 400, 404, 413, 422, 429, 500, 599]))
def test_any_json_is_an_answer_or_of_no_use(value: Any, status: int) -> None:
    check(reading(status, value))


@given(anything, anything, anything)
def test_any_message_and_any_usage(message: Any, usage: Any, finish: Any) -> None:
    check(reading(200, {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}))


@given(st.text(alphabet="abcñ¿?.,1 \n", max_size=80), anything)
def test_a_plain_text_is_taken_whatever_stands_around_it(text: str, rest: Any) -> None:
    body = {"choices": [{"message": {"content": text, "refusal": rest}}, rest], "usage": rest, "id": rest}
    answer = reading(200, body)
    lines = "\n".join(line.rstrip() for line in text.split("\n")).split()
    if any(character.isalnum() for character in text):
        assert answer.reply.text.split() == lines


@given(st.binary(max_size=200), st.sampled_from(["", "gzip", "deflate", "br"]))
def test_any_bytes(body: bytes, encoding: str) -> None:
    check(reading(200, body, content_encoding=encoding))
    check(reading(400, body, content_encoding=encoding))
