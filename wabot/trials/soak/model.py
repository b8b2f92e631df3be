"""The model of a soak: it answers each question with the question's own reference, or misbehaves."""

from __future__ import annotations

import random
import re
import time
from typing import Any

from wabot.trials.peers.model_behaviours import (
    completion,
    endless,
    hang_up,
    raw,
    say,
    silent,
    slow_body,
    slow_headers,
    status,
    truncated,
)
from wabot.trials.peers.model_server import Behaviour, Handler

REFERENCE = re.compile(r"\bR\d+-\d+\b")
"""What marks a question; its answer repeats it."""
_ANSWER = "Sí, claro: {}."
# Where a customer reacts to an answer, the model is told what they react to.
_QUOTED_ANSWER = re.compile(re.escape(_ANSWER).replace(r"\{\}", REFERENCE.pattern))
_LONGEST_THOUGHT_SECONDS = 0.4
_SLOW_SECONDS = 2.5


def answer_references(seed: int, slow_seconds: float = 0.0) -> Behaviour:
    """Repeats each reference that nobody has answered yet, after a moment's thought."""
    numbers = random.Random(f"{seed} model")

    def act(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(slow_seconds + numbers.uniform(0.0, _LONGEST_THOUGHT_SECONDS))
        unanswered: list[str] = []
        for message in body.get("messages", []):
            if message["role"] == "user":
                unanswered += REFERENCE.findall(_QUOTED_ANSWER.sub("", message["content"]))
            elif message["role"] == "assistant":
                unanswered.clear()
        text = "\n".join(map(_ANSWER.format, unanswered)) or "¿Sí?"
        handler.send_json(completion(text))

    return act


def misbehaviours(seed: int) -> tuple[Behaviour, ...]:
    """Every way a model can fail."""
    return (
        answer_references(seed, _SLOW_SECONDS),
        status(500),
        status(429, retry_after="1"),
        status(401),
        raw(b"\xff\xfe<html>Traceback (most recent call last)"),
        raw(b"{}"),
        say(""),
        truncated(),
        hang_up(),
        silent(),
        slow_headers(),
        slow_body(),
        endless(),
    )
