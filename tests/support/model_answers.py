"""What a model server may answer, and what is read of it."""

from __future__ import annotations

import json
from typing import Any

from wabot.brain.output.answer import CallOutcome, ModelAnswer, read_answer
from wabot.brain.output.body import RawAnswer

OPEN = "Abrimos a las 10."
THOUGHT = "The customer asks when we open. The facts say ten."
A, S, H = CallOutcome.ANSWER, CallOutcome.SILENCE, CallOutcome.HAND_OVER


def reading(status: int, body: object, **of_the_line: str) -> ModelAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(RawAnswer(status, raw, **of_the_line), 10)


def chat(content: object, finish: object = "stop", **message: object) -> dict[str, Any]:
    """A chat completion of OpenAI's."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish,
    }
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}


def said(content: str, finish: str = "stop") -> tuple[CallOutcome, str]:
    answer = reading(200, chat(content, finish))
    return answer.outcome, answer.reply.text
