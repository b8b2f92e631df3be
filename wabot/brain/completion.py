"""Reads the body of a chat completion as OpenAI's API gives it, believing none of its types. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from wabot.brain.cleaning import strip_reasoning
from wabot.brain.conversation import estimate_tokens

# Not the point of "1." or "4.90".
_SENTENCE_END = re.compile(r"(?:(?<!\d)\.|[!?…。！？؟])[\"'»”)*_]{0,3}(?=\s|\Z)")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call: as the provider counted them, or an estimate where it did not say."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote, its reasoning taken off, never blank; and the name of the provider that gave it."""

    text: str = field(repr=False)
    provider: str
    usage: Usage


class UnusableCompletion(Exception):
    """The body holds no answer: "malformed" in another form than expected, "empty" with nothing said.

    `usage` is what an empty one cost: a model may have thought for long.
    """

    def __init__(
        self, kind: Literal["malformed", "empty"], explanation: str, usage: Usage | None = None
    ) -> None:
        super().__init__(explanation)
        self.kind = kind
        self.usage = usage


def parse_completion(body: bytes, provider: str, prompt_tokens: int) -> Completion:
    """Return the first choice's message of a body; its reasoning is taken off.

    `prompt_tokens` is an estimate of what was sent, for providers that do not count.

    Raises:
        UnusableCompletion: there is no text to use.
    """
    try:
        answer: Any = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise UnusableCompletion("malformed", "its answer is not JSON in UTF-8") from None
    choices = answer.get("choices") if isinstance(answer, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise UnusableCompletion("malformed", "its answer holds no message")
    content = _content_text(message.get("content"))
    if content is None:
        raise UnusableCompletion("malformed", "its message is no text")
    text = strip_reasoning(content).strip()
    usage = _parse_usage(answer.get("usage"), Usage(prompt_tokens, estimate_tokens(content)))
    if not text and message.get("tool_calls"):
        raise UnusableCompletion("empty", "it called a tool, and none was offered", usage)
    if not text:
        raise UnusableCompletion(
            "empty", "its answer is empty; with a reasoning model, raise max_tokens", usage
        )
    if isinstance(choice, dict) and choice.get("finish_reason") == "length":
        text = _without_torn_end(text)
    return Completion(text, provider, usage)


def _without_torn_end(text: str) -> str:
    """A text that max_tokens cut off, up to its last whole sentence; where none is near, with "…"."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    if ends and ends[-1] >= len(text) / 2:
        return text[: ends[-1]]
    return text.rstrip() + "…"


def _content_text(content: object) -> str | None:
    """Return the text of a message's content: a string, null, or a list of parts; None for anything else."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def _parse_usage(usage: object, estimate: Usage) -> Usage:
    counts = usage if isinstance(usage, dict) else {}

    def count(key: str, otherwise: int) -> int:
        value = counts.get(key)
        return value if isinstance(value, int) and 0 < value < 2**31 else otherwise

    return Usage(
        count("prompt_tokens", estimate.prompt_tokens), count("completion_tokens", estimate.completion_tokens)
    )
