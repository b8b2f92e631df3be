"""Settings of the conversation: who is answered, what with, and how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from wabot.brain.settings import ProviderSettings, TranscriberSettings
from wabot.config.setting_types import (
    SettingType,
    boolean,
    choice,
    contacts,
    duration,
    integer,
    number,
    opening_hours,
    path,
    setting,
    size,
    text,
    texts,
    words,
    yes_no_or,
)
from wabot.system.units import CONFIGURATIONS

#: Calls or tokens in a day.
BUDGET = integer(0, 1_000_000_000)


class ProviderSetting(NamedTuple):
    """One key: what it may hold, its default as it would stand in the file, and its meaning."""

    type: SettingType
    default: str
    meaning: str

    @property
    def is_required(self) -> bool:
        """Whether a provider must have it, because there is no default."""
        return not self.default


PROVIDER_SETTINGS = {
    "name": ProviderSetting(
        text(longest=60, pattern=".+", allowed="a text, not empty"),
        "the model's",
        "what logs and `wabot status` call it",
    ),
    "base_url": ProviderSetting(
        text(pattern=r"https?://\S+", allowed="an address such as http://localhost:11434/v1"),
        "",
        "address of an OpenAI-compatible API, up to and with /v1",
    ),
    "model": ProviderSetting(text(longest=200), "", "the model's name there"),
    "api_key": ProviderSetting(
        text(longest=2000),
        '""',
        "credential:NAME, env:NAME or file:PATH; the key itself never stands in the file",
    ),
    "timeout": ProviderSetting(duration(0.1, 600), '"1m"', "seconds for one answer"),
    "max_tokens": ProviderSetting(
        integer(1, 100_000), "400", "longest answer, with what a reasoning model thinks before it"
    ),
    "temperature": ProviderSetting(number(0, 2), "0.7", "how freely it speaks"),
    "calls_per_day": ProviderSetting(
        BUDGET, "0", "calls of this provider in one day of the account's time zone; 0 = no limit"
    ),
    "tokens_per_day": ProviderSetting(
        BUDGET, "0", "tokens of this provider, of questions and answers, in one day; 0 = no limit"
    ),
    "vision": ProviderSetting(
        yes_no_or("auto"),
        '"auto"',
        "whether it sees pictures; auto = it is shown them until it refuses one; false for those that answer "
        "without looking",
    ),
}

TRANSCRIBER_SETTINGS = {
    "name": ProviderSetting(
        text(longest=60, pattern=".+", allowed="a text, not empty"),
        "the model's",
        "what logs and `wabot status` call it",
    ),
    "base_url": PROVIDER_SETTINGS["base_url"]._replace(
        meaning="address of an OpenAI-compatible API, up to and with /v1, or of whisper.cpp's server"
    ),
    "model": ProviderSetting(text(longest=200), '""', "the model's name there; whisper.cpp has only one"),
    "api_key": PROVIDER_SETTINGS["api_key"],
    "kind": ProviderSetting(
        choice("openai", "whisper.cpp"),
        '"openai"',
        '"whisper.cpp" is the server of that program; start it with --convert',
    ),
    "language": ProviderSetting(
        text(longest=4, pattern="chat|auto|[a-z]{2,3}", allowed='"chat", "auto" or a code such as "es"'),
        '"chat"',
        "what is spoken: the chat's language, whatever it hears, or always the same",
    ),
    "timeout": ProviderSetting(
        duration(0.1, 600), '"1m"', "seconds for one note, and half of what it plays on top of that"
    ),
    "seconds_per_day": ProviderSetting(
        BUDGET, "0", "seconds of sound in one day of the account's time zone; 0 = no limit"
    ),
}

ENDPOINT_SETTINGS = {"providers": PROVIDER_SETTINGS, "transcribers": TRANSCRIBER_SETTINGS}
"""What each [[ai.…]] may hold, by what they are called."""


def transcriber_problems(transcribers: tuple[TranscriberSettings, ...]) -> list[str]:
    """What is wrong with the transcribers, one line for each problem."""
    problems = []
    names = Counter(each.name for each in transcribers)
    for position, each in enumerate(transcribers, start=1):
        where = f"ai.transcribers[{position}]"
        if not each.model and each.kind == "openai":
            problems.append(f"{where}.model: missing")
        if names[each.name] > 1 and each.seconds_per_day:
            problems.append(
                f"{where}.name: another one is called {each.name}, too; a budget of its own needs a name of "
                "its own"
            )
    return problems


def budget_problems(providers: tuple[ProviderSettings, ...], tokens_per_day: int) -> list[str]:
    """What is wrong with the budgets, one line for each problem.

    Args:
        providers: the providers.
        tokens_per_day: of all of them together; 0 for no limit.
    """
    problems = []
    names = Counter(provider.name for provider in providers)
    for position, provider in enumerate(providers, start=1):
        where = f"ai.providers[{position}]"
        limits = ((f"{where}.tokens_per_day", provider.tokens_per_day), ("ai.tokens_per_day", tokens_per_day))
        for key, limit in limits:
            if 0 < limit < provider.max_tokens:
                problems.append(
                    f"{key} = {limit}: less than one answer may take "
                    f"({where}.max_tokens = {provider.max_tokens})"
                )
        if names[provider.name] > 1 and (provider.calls_per_day or provider.tokens_per_day):
            problems.append(
                f"{where}.name: another one is called {provider.name}, too; a budget of its own needs a name "
                "of its own"
            )
    return list(dict.fromkeys(problems))


# Whole requests: a word alone, as "agente" or "human", stands in questions about a shop's goods, too.
_ASKS_FOR_A_PERSON = (
    "hablar con una persona",
    "hablar con alguien",
    "hablar con un humano",
    "hablar con un agente",
    "hablar con un asesor",
    "talk to a person",
    "talk to a human",
    "talk to someone",
    "speak to a person",
    "speak to a human",
    "speak to someone",
    "speak with a person",
    "speak with a human",
    "falar com uma pessoa",
    "falar com alguem",
    "falar com um humano",
    "falar com um atendente",
    "falar com atendente",
)


@dataclass(frozen=True, slots=True)
class AiSettings:
    """What the bot knows and how it speaks."""

    providers: tuple[ProviderSettings, ...] = field(default=(), metadata={"meaning": "tried in order"})
    transcribers: tuple[TranscriberSettings, ...] = field(
        default=(), metadata={"meaning": "listen to voice notes; tried in order"}
    )
    system_prompt_file: Path | None = setting(path(), None, "the persona; read again when it changes")
    knowledge: Path = setting(
        path(),
        CONFIGURATIONS / "knowledge",
        ".md, .txt, .csv and .pdf files; read again when they change",
    )
    whole_texts_tokens: int = setting(
        integer(0, 1_000_000),
        6000,
        "a model sees all texts where they come to no more tokens than this, else the passages that fit "
        "best; lower it for a model with a small context",
    )
    history_messages: int = setting(
        integer(0, 200), 20, "how many earlier messages of a chat the model sees, about 3,000 tokens at most"
    )
    history_max_age_seconds: float = setting(
        duration(0, 31_536_000), 86_400.0, "older messages are not shown to the model"
    )
    disclosure: bool = setting(
        boolean(),
        True,
        "the first answer of a conversation says that an assistant answers, and how to reach a person",
    )
    calls_per_chat_per_hour: int = setting(
        integer(0, 100_000),
        60,
        "calls of models for one chat in any hour, whatever they come to; more than that is another bot, and "
        "the chat rests an hour; 0 = no limit",
    )
    calls_per_day: int = setting(
        BUDGET,
        0,
        "calls of all providers together in one day of the account's time zone; 0 = no limit",
    )
    tokens_per_day: int = setting(
        BUDGET,
        0,
        "tokens of all providers together, of questions and answers, in one day; 0 = no limit",
    )

    @property
    def longest_answer_seconds(self) -> float:
        """How long one answer may take before its thread counts as stuck."""
        return 60 + sum(2 * provider.timeout_seconds for provider in self.providers)

    @property
    def hears(self) -> bool:
        """Whether somebody listens to voice notes."""
        return bool(self.transcribers)

    @property
    def sees(self) -> bool:
        """Whether a model may look at pictures."""
        return any(provider.vision is not False for provider in self.providers)

    @property
    def reads(self) -> bool:
        """Whether a model is told what stands in documents."""
        return bool(self.providers)


@dataclass(frozen=True, slots=True)
class ReplySettings:
    """How replies are made and sent."""

    workers: int = setting(
        integer(1, 64), 4, "chats answered at the same time; as many again help out while a model is slow"
    )
    debounce_seconds: float = setting(
        duration(0, 60), 2.0, "silence to wait for, so that a burst gets one answer"
    )
    max_age_seconds: float = setting(
        duration(1, 2_592_000), 900.0, "older messages are kept but not answered"
    )
    max_length: int = setting(integer(50, 60_000), 4000, "characters in one message")
    max_parts: int = setting(integer(1, 20), 3, "messages one answer may take")
    max_files: int = setting(
        integer(0, 10), 3, "pictures, files and places from the texts that go with one answer; 0 = none"
    )
    per_chat_per_hour: int = setting(
        integer(0, 100_000), 60, "messages to one chat in any hour; what is more waits; 0 = no limit"
    )
    per_minute: int = setting(
        integer(0, 100_000),
        20,
        "messages to everybody in any minute, a quarter of them kept for chats that were answered before; "
        "what is more waits; 0 = no limit, which is the default where typing = false",
    )
    in_doubt: str = setting(
        choice("resend", "hold"),
        "resend",
        "a reply that may have left when the link was cut, and that no phone confirms: send it again, "
        "which may show it twice, or hold it back, which may lose it",
    )
    typing: bool = setting(
        boolean(), True, 'show "typing…" and keep a human pace; false = as fast as possible'
    )
    delay_message_seconds: float = setting(
        duration(0, 60), 1.0, "pause before a message goes out, counted from arrival"
    )
    time_per_char_seconds: float = setting(
        number(0, 1), 0.03, "seconds of typing per character, up to 20 s for each message"
    )


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """Whom the bot answers."""

    groups: str = setting(choice("off", "mention", "all"), "off", "groups: never, when mentioned, always")
    allow: tuple[str, ...] = setting(
        contacts(),
        (),
        "only these phone numbers, with the country's code, or LIDs; * as wildcard; empty = all",
    )
    deny: tuple[str, ...] = setting(contacts(), (), "never these")
    trigger_type: str = setting(
        choice("all", "keyword", "regex"), "all", "what a chat is begun by: any message, a word, a pattern"
    )
    trigger_operator: str = setting(
        choice("contains", "equals", "starts_with", "ends_with"), "contains", "how a word has to stand there"
    )
    trigger_values: tuple[str, ...] = setting(texts(), (), "the words or the patterns; any of them is enough")
    expire_seconds: float = setting(
        duration(0, 2_592_000), 18_000.0, "a chat once begun goes on without the word until it rests so long"
    )
    loop_ceiling: int = setting(
        integer(0, 100_000),
        30,
        "answers to one chat in an hour; more than that is another bot, and the chat rests an hour; "
        "0 = off, and loop_repetitions with it",
    )
    loop_repetitions: int = setting(
        integer(0, 50), 10, "the same message answered so often in an hour is another bot, too; 0 = off"
    )
    handover_pause_seconds: float = setting(
        duration(0, 31_536_000), 43_200.0, "how long the bot keeps quiet in a chat where the owner wrote"
    )
    pause_words: tuple[str, ...] = setting(
        words(), ("#bot off",), "the owner's message of just this silences the bot in that chat"
    )
    resume_words: tuple[str, ...] = setting(
        words(), ("#bot on",), "the owner's message of just this lets it answer there again"
    )
    status_words: tuple[str, ...] = setting(
        words(),
        ("#bot status",),
        "and this asks how things stand; the owner is told in their chat with themselves",
    )
    escalation_words: tuple[str, ...] = setting(
        words(),
        _ASKS_FOR_A_PERSON,
        "a customer's message with one of these is left to a person, and the chat is paused; "
        "empty = only where the model thinks so",
    )
    opt_out_words: tuple[str, ...] = setting(
        words(), ("baja", "stop"), "a message of just this word ends all writing to its sender"
    )
    opt_in_words: tuple[str, ...] = setting(
        words(), ("alta", "start"), "a message of just this word begins it again"
    )
    business_hours: tuple[str, ...] = setting(
        opening_hours(), (), 'when the bot answers, as "mon-fri 09:00-18:00"; empty = always'
    )
    away_text: str = setting(
        text(), "", "said once while it is closed; empty = a sentence in the customer's language"
    )


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """What is fetched of what customers send. Videos and stickers never are."""

    voice_max_bytes: int = setting(
        size(1000, 64_000_000), 16_000_000, "a larger voice note, or file of sound, is not listened to"
    )
    voice_longest_seconds: float = setting(duration(1, 7200), 600.0, "nor is one that plays longer than this")
    image_max_bytes: int = setting(size(1000, 64_000_000), 10_000_000, "a larger picture is not looked at")
    document_max_bytes: int = setting(size(1000, 64_000_000), 20_000_000, "a larger document is not read")
    per_chat_per_day: int = setting(
        integer(0, 100_000),
        50,
        "files of one chat in 24 hours; the rest is left to the owner, who is told; 0 = no limit",
    )


@dataclass(frozen=True, slots=True)
class OutreachSettings:
    """Whom the bot may write to unasked; replies are not bound by it."""

    window_seconds: float = setting(
        duration(0, 31_536_000), 2_592_000.0, "only who wrote within this time; 0 = nobody"
    )
    per_chat_per_day: int = setting(integer(0, 1000), 1, "messages to one chat on one day; 0 = none")
    per_day: int = setting(integer(0, 100_000), 50, "messages to everybody on one day; 0 = none")
    hours: tuple[str, ...] = setting(
        opening_hours(), (), 'when they may leave, as "mon-sat 09:00-20:00"; empty = always'
    )
