"""What came of a call of a model: an answer and what it took, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call: as the provider counted them, or an estimate where it did not say."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """The tokens of the question and the answer."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered, and the name of the provider that gave it.

    Attributes:
        text: ready to be sent; "" only where no answer is wanted or a person is called.
        provider: its name.
        usage: what it took.
        words: the control words it held.
        pictures: how many it was shown.
        note: what it says the pictures show, for whoever reads the chat later.
    """

    text: str = field(repr=False)
    provider: str
    usage: Usage
    words: frozenset[str] = frozenset()
    pictures: int = 0
    note: str = field(default="", repr=False)


ErrorKind = Literal[
    "unreachable",  # no connection: refused, no such host, TLS or proxy trouble
    "dropped",  # connected, then cut before the answer was complete
    "timeout",
    "rate_limited",  # 429
    "no_credit",  # 402, or 429 where waiting does not help
    "unavailable",  # 5xx
    "unauthorized",  # 401, 403
    "not_found",  # the model, or the address
    "refused",  # this text, by a filter or as empty
    "too_long",  # 413, or more tokens than the model takes
    "rejected",  # any other 4xx: the request itself is at fault
    "redirected",
    "too_large",
    "malformed",
    "empty",
    "misconfigured",  # an address or key that cannot be sent
]


#: Such a failure says something of the text, and nothing of the provider: it works for others.
OF_THE_TEXT: frozenset[ErrorKind] = frozenset({"refused", "too_long", "rejected", "empty"})
#: Of these there is no doubt: the same would happen to everybody.
OF_THE_PROVIDER: frozenset[ErrorKind] = frozenset(
    {"unreachable", "no_credit", "unauthorized", "not_found", "redirected", "misconfigured"}
)


class ProviderError(Exception):
    """An endpoint gave no answer to use. The message is one line for the operator, free of secrets and chats.

    Attributes:
        kind: what went wrong.
        explanation: the message without whose it is.
        retry_after_seconds: how long the provider asked to be left alone; None when it did not say.
        usage: what it counted all the same; None when that is not known.
        said: the words of the server, without the key, which may quote the chat.
    """

    def __init__(
        self,
        who: str,
        kind: ErrorKind,
        explanation: str,
        retry_after_seconds: float | None = None,
        usage: Usage | None = None,
        said: str = "",
    ) -> None:
        super().__init__(f"{who}: {explanation}")
        self.kind = kind
        self.explanation = explanation
        self.retry_after_seconds = retry_after_seconds
        self.usage = usage
        self.said = said
