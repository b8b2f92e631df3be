"""Composes answers: given a conversation, the text parts to send."""

from __future__ import annotations

from wabot.brain.brain import Answer, Brain, BrainSettings
from wabot.brain.completion import Usage
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.knowledge import Passage
from wabot.brain.language import detect_language
from wabot.brain.provider import ProviderSettings
from wabot.brain.texts import LANGUAGES, Texts, texts_for

__all__ = [
    "LANGUAGES",
    "Answer",
    "Brain",
    "BrainSettings",
    "Conversation",
    "Passage",
    "ProviderSettings",
    "Texts",
    "Turn",
    "Usage",
    "detect_language",
    "texts_for",
]
