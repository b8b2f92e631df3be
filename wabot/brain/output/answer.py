"""Reads what a model server answered: first what came of the call, then the text, believing nothing. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wabot.brain.conversation import estimate_tokens
from wabot.brain.output.body import RawAnswer, UnreadableBody, read_document, read_text
from wabot.brain.output.complaints import Complaint, read_complaint
from wabot.brain.output.completion import ErrorKind, Usage
from wabot.brain.output.control_words import HAND_OVER, words_called
from wabot.brain.output.reply_text import ReplyText, read_reply_text


class CallOutcome(StrEnum):
    """What came of a call."""

    ANSWER = "answer"
    SILENCE = "silence"
    HAND_OVER = "hand over"
    REFUSED = "refused: this text"
    FAILED = "failed: this provider"
    LESS = "try with less"
    OTHER_FORM = "try in another form"


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """An answer that was read.

    Attributes:
        outcome: what came of the call.
        reply: what the model wrote; of an answer, silence or hand-over.
        usage: what it took; None when that is not known.
        complaint: why there is no answer.
    """

    outcome: CallOutcome
    reply: ReplyText = field(default=ReplyText("", frozenset()))
    usage: Usage | None = None
    complaint: Complaint = field(default=Complaint("empty", ""))


# By any of these a server says that what it sends is no answer, or only the beginning of one.
_BROKE_OFF = re.compile(
    r"error|fail|abort|cancel|interrupt|preempt|insufficient|malformed|time_?out|repetition|unexpected"
    r"|\A(?:other|language)\Z"
)
_FILTERED = re.compile(
    r"filter|safety|sensitive|recitation|prohibit|block|spii|refus|guardrail|moderat|polic|censor"
)
_CUT = frozenset(("length", "max_tokens", "model_length", "max_output_tokens", "max_length", "incomplete"))
_TEXT_PARTS = ("text", "output_text")


def read_answer(answer: RawAnswer, prompt_tokens: int, has_key: bool = True) -> ModelAnswer:
    """Read the answer to a chat completion.

    Args:
        answer: what came over the line.
        prompt_tokens: an estimate of what was sent, for servers that do not count.
        has_key: whether a key was sent.
    """
    if answer.status >= 400:
        return _complains(read_complaint(answer.status, _document_or_text(answer), has_key))
    try:
        document = read_document(answer)
    except UnreadableBody as error:
        kind: ErrorKind = "too_large" if error.too_large else "dropped" if error.broken_off else "malformed"
        return ModelAnswer(CallOutcome.FAILED, complaint=Complaint(kind, str(error)))
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict):
        return _malformed("its answer holds no message")
    if document.get("error"):
        return _complains(read_complaint(0, document, has_key))
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        # Some complain without an error, as {"detail": …} or {"object": "error", …}.
        if choices is None and (document.get("object") == "error" or "detail" in document):
            return _complains(read_complaint(0, document, has_key))
        return _malformed("its answer holds no message")
    return _read_choice(choice, document.get("usage"), prompt_tokens, has_key)


def _read_choice(choice: dict[str, Any], usage: object, prompt_tokens: int, has_key: bool) -> ModelAnswer:
    if choice.get("error"):
        return _complains(read_complaint(0, choice, has_key))
    message = choice.get("message")
    if message is None and isinstance(choice.get("text"), str):
        message = {"content": choice["text"]}
    if not isinstance(message, dict):
        return _malformed("its answer holds no message")
    written = _content_text(message.get("content"))
    if written is None:
        return _malformed("its message is no text")
    used = _parse_usage(usage, Usage(prompt_tokens, estimate_tokens(written)))
    reasons = {_plain(choice.get(key)) for key in ("finish_reason", "native_finish_reason", "stop_reason")}
    if filtered := next(filter(_FILTERED.search, sorted(reasons)), ""):
        complaint = Complaint("refused", f"it refuses this text ({filtered})")
        return ModelAnswer(CallOutcome.REFUSED, usage=used, complaint=complaint)
    if broke_off := next(filter(_BROKE_OFF.search, sorted(reasons)), ""):
        complaint = Complaint("unavailable", f"it broke off by itself ({broke_off})")
        return ModelAnswer(CallOutcome.FAILED, usage=used, complaint=complaint)
    reply = read_reply_text(written, was_cut=bool(reasons & _CUT))
    calls = message.get("tool_calls") or message.get("function_call")
    if not reply.text and not reply.words and calls:
        reply = ReplyText("", _words_in_calls(calls))
    if HAND_OVER in reply.words:
        return ModelAnswer(CallOutcome.HAND_OVER, reply, used)
    if reply.is_silence:
        return ModelAnswer(CallOutcome.SILENCE, reply, used)
    if reply.text or reply.words:
        return ModelAnswer(CallOutcome.ANSWER, reply, used)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return ModelAnswer(
            CallOutcome.REFUSED, usage=used, complaint=Complaint("refused", "it refuses this text")
        )
    return ModelAnswer(
        CallOutcome.FAILED, usage=used, complaint=Complaint("empty", _why_empty(message, written))
    )


def _why_empty(message: dict[str, Any], written: str) -> str:
    if message.get("tool_calls") or message.get("function_call"):
        return "it called a tool, and none was offered"
    if written.strip() or message.get("reasoning_content") or message.get("reasoning"):
        return "it got no further than thinking, or wrote nothing for the customer; raise max_tokens"
    return "its answer is empty; with a reasoning model, raise max_tokens"


def _complains(complaint: Complaint) -> ModelAnswer:
    if complaint.kind == "too_long":
        return ModelAnswer(CallOutcome.LESS, complaint=complaint)
    if complaint.without:
        return ModelAnswer(CallOutcome.OTHER_FORM, complaint=complaint)
    outcome = CallOutcome.REFUSED if complaint.kind == "refused" else CallOutcome.FAILED
    return ModelAnswer(outcome, complaint=complaint)


def _malformed(explanation: str) -> ModelAnswer:
    return ModelAnswer(CallOutcome.FAILED, complaint=Complaint("malformed", explanation))


def _document_or_text(answer: RawAnswer) -> Any:
    try:
        return read_document(answer)
    except UnreadableBody:
        try:
            return read_text(answer)
        except UnreadableBody:
            return ""


def _plain(reason: object) -> str:
    """A reason in one spelling: "FinishReason.SAFETY", "contentFilter" and "content-filter" are all known."""
    if not isinstance(reason, str):
        return ""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", reason[:60].rpartition(".")[2])
    return re.sub(r"[^a-z0-9_]", "", snake.lower()).removeprefix("finish_reason_")


def _words_in_calls(calls: object) -> frozenset[str]:
    """The control words that were called like tools."""
    names: list[str] = []
    for call in calls if isinstance(calls, list) else [calls]:
        function = call.get("function", call) if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            names.append(function["name"])
    return words_called(" ".join(names))


def _content_text(content: object) -> str | None:
    """The text of a message's content: a string, null, or a list of parts; None for anything else.

    A part without a type is a text; one of another type, as a thought, is left out.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and part.get("type", "text") in _TEXT_PARTS and not part.get("thought"):
            text = part.get("text")
            text = text.get("value") if isinstance(text, dict) else text
            texts.append(text if isinstance(text, str) else "")
    return "".join(texts)


def _parse_usage(usage: object, estimate: Usage) -> Usage:
    counts = usage if isinstance(usage, dict) else {}

    def count(key: str, otherwise: int) -> int:
        value = counts.get(key)
        return value if isinstance(value, int) and 0 < value < 2**31 else otherwise

    return Usage(
        count("prompt_tokens", estimate.prompt_tokens), count("completion_tokens", estimate.completion_tokens)
    )
