"""Understands why a model server refuses: from its status, its codes and, where these fail, its words. Pure.

Servers agree on nothing but the status. Codes and words are those of OpenAI, Azure, Anthropic, Gemini,
Mistral, DeepSeek, Qwen, Groq, OpenRouter, LiteLLM, vLLM, llama.cpp, Ollama, LM Studio and TGI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wabot.brain.output.completion import ErrorKind

#: What a request can do without: parameters, and a message of the system's.
SYSTEM_ROLE = "system"
_CAN_DO_WITHOUT = ("max_tokens", "temperature")
_NAMES = "|".join(_CAN_DO_WITHOUT)
_PARAMETER = re.compile(
    rf"Unsupported (?:parameter|value): '({_NAMES})'|'({_NAMES})' is not supported", re.IGNORECASE
)

_NO_CREDIT = re.compile(
    r"insufficient[_ -]?(?:quota|balance|credits?|funds)|credit balance is too low|payment[_ ]required"
    r"|(?:out of|no|not enough|more) credits?\b|billing[_ ](?:hard|not|limit|is not|details)"
    r"|requires more credits"
    r"|arrears|overdue|exceeded your current quota, please check your plan and billing",
    re.IGNORECASE,
)
_REFUSES_TEXT = re.compile(
    r"content[_ -]?(?:filter|policy|management|exists risk|moderation)|responsibleaipolicy"
    r"|data_inspection_failed"
    r"|inappropriate content|prohibited[_ ]content|flagged|moderation|usage polic|unsafe|sensitive|safety"
    r"|harmful|invalid_prompt|recitation|blocklist",
    re.IGNORECASE,
)
# Empty, of blanks alone: also the text's fault.
_EMPTY_TEXT = re.compile(
    r"(?:content|text|message|prompt|input)\w*(?: \w+){0,4} (?:must|can ?not|should|may not)(?: \w+){0,3} "
    r"(?:non-?empty|empty|blank|whitespace)|must contain non-whitespace|empty (?:content|message"
    r"|prompt|input)",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|size|window)|exceed_context|maximum context|max(?:imum)?[_ ](?:input|prompt"
    r"|sequence|"
    r"model|total|number of)[_ ]?(?:len|length|token)|prompt is too long|(?:input|prompt|request|message)s? "
    r"(?:is |are )?too (?:long|large)|too many (?:input |prompt )?tokens|reduce the length|\bn_ctx\b"
    r"|tokens to keep|(?:input|prompt|token)s?\b.{0,40} exceeds? (?:the )?max"
    r"|string_above_max_length|(?:input|prompt) tokens?\b.{0,40}exceed|inputs?`? tokens? \+ |entity too large"
    r"|payload too large|longer than the (?:model|maximum)|exceeds? the (?:model|maximum|available"
    r"|limit of \d+ tok)"
    r"|max_model_len|request_too_large|range of input length|request too large|tokens? limit exceeded",
    re.IGNORECASE,
)
_LIMITS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"maximum context length (?:is|of) (\d+)",
        r"(?:context|window)(?: length| size| window)?(?: of| is|:| \()? ?(?:only )?(\d+)",
        r"must be <=? ?(\d+)",
        r"> ?(\d+) (?:maximum|max)",
        r"\blimit:? (?:of |is )?(\d+)",
        r"at most (\d+) (?:input |prompt )?tokens",
        r"max(?:imum)?(?:_model_len| model length of| input length| (?:\w+ ){0,4}tokens?)\D{0,20}(\d+)",
        r"input length should be \[1, (\d+)\]",
        r"token count of \D{0,20}(\d+)",
    )
)
_SENT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\((\d+) in the (?:messages|prompt)",
        r"prompt contains at least (\d+)",
        r"(?:requested|resulted in|request has|given|has|keep the first|prompt is too long:"
        r"|input has) (\d+) ?(?:input )?(?:tokens|>)",
        r"requested tokens \((\d+)\)",
        r"request \((\d+) tokens\)",
        r"requested (\d+)",
    )
)
_NO_SYSTEM = re.compile(
    r"system (?:role|message|prompt|instruction)s?\b.{0,40}\b(?:not|un)[ -]?(?:be )?(?:support|allow"
    r"|enabl|permit)"
    r"|(?:developer|system) instruction is not enabled|does ?n[o']t support (?:a |the )?system"
    r"|(?:unsupported|unexpected|invalid|unknown) (?:message )?role:?.{0,20}system"
    r"|role.{0,40}system.{0,20}(?:invalid|not)"
    r"|(?:permitted:|should be|one of:?) ?\[?['\"]user['\"](?:,| or) ?['\"](?:assistant|model)['\"]"
    r"(?!.{0,30}system)"
    r"|only (?:the )?['\"]?user['\"]?(?:,| and|/)? ?['\"]?(?:assistant|model)?['\"]? ?roles? (?:are"
    r"|is) (?:supported|allowed)"
    r"|system.{0,40}is not one of",
    re.IGNORECASE,
)
_ALTERNATE = re.compile(
    r"roles? must alternate|must alternate|alternat\w* (?:between )?user|raise_exception"
    r"|chat[_ ]template|\bjinja\b"
    r"|TemplateError|first (?:message|content|turn)\b.{0,40}\buser|expected.{0,20}role",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model[_ ]not[_ ](?:found|exist)|no such model|unknown[_ ]model|invalid[_ ]model"
    r"|model\b.{0,120}\b(?:not found|"
    r"does not exist|not exist|is not (?:available|loaded|installed|a valid model)|not a valid model"
    r"|no longer available)"
    r"|no endpoints? found|try pulling|model_not_available|no models? loaded",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(
    r"rate[_ ]?limit|too many requests|resource_exhausted|overloaded|throttl", re.IGNORECASE
)
_NOT_HERE = re.compile(
    r"unsupported_country"
    r"|(?:country|region|territory|location)\b.{0,40}\b(?:not|un)[ -]?(?:supported|available)"
    r"|(?:not|un)[ -]?(?:supported|available) (?:in|for) (?:your|this) (?:country|region|location)",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,39}")
_MAX_CHARACTERS = 8000
_MOST_TOKENS = 10_000_000


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a server complains of.

    Attributes:
        kind: of the error.
        explanation: for the operator, in words of ours.
        said: in the server's own, which may quote the chat.
        without: what the request is to do without.
        limit_tokens: how many it takes, 0 where it does not say.
        sent_tokens: how many it counted, 0 where it does not say.
    """

    kind: ErrorKind
    explanation: str
    said: str = field(default="", repr=False)
    without: str = ""
    limit_tokens: int = 0
    sent_tokens: int = 0


def read_complaint(status: int, document: Any, has_key: bool = True) -> Complaint:
    """What an answer means that is no success, or says itself that it is none.

    Args:
        status: of HTTP; below 400 where the error stands in a success.
        document: its JSON, or its text where it holds none.
        has_key: whether a key was sent.
    """
    words = [word[:2000] for word in _words_of(document)]
    said = " ".join(words)[:_MAX_CHARACTERS]
    status = status if status >= 400 else _status_in(document)
    code = next((word for word in _codes_of(document) if _CODE.fullmatch(word)), "")
    answered = f"it answered {status}" if status else "it answered with an error"
    answered += f" ({code})" if code else ""
    kind, meaning, without = _meaning(status, said, document, has_key)
    limit = sent = 0
    if kind == "too_long":
        limit, sent = _number(document, "n_ctx"), _number(document, "n_prompt_tokens")
        limit = limit or _first_number(_LIMITS, said)
        sent = sent or _first_number(_SENT, said)
    explanation = f"{answered}: {meaning}" if meaning else answered
    return Complaint(kind, explanation, said, without, limit, sent)


def _meaning(status: int, said: str, document: Any, has_key: bool) -> tuple[ErrorKind, str, str]:
    parameter = _parameter_in(said, document)
    if parameter and status < 500:
        return "rejected", f"it takes no {parameter}", parameter
    if status == 402 or (_NO_CREDIT.search(said) and not (status == 429 and "RESOURCE_EXHAUSTED" in said)):
        return "no_credit", "the account there has no credit left", ""
    if (
        (status != 429 and _TOO_LONG.search(said))
        or status == 413
        or (status == 429 and "request too large" in said.lower())
    ):
        return "too_long", "the question with all that goes with it is too long for it", ""
    if (status not in (401, 429) and _NO_SYSTEM.search(said)) or (
        status in (0, 400, 422, 500) and _ALTERNATE.search(said)
    ):
        return "rejected", "it takes no message of the system, or not in this order", SYSTEM_ROLE
    if _NO_MODEL.search(said) and status in (0, 400, 403, 404, 422, 500, 503):
        return "not_found", "it does not have this model", ""
    if status not in (401, 404, 429) and (_REFUSES_TEXT.search(said) or status == 451):
        return "refused", "it refuses this text", ""
    if status in (0, 400, 422) and _EMPTY_TEXT.search(said):
        return "refused", "it refuses this text, which it takes for empty", ""
    if status in (0, 400, 403, 451) and _NOT_HERE.search(said):
        return "unauthorized", "it does not serve this country", ""
    if status in (401, 403, 407):
        return "unauthorized", "check its api_key" if has_key else "it wants an api_key, and none is set", ""
    if status in (404, 405):
        return "not_found", "there is nothing at this address: check its base_url", ""
    if status == 429 or (status in (0, 400) and _TOO_MANY.search(said)):
        return "rate_limited", "too many requests for this account", ""
    if status >= 500 or status in (0, 408, 409, 425):
        return "unavailable", "", ""
    return "rejected", "check its base_url and model", ""


def _parameter_in(said: str, document: Any) -> str:
    """The parameter it complains of that the request can do without."""
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        parameter, code = error.get("param"), str(error.get("code"))
        if parameter in _CAN_DO_WITHOUT and code.startswith("unsupported_"):
            return str(parameter)
    complaint = _PARAMETER.search(said)
    return (complaint[1] or complaint[2]).lower() if complaint else ""


def _words_of(document: Any, depth: int = 0) -> Iterator[str]:
    """All texts of a document; of the result of a filter, which has no words, that it filtered."""
    if isinstance(document, str):
        yield document
    elif depth > 6:
        return
    elif isinstance(document, dict):
        for key, value in list(document.items())[:50]:
            if key in ("usage", "choices", "model", "prompt_filter_results"):
                continue
            if isinstance(value, dict) and value.get("filtered") is True:
                yield "content_filter"
            yield from _words_of(value, depth + 1)
    elif isinstance(document, list):
        for value in document[:20]:
            yield from _words_of(value, depth + 1)


def _error_of(document: Any) -> Any:
    if isinstance(document, list) and document:
        document = document[0]
    return document.get("error", document) if isinstance(document, dict) else None


def _codes_of(document: Any) -> Iterator[str]:
    error = _error_of(document)
    if isinstance(error, dict):
        for key in ("code", "type", "status", "error_type"):
            if isinstance(error.get(key), str):
                yield error[key]


def _status_in(document: Any) -> int:
    """The status that a gateway passes on inside of a success."""
    error = _error_of(document)
    for key in ("code", "status", "status_code", "statusCode"):
        value = error.get(key) if isinstance(error, dict) else None
        if isinstance(value, str) and value.isdecimal() and len(value) == 3:
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return 0


def _number(document: Any, key: str) -> int:
    error = _error_of(document)
    value = error.get(key) if isinstance(error, dict) else None
    return value if isinstance(value, int) and 0 < value < _MOST_TOKENS else 0


def _first_number(patterns: tuple[re.Pattern[str], ...], said: str) -> int:
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", said)
    for pattern in patterns:
        found = pattern.search(plain)
        if found and len(found[1]) < 9 and int(found[1]) > 0:
            return int(found[1])
    return 0
