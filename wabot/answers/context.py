"""Turns the rows of a chat into what the gate looks at, and into what the brain is asked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from wabot.answers.files import documents_in, pictures_in
from wabot.brain.brain import Answer
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.language import detect_language
from wabot.clock import HOUR, utc_now
from wabot.config.settings import AccountSettings, AiSettings, ChatSettings
from wabot.conversation import history
from wabot.conversation.files.file_words import Files, in_words, mark_of
from wabot.conversation.gate import Burst
from wabot.conversation.pauses import pause_reason
from wabot.database.lent_connections import rest
from wabot.database.models import Chat, Inbound, ReceivedFile
from wabot.media.directory import MediaDirectory
from wabot.whatsapp.messages import FILE_KINDS, MessageKind, words_of

_LONGEST_QUOTE_CHARACTERS = 300


class Composer(Protocol):
    """Who composes answers: the brain."""

    def reply(self, conversation: Conversation, now: datetime) -> Answer:
        """Compose the answer to the unanswered messages of a conversation."""


class Consultation:
    """Asks the brain about messages of a chat, with what was said there before.

    Args:
        account: whose chats they are.
        ai: how much of the past a model is shown, and whether there is one.
        brain: composes the answer.
        media: where pictures lie until they are answered.

    Attributes:
        has_models: whether there is a model to be asked.
        longest_seconds: how long one answer may take.
    """

    def __init__(
        self, account: AccountSettings, ai: AiSettings, brain: Composer, media: MediaDirectory
    ) -> None:
        self._account = account
        self._ai = ai
        self._brain = brain
        self._media = media
        self.has_models = bool(ai.providers)
        self.longest_seconds = ai.longest_answer_seconds

    def answer_to(self, chat: Chat, rows: Sequence[Inbound], files: Files, language: str) -> Answer:
        """What the brain says to these messages of a chat, oldest first, and to the files with them."""
        conversation = conversation_of(chat, rows, files, self._media, language, self._ai, utc_now())
        # A model takes seconds.
        rest()
        return self._brain.reply(conversation, self._account.local_time())

    def let_go_of(self, number: int) -> None:
        """Delete a file that has been looked at; the number is that of its row."""
        self._media.drop(number)


def burst_of(
    chat: Chat, rows: Sequence[Inbound], chats: ChatSettings, now: datetime, calls: int = 0
) -> Burst:
    """What the gate looks at before it lets messages be answered.

    Args:
        chat: the chat.
        rows: its messages, oldest first.
        chats: whom the bot answers.
        now: naive UTC.
        calls: of models for this chat within the last hour.
    """
    answers = repetitions = 0
    if chats.loop_ceiling:
        limit = max(chats.loop_ceiling, chats.loop_repetitions)
        answers, repetitions = history.answers_since(chat.id, rows[-1].text, now - HOUR, limit)
    return Burst(
        texts=tuple(words_of(row.kind, row.text) for row in rows),
        opted_out=chat.opted_out_at is not None,
        pause=pause_reason(chat, now),
        last_answer_at=history.last_said_at(chat.id) if chats.trigger_type != "all" else None,
        answers=answers,
        repetitions=repetitions,
        calls=calls,
        away_at=chat.away_at,
    )


def conversation_of(
    chat: Chat,
    rows: Sequence[Inbound],
    files: Files,
    media: MediaDirectory,
    language: str,
    ai: AiSettings,
    now: datetime,
) -> Conversation:
    """What the brain is asked: the history of the chat, then each message as a turn of its own.

    Args:
        chat: the chat.
        rows: the messages to answer, oldest first.
        files: that came with them.
        media: where pictures lie.
        language: the customer's.
        ai: how much of the past a model is shown, and whether there is one.
        now: naive UTC.
    """
    since = history.horizon(now, ai.history_max_age_seconds)
    # The knowledge base looks at what is asked now, and never at what was said.
    past = (
        history.past_of(chat.id, rows[-1].id, since, ai.history_messages) if ai.providers else history.NOTHING
    )
    turns = [Turn("assistant" if role == "assistant" else "user", text, at) for at, role, text in past.turns]
    reactions = [f"[{emoji}] {_quoted(text)}".rstrip() for emoji, text in past.reactions]
    for row in rows:
        file = files.get(row.id)
        pictures, documents = pictures_in(file, media), documents_in(file)
        if row.text.strip() or pictures or documents:
            said, mark = _with_context(row, file)
            text = "\n".join([*reactions, said])
            turns.append(Turn("user", text, row.received_at, pictures, documents, mark))
            reactions = []
    return Conversation(tuple(turns), language, chat.name, str(chat.id))


def language_of(chat: Chat, rows: Sequence[Inbound], default: str) -> str:
    """The language to answer in; remembered in the chat, for when the customer sends no words."""
    language = str(chat.language or default)
    said = "\n".join(filter(str.strip, (words_of(row.kind, row.text) for row in rows)))
    if not said:
        return language
    heard = detect_language(said, default=language)
    if heard != chat.language:
        chat.language = heard
        Chat.update(language=heard).where(Chat.id == chat.id).execute()
    return heard


def _with_context(row: Inbound, file: ReceivedFile | None) -> tuple[str, str]:
    """The text as the model should read it, with what it quotes; and apart from it what a file is called.

    Of what is no text there stands at least its kind.
    """
    text, mark = str(row.text), ""
    if row.kind in FILE_KINDS and text.strip():
        mark = mark_of(row.kind, text, file)
    elif row.kind in FILE_KINDS:
        text = in_words(row.kind, text, file)
    elif row.kind not in (MessageKind.TEXT, MessageKind.OTHER):
        text = f"[{row.kind}] {text}"
    return (f"{_quoted(row.quoted_text)}\n{text}" if row.quoted_text else text), mark


def _quoted(text: str) -> str:
    """Each line of it marked: a quote must not pass for what the customer says now."""
    return textwrap.indent(text[:_LONGEST_QUOTE_CHARACTERS], "> ", lambda _line: True)
