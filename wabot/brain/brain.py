"""Composes the answer to a conversation: the model's, else the knowledge base's, else a polite sentence."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from wabot.brain.conversation import Conversation, join_texts
from wabot.brain.knowledge import KNOWN, KnowledgeBase, Passage
from wabot.brain.language import detect_language
from wabot.brain.persona import Persona
from wabot.brain.provider import ProviderSettings, Usage
from wabot.brain.texts import texts_for

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrainSettings:
    """What a Brain is told once.

    `providers` are tried in order; none means the knowledge base answers. `persona_file` and
    `knowledge_folder` may be None or missing. `reply_deadline_seconds` bounds one reply over all providers
    and retries. History is bounded by all of `history_messages`, `history_tokens` (estimated) and
    `history_max_age_seconds`. An answer is at most `max_parts` messages of at most `max_length` characters.
    """

    providers: tuple[ProviderSettings, ...] = ()
    persona_file: Path | None = None
    knowledge_folder: Path | None = None
    reply_deadline_seconds: float = 120.0
    history_messages: int = 20
    history_tokens: int = 3000
    history_max_age_seconds: float = 86_400.0
    max_length: int = 4000
    max_parts: int = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: the parts in order, none of them for silence.

    `source` is "model:NAME" with the provider's name, "knowledge", "polite" or "silence". `passages` are
    those the answer could draw on, best first. `usage` is what the model counted, None when no model
    answered.
    """

    parts: tuple[str, ...] = field(repr=False)
    source: str
    passages: tuple[Passage, ...] = ()
    usage: Usage | None = None


class Brain:
    """Answers conversations. It keeps nothing of them, so no chat can meet another's words.

    Safe to share by threads: several replies may be composed at once.
    """

    def __init__(self, settings: BrainSettings) -> None:
        self._settings = settings
        self._knowledge = KnowledgeBase(settings.knowledge_folder)
        self._persona = Persona(settings.persona_file)

    def reply(self, conversation: Conversation, now: datetime) -> Answer:
        """Compose the answer to the unanswered messages of a conversation.

        `now` (naive UTC or aware) ages the history and is told to the model. Never raises for trouble with
        providers, files or hostile text; the customer reads an answer, a polite sentence or nothing.
        """
        try:
            return self._reply(conversation, now)
        except Exception:
            log.exception("the answer could not be composed; the customer gets the polite sentence")
            return Answer((texts_for(conversation.language).cannot_answer,), "polite")

    def _reply(self, conversation: Conversation, now: datetime) -> Answer:
        settings = self._settings
        recent = conversation.bounded(
            max_messages=settings.history_messages,
            max_tokens=settings.history_tokens,
            max_age=timedelta(seconds=settings.history_max_age_seconds),
            now=now,
        )
        if not recent.unanswered:
            return Answer((), "silence")
        question = join_texts(recent.unanswered)
        language = detect_language(question, default=conversation.language)
        passages = tuple(self._knowledge.search(question, language))
        if passages and passages[0].score >= KNOWN:
            return Answer((passages[0].text,), "knowledge", passages)
        return Answer((texts_for(language).cannot_answer,), "polite", passages)
