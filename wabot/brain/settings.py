"""What a brain is told once: models and their limits, persona, knowledge, how long an answer may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

TRANSCRIBER_BUDGETS = "[[ai.transcribers]] "
"""How the names of transcribers' budgets begin."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One endpoint; a limit of 0 is none.

    Attributes:
        name: what logs call it.
        base_url: where it is, up to /chat/completions.
        model: the model's name there.
        api_key: a secret, kept out of repr.
        timeout_seconds: for one answer.
        max_tokens: the longest answer.
        temperature: how freely the model speaks.
        calls_per_day: the most calls in a day.
        tokens_per_day: the most tokens in a day, of questions and answers.
        vision: whether it sees pictures; None: it is shown the first, and what it answers says so.
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
    vision: bool | None = None

    @property
    def who(self) -> str:
        """What the journal calls it."""
        return f"provider {self.name}"

    @property
    def budget_name(self) -> str:
        """Under which name its budget is kept."""
        return self.name


@dataclass(frozen=True, slots=True)
class TranscriberSettings:
    """One server that listens to voice notes; a limit of 0 is none.

    Attributes:
        name: what logs call it.
        base_url: where it is, up to /audio/transcriptions or /inference.
        model: the model's name there.
        api_key: a secret, kept out of repr.
        kind: "openai" for what speaks as OpenAI does, "whisper.cpp" for that program's own server.
        language: "chat" for that of the chat, "auto" for what is heard, or a code as "es".
        timeout_seconds: for one note, and half of what it plays on top of that.
        seconds_per_day: the most seconds of sound in a day.
    """

    name: str
    base_url: str
    model: str = ""
    api_key: str = field(default="", repr=False)
    kind: str = "openai"
    language: str = "chat"
    timeout_seconds: float = 60.0
    seconds_per_day: int = 0

    @property
    def who(self) -> str:
        """What the journal calls it."""
        return f"transcriber {self.name}"

    @property
    def budget_name(self) -> str:
        """Under which name its budget is kept: not that of a provider."""
        return f"{TRANSCRIBER_BUDGETS}{self.name}"

    def call_seconds(self, sound_seconds: float) -> float:
        """How long it may take for a note that plays so long."""
        return self.timeout_seconds + sound_seconds / 2


@dataclass(frozen=True, slots=True)
class BrainSettings:
    """All of it.

    Attributes:
        providers: tried in order; without one the knowledge base answers.
        persona_file: who the bot is; may be None or missing.
        knowledge_folder: the texts; may be None or missing.
        whole_texts_tokens: a model sees all texts where they come to no more than this; 0: never.
        history_messages: how many earlier messages a model sees.
        history_max_age_seconds: and how old the oldest of them may be.
        max_length: characters in one message of an answer.
        max_parts: messages in an answer.
        max_files: files and places that go with one.
    """

    providers: tuple[ProviderSettings, ...] = ()
    persona_file: Path | None = None
    knowledge_folder: Path | None = None
    whole_texts_tokens: int = 6000
    history_messages: int = 20
    history_max_age_seconds: float = 86_400.0
    max_length: int = 4000
    max_parts: int = 3
    max_files: int = 3

    @property
    def longest_reply_seconds(self) -> float:
        """How long `Brain.reply` may wait: each provider's timeout, and one more for a second try."""
        timeouts = [provider.timeout_seconds for provider in self.providers]
        return sum(timeouts) + max(timeouts, default=0.0)
