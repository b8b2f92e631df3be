"""Composes answers: given a conversation, the text parts to send."""

from __future__ import annotations

from wabot.brain.brain import Answer, Brain, BrainSettings
from wabot.brain.budget import BudgetSpent, Reservation
from wabot.brain.completion import Usage
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.knowledge import Passage
from wabot.brain.language import detect_language
from wabot.brain.provider import ProviderSettings
from wabot.brain.tally import Tally
from wabot.brain.texts import LANGUAGES, Texts, texts_for

__all__ = [
    "LANGUAGES",
    "Answer",
    "Brain",
    "BrainSettings",
    "BudgetSpent",
    "Conversation",
    "Passage",
    "ProviderSettings",
    "Reservation",
    "Tally",
    "Texts",
    "Turn",
    "Usage",
    "detect_language",
    "texts_for",
]
