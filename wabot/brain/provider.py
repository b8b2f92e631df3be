"""One OpenAI-compatible endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One endpoint: `base_url` ends before /chat/completions; the key is a secret, kept out of repr."""

    name: str
    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    timeout_seconds: float = 60.0
    max_tokens: int = 400
    temperature: float = 0.7


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens the model counted for one answer; 0 where it did not say."""

    prompt_tokens: int
    completion_tokens: int
