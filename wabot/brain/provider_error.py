"""What can go wrong with a provider."""

from __future__ import annotations

from typing import Literal

from wabot.brain.completion import Usage

ErrorKind = Literal[
    "unreachable",  # no connection: refused, no such host, TLS or proxy trouble
    "dropped",  # connected, then cut before the answer was complete
    "timeout",
    "rate_limited",  # 429
    "unavailable",  # 5xx
    "unauthorized",  # 401, 403
    "rejected",  # any other 4xx: the request itself is at fault
    "redirected",
    "too_large",
    "malformed",
    "empty",
    "misconfigured",  # an address or key that cannot be sent
]


class ProviderError(Exception):
    """A provider gave no answer to use. The message is one line for the operator, free of secrets and chats.

    `explanation` is that without the name of the provider; `retry_after_seconds` is how long the provider
    asked to be left alone, None when it did not say; `usage` is what it counted all the same, None when that
    is not known.
    """

    def __init__(
        self,
        provider: str,
        kind: ErrorKind,
        explanation: str,
        retry_after_seconds: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(f"provider {provider}: {explanation}")
        self.kind = kind
        self.explanation = explanation
        self.retry_after_seconds = retry_after_seconds
        self.usage = usage
