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
    late,
    raw,
    say,
    silent,
    slow_body,
    slow_headers,
    status,
    texts_of,
    truncated,
)
from wabot.trials.peers.model_server import Behaviour, Handler

REFERENCE = re.compile(r"\bR\d+-\d+\b")
"""What marks a question; its answer repeats it."""
PICTURE = "una foto de la maceta"
"""What is in a question that the answer brings a picture to, where the model is offered one."""
_OFFERED = re.compile(r"\[(FILE_\d): ")
_ANSWER = "Sí, claro: {}."
# Where a customer reacts to an answer, the model is told what they react to.
_QUOTED_ANSWER = re.compile(re.escape(_ANSWER).replace(r"\{\}", REFERENCE.pattern))
_LONGEST_THOUGHT_SECONDS = 0.4
_SLOW_SECONDS = 2.5


def answer_references(seed: int) -> Behaviour:
    """Repeats each reference that nobody has answered yet, after some thought; sends a picture if asked."""
    numbers = random.Random(f"{seed} model")

    def act(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(numbers.uniform(0.0, _LONGEST_THOUGHT_SECONDS))
        unanswered: list[str] = []
        files: list[str] = []
        offered: list[str] = []
        for message, text in zip(body.get("messages", []), texts_of(body), strict=True):
            if message["role"] == "user":
                unanswered += REFERENCE.findall(_QUOTED_ANSWER.sub("", text))
                if PICTURE in text:
                    files = offered[:1]
            elif message["role"] == "assistant":
                unanswered.clear()
                files = []
            else:
                offered = _OFFERED.findall(text)
        answer = "\n".join([*map(_ANSWER.format, unanswered), *files]) or "¿Sí?"
        handler.send_json(completion(answer))

    return act


def misbehaviours(well: Behaviour) -> tuple[Behaviour, ...]:
    """Every way in which a model or a transcriber can fail, of one that behaves `well`."""
    return (
        late(well, _SLOW_SECONDS),
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
