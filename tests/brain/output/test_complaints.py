"""Why real servers refuse, and what comes of it."""

from __future__ import annotations

import pytest

from tests.support.model_answers import reading
from wabot.brain.output.answer import CallOutcome

POLICY = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
    "modify your prompt and retry."
)
TEMPLATE = "Conversation roles must alternate user/assistant/user/assistant/..."
Refused = tuple[int, object, CallOutcome, str]
COMPLAINTS: dict[str, Refused] = {
    "no system, in the words of a validator": (
        422,
        {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "permitted: 'user', 'assistant'"}]},
        CallOutcome.OTHER_FORM,
        "system",
    ),
    "too long, as a server error": (
        500,
        {"error": {"message": "input length 3000 exceeds maximum 2048"}},
        CallOutcome.LESS,
        "too_long",
    ),
    "another country": (
        403,
        {"error": {"message": "Country, region, or territory not supported"}},
        CallOutcome.FAILED,
        "unauthorized",
    ),
    # A text that is refused.
    "azure: filtered": (
        400,
        {
            "error": {
                "message": POLICY,
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
            }
        },
        CallOutcome.REFUSED,
        "refused",
    ),
    "litellm: azure's filter": (
        400,
        {"error": {"message": f"litellm.ContentPolicyViolationError: {POLICY}", "type": None, "code": "400"}},
        CallOutcome.REFUSED,
        "refused",
    ),
    "deepseek: content exists risk": (
        400,
        {
            "error": {
                "message": "Content Exists Risk",
                "type": "invalid_request_error",
                "code": "invalid_request_error",
            }
        },
        CallOutcome.REFUSED,
        "refused",
    ),
    "qwen: inspection": (
        400,
        {
            "error": {
                "code": "data_inspection_failed",
                "message": "Input data may contain inappropriate content.",
            }
        },
        CallOutcome.REFUSED,
        "refused",
    ),
    "openrouter: flagged": (
        403,
        {"error": {"code": 403, "message": "Input was flagged", "metadata": {"reasons": ["violence"]}}},
        CallOutcome.REFUSED,
        "refused",
    ),
    "bedrock: blank": (
        400,
        {"error": {"message": "messages: text content blocks must contain non-whitespace text"}},
        CallOutcome.REFUSED,
        "refused",
    ),
    "anthropic: empty": (
        400,
        {
            "error": {
                "message": "messages.0: all messages must have non-empty content",
                "type": "invalid_request_error",
            }
        },
        CallOutcome.REFUSED,
        "refused",
    ),
    # Try with less.
    "openai: too long": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 4096 tokens. However, you requested "
                "5000 tokens (4600 in the messages, 400 in the completion). Please reduce the length.",
                "code": "context_length_exceeded",
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "llama.cpp: too long": (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size. try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 2600,
                "n_ctx": 2048,
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "llama.cpp, older: too long": (
        500,
        {
            "error": {
                "code": 500,
                "message": "the request exceeds the available context size",
                "type": "server_error",
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "vllm: too long": (
        400,
        {
            "object": "error",
            "message": "The decoder prompt (length 3000) is longer than the maximum model length of 2048.",
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "tgi: too long": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. "
            "Given: 2100 `inputs` tokens"
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "lm studio: too long": (
        400,
        {"error": "The number of tokens to keep from the initial prompt is greater than the context length."},
        CallOutcome.LESS,
        "too_long",
    ),
    "nginx: 413": (413, b"<html>413 Request Entity Too Large</html>", CallOutcome.LESS, "too_long"),
    "groq: too large a request": (
        413,
        {
            "error": {
                "message": "Request too large for model: Limit 6000, Requested 7000",
                "code": "rate_limit_exceeded",
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "anthropic: too long": (
        400,
        {
            "error": {
                "message": "prompt is too long: 9000 tokens > 8000 maximum",
                "type": "invalid_request_error",
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    # Try in another form.
    "openai: max_tokens": (
        400,
        {
            "error": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
        CallOutcome.OTHER_FORM,
        "max_tokens",
    ),
    "vllm: no system": (
        400,
        {"message": "System role not supported", "code": 400},
        CallOutcome.OTHER_FORM,
        "system",
    ),
    "gemini: no system": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "Developer instruction is not enabled for models/gemma-3-27b-it",
                }
            }
        ],
        CallOutcome.OTHER_FORM,
        "system",
    ),
    "llama.cpp: a template that raises": (
        500,
        {"error": {"code": 500, "message": f"Jinja Exception: {TEMPLATE}", "type": "server_error"}},
        CallOutcome.OTHER_FORM,
        "system",
    ),
    "vllm: alternate": (400, {"object": "error", "message": TEMPLATE}, CallOutcome.OTHER_FORM, "system"),
    # A provider that fails, and why.
    "openai: no quota": (
        429,
        {
            "error": {
                "message": "You exceeded your current quota, please check your plan",
                "code": "insufficient_quota",
            }
        },
        CallOutcome.FAILED,
        "no_credit",
    ),
    "deepseek: no balance": (
        402,
        {"error": {"message": "Insufficient Balance"}},
        CallOutcome.FAILED,
        "no_credit",
    ),
    "anthropic: no credit": (
        400,
        {"error": {"message": "Your credit balance is too low to access the API."}},
        CallOutcome.FAILED,
        "no_credit",
    ),
    "openrouter: no credits": (
        402,
        {"error": {"code": 402, "message": "More credits are required"}},
        CallOutcome.FAILED,
        "no_credit",
    ),
    "openai: too many": (
        429,
        {"error": {"message": "Rate limit reached for requests", "code": "rate_limit_exceeded"}},
        CallOutcome.FAILED,
        "rate_limited",
    ),
    "gemini: too many": (
        429,
        [
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota, please check your plan and billing details.",
                    "status": "RESOURCE_EXHAUSTED",
                }
            }
        ],
        CallOutcome.FAILED,
        "rate_limited",
    ),
    "ollama: no model": (
        404,
        {"error": {"message": 'model "tiny" not found, try pulling it first', "type": "api_error"}},
        CallOutcome.FAILED,
        "not_found",
    ),
    "openai: no model": (
        404,
        {
            "error": {
                "message": "The model `x` does not exist or you do not have access to it.",
                "code": "model_not_found",
            }
        },
        CallOutcome.FAILED,
        "not_found",
    ),
    "no such address": (404, b"<html>404 page not found</html>", CallOutcome.FAILED, "not_found"),
    "openai: the key": (
        401,
        {"error": {"code": "invalid_api_key", "message": "Incorrect API key"}},
        CallOutcome.FAILED,
        "unauthorized",
    ),
    "llama.cpp: loading": (
        503,
        {"error": {"message": "Loading model", "code": 503}},
        CallOutcome.FAILED,
        "unavailable",
    ),
    "anthropic: overloaded": (
        529,
        {"error": {"type": "overloaded_error", "message": "Overloaded"}},
        CallOutcome.FAILED,
        "unavailable",
    ),
    "a gateway": (502, b"<html>Bad gateway</html>", CallOutcome.FAILED, "unavailable"),
    "something else": (400, {"error": {"message": "unknown field foo"}}, CallOutcome.FAILED, "rejected"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_what_a_server_complains_of(name: str) -> None:
    status, body, outcome, of_it = COMPLAINTS[name]
    answer = reading(status, body)
    assert answer.outcome is outcome, answer
    if outcome is CallOutcome.OTHER_FORM:
        assert answer.complaint.without == of_it
    else:
        assert answer.complaint.kind == of_it
        assert answer.complaint.explanation


@pytest.mark.parametrize(
    ("name", "limit", "sent"),
    [
        ("openai: too long", 4096, 4600),
        ("llama.cpp: too long", 2048, 2600),
        ("vllm: too long", 2048, 0),
        ("tgi: too long", 2048, 0),
        ("groq: too large a request", 6000, 7000),
        ("anthropic: too long", 8000, 9000),
        ("lm studio: too long", 0, 0),
    ],
)
def test_how_much_a_server_takes_is_read_where_it_says_so(name: str, limit: int, sent: int) -> None:
    status, body, *_ = COMPLAINTS[name]
    complaint = reading(status, body).complaint
    assert complaint.limit_tokens == limit
    assert complaint.sent_tokens in (sent, 2100)


def test_the_cause_that_was_given_is_told() -> None:
    here = reading(400, {"error": {"message": "User location is not supported for the API use."}})
    assert here.complaint.explanation == "it answered 400: it does not serve this country"

    def explanation(name: str) -> str:
        status, body, *_ = COMPLAINTS[name]
        return reading(status, body).complaint.explanation

    assert explanation("openai: no quota") == (
        "it answered 429 (insufficient_quota): the account there has no credit left"
    )
    assert explanation("deepseek: no balance") == "it answered 402: the account there has no credit left"
    assert explanation("openai: no model") == "it answered 404 (model_not_found): it does not have this model"
    assert "base_url" in explanation("no such address")
