"""Says once in each conversation that an assistant answers, and how to reach a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from wabot.brain.texts import texts_for
from wabot.conversation.history import last_said_at
from wabot.conversation.notices import NOTICES
from wabot.database.models import Chat

# Who comes back after so long begins a conversation.
_CONVERSATION = timedelta(days=30)


class Disclosure:
    """Adds the sentence to the first answer of a conversation, and remembers it in the chat's row.

    Args:
        enabled: whether it is wanted.
        language: the account's, for customers whose own is not known.
        max_length: how long a message may be.
    """

    def __init__(self, enabled: bool, language: str, max_length: int) -> None:
        self._enabled = enabled
        self._language = language
        self._max_length = max_length

    def is_due(self, chat: Chat, source: str, now: datetime) -> bool:
        """Whether an answer from this source is the first of a conversation; what is no answer never is."""
        if not self._enabled or source in NOTICES:
            return False
        if chat.disclosed_at is None:
            return True
        if now - chat.disclosed_at < _CONVERSATION:
            return False
        said_at = last_said_at(chat.id)
        return said_at is None or now - said_at >= _CONVERSATION

    def added_to(self, parts: Sequence[str], chat: Chat) -> list[str]:
        """The parts of an answer with the sentence before them: in the first one, where there is room."""
        sentence = texts_for(chat.language or self._language).disclosure
        first = f"{sentence}\n\n{parts[0]}"
        return [first, *parts[1:]] if len(first) <= self._max_length else [sentence, *parts]

    def remember(self, chat: Chat, now: datetime) -> None:
        """Write down that the customer is told."""
        chat.disclosed_at = now
        Chat.update(disclosed_at=now).where(Chat.id == chat.id).execute()
