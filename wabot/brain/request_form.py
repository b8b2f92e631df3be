"""The request as one endpoint takes it: what it refused is said otherwise or left out from then on. Pure.

OpenAI's reasoning models and all since GPT-5 refuse `max_tokens` for `max_completion_tokens`, and many take
no `temperature` but their own. They answer 400 with {"error": {"param": "max_tokens", "code":
"unsupported_parameter", "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use
'max_completion_tokens' instead."}}, or "Unsupported value: 'temperature' does not support 0.7 with this
model." with the code "unsupported_value"; one complaint at a time. Gateways pass the message on, but not
always the rest. Everyone else knows `max_tokens`, and not everyone the new name: the old one is tried first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from wabot.brain.conversation import estimate_tokens

Message = Mapping[str, str]
"""One of a chat, as the endpoints take it: "role" and "content"."""
_CAN_DO_WITHOUT = ("max_tokens", "temperature")
_NAMES = "|".join(_CAN_DO_WITHOUT)
_COMPLAINT = re.compile(rf"Unsupported (?:parameter|value): '({_NAMES})'|'({_NAMES})' is not supported")


def compose_request(
    model: str,
    messages: Sequence[Message],
    max_tokens: int,
    temperature: float,
    refused: Collection[str],
) -> bytes:
    """The body of the call.

    Args:
        model, messages, max_tokens, temperature: what is asked.
        refused: what this endpoint takes for an error.
    """
    request: dict[str, Any] = {"model": model, "messages": list(messages)}
    request["max_completion_tokens" if "max_tokens" in refused else "max_tokens"] = max_tokens
    if "temperature" not in refused:
        request["temperature"] = temperature
    request["stream"] = False
    return json.dumps(request).encode("ascii")


def estimate_prompt_tokens(messages: Sequence[Message]) -> int:
    """Estimate how many tokens a model counts for all of these messages."""
    return sum(estimate_tokens(message["content"]) for message in messages)


def refused_parameter(body: bytes) -> str | None:
    """What a 400 complains of that the request can do without; None when it is something else.

    Args:
        body: of the answer, possibly cut short.
    """
    text = body.decode("utf-8", errors="replace")
    try:
        error = json.loads(text)["error"]
        parameter, code = error["param"], error["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        parameter = code = None
    if parameter in _CAN_DO_WITHOUT and str(code).startswith("unsupported_"):
        return str(parameter)
    complaint = _COMPLAINT.search(text)
    return (complaint[1] or complaint[2]) if complaint else None
