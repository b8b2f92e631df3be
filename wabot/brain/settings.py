"""What a brain is told once: models and their limits, persona, knowledge, how long an answer may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One endpoint: `base_url` ends before /chat/completions; the key is a secret, kept out of repr.

    A limit of 0 is none.
    """

    name: str
    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    timeout_seconds: float = 60.0
    max_tokens: int = 400
    temperature: float = 0.7
    calls_per_day: int = 0
    tokens_per_day: int = 0


@dataclass(frozen=True, slots=True)
class BrainSettings:
    """All of it.

    `providers` are tried in order; none means the knowledge base answers. `persona_file` and
    `knowledge_folder` may be None or missing. History is bounded by both `history_messages` and
    `history_max_age_seconds`. An answer is at most `max_parts` messages of at most `max_length` characters.
    """

    providers: tuple[ProviderSettings, ...] = ()
    persona_file: Path | None = None
    knowledge_folder: Path | None = None
    history_messages: int = 20
    history_max_age_seconds: float = 86_400.0
    max_length: int = 4000
    max_parts: int = 3

    @property
    def longest_reply_seconds(self) -> float:
        """How long `Brain.reply` may wait: each provider's timeout, and one more for a second try."""
        timeouts = [provider.timeout_seconds for provider in self.providers]
        return sum(timeouts) + max(timeouts, default=0.0)
