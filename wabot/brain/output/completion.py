"""What a model answered, and what that took."""

from __future__ import annotations

from dataclasses import dataclass, field


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
    """What a model answered, and the name of the provider that gave it.

    `text` is ready to be sent, and "" only where no answer is wanted or a person is called; `words` are the
    control words it held.
    """

    text: str = field(repr=False)
    provider: str
    usage: Usage
    words: frozenset[str] = frozenset()
