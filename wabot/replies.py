"""The reply workers: take a chat whose customer fell silent, ask the brain, store the answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import peewee

from wabot.brain import Answer, Brain, Conversation, Turn, detect_language, texts_for
from wabot.gate import Candidate, objection
from wabot.inbox import Inbox
from wabot.messages import Kind
from wabot.models import Chat, Inbound, database, utc_now
from wabot.outbox import Outbox
from wabot.schedule import ChatSchedule
from wabot.settings import Settings

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
_RETRY_SECONDS = 20.0
_LONGEST_TYPING_SECONDS = 20.0


class Courtesies(Protocol):
    """Who shows the customer that the message was seen and is being answered."""

    def attend(self, jid: str, sender: str, message_ids: list[str]) -> None:
        """Mark as read and show "typing…", as soon as the link allows."""


class ReplyWorker:
    """Answers one chat at a time; several workers share one schedule.

    Args:
        settings: the configuration.
        inbox, outbox: where messages come from and answers go.
        schedule: says which chat is due.
        brain: composes the answer.
        courtesies: shows "seen" and "typing…".
        wake_sender: called when an answer was stored.
        beat: called with the seconds this worker may now take, and with 0 when it is idle.
        own_ids: user parts of the account's own JIDs, to know when it is mentioned.
    """

    def __init__(
        self,
        settings: Settings,
        inbox: Inbox,
        outbox: Outbox,
        schedule: ChatSchedule,
        brain: Brain,
        courtesies: Courtesies,
        wake_sender: Callable[[], None],
        beat: Callable[[float], None],
        own_ids: Callable[[], frozenset[str]],
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._outbox = outbox
        self._schedule = schedule
        self._brain = brain
        self._courtesies = courtesies
        self._wake_sender = wake_sender
        self._beat = beat
        self._own_ids = own_ids

    def run(self) -> None:
        """Work until the schedule is closed."""
        while (chat_id := self._schedule.take()) is not None:
            self._beat(self.deadline_seconds)
            try:
                self.answer(chat_id)
            except (peewee.OperationalError, peewee.InterfaceError) as error:
                # After the server cut a connection every query on it fails until it is closed (peewee 4.5).
                database.close()
                log.warning("database: %s; chat %d waits", error, chat_id)
                self._schedule.postpone(chat_id, _RETRY_SECONDS)
            except Exception:
                log.exception("chat %d: the answer failed", chat_id)
                self._schedule.postpone(chat_id, _RETRY_SECONDS)
            finally:
                self._schedule.done(chat_id)
                self._beat(0)
        database.close()

    @property
    def deadline_seconds(self) -> float:
        """How long one answer may take before the worker counts as stuck."""
        return 60 + sum(2 * provider.timeout_seconds for provider in self._settings.ai.providers)

    def answer(self, chat_id: int) -> None:
        """Answer what is pending in a chat, once."""
        chat = Chat.get_by_id(chat_id)
        rows = self._admitted(chat, self._inbox.pending(chat_id))
        if not rows:
            return
        ids = [row.id for row in rows]
        self._inbox.count_attempt(ids)
        self._courtesies.attend(chat.jid, rows[-1].sender, [row.message_id for row in rows])
        answer = self._compose(chat, rows)
        now = utc_now()
        parts = self._paced(answer, rows[-1].received_at, now)
        if self._outbox.put(chat_id, parts, answer.source, ids, now) and parts:
            self._wake_sender()
        log.info(
            "chat %d: %d message(s) answered by %s in %d part(s)",
            chat_id,
            len(rows),
            answer.source,
            len(parts),
        )

    def _admitted(self, chat: Chat, rows: list[Inbound]) -> list[Inbound]:
        """The messages to answer; the others are settled here, each with its reason."""
        now = utc_now()
        admitted = []
        for row in rows:
            candidate = Candidate(
                jid=row.jid,
                phone=chat.phone,
                lid=chat.lid,
                kind=row.kind,
                text=row.text,
                sent_at=row.sent_at,
                mentions_account=bool(self._own_ids() & set(row.mentions.split())),
            )
            reason = objection(candidate, self._settings, now)
            if not reason and row.attempts >= MAX_ATTEMPTS:
                self._inbox.settle([row.id], "failed", f"no answer after {row.attempts} attempts")
                log.error("chat %d: message %d was given up after %d attempts", chat.id, row.id, row.attempts)
            elif reason:
                self._inbox.settle([row.id], "ignored", reason)
                log.info("chat %d: not answered: %s", chat.id, reason)
            else:
                admitted.append(row)
        return admitted

    def _compose(self, chat: Chat, rows: list[Inbound]) -> Answer:
        said = [row for row in rows if row.text.strip()]
        language = chat.language or self._settings.account.language
        if said:
            heard = detect_language("\n".join(row.text for row in said), default=language)
            if heard != chat.language:
                Chat.update(language=heard).where(Chat.id == chat.id).execute()
            language = heard
        if not said:
            return Answer((texts_for(language).text_only,), "polite")
        now = utc_now()
        since = self._inbox.horizon(now, self._settings.ai.history_max_age)
        history = self._inbox.history(chat.id, rows[0].id, since, self._settings.ai.history_messages)
        turns = [Turn("assistant" if role == "assistant" else "user", text, at) for at, role, text in history]
        turns += [Turn("user", _with_context(row), row.received_at) for row in said]
        return self._brain.reply(Conversation(tuple(turns), language, chat.name), now)

    def _paced(self, answer: Answer, arrived_at: datetime, now: datetime) -> list[tuple[str, datetime]]:
        """Give each part its time to leave: a human pace, counted from the customer's message."""
        if not self._settings.replies.typing:
            return [(part, now) for part in answer.parts]
        paced = []
        at = arrived_at
        for part in answer.parts:
            typing_seconds = min(len(part) * self._settings.replies.time_per_char, _LONGEST_TYPING_SECONDS)
            at += timedelta(seconds=self._settings.replies.delay_message + typing_seconds)
            at = max(at, now)
            paced.append((part, at))
        return paced


def start_workers(workers: list[ReplyWorker]) -> list[threading.Thread]:
    """Give each worker its named thread."""
    threads = [
        threading.Thread(target=worker.run, name=f"reply-{number}", daemon=True)
        for number, worker in enumerate(workers, start=1)
    ]
    for thread in threads:
        thread.start()
    return threads


def _with_context(row: Inbound) -> str:
    """The text as the model should read it: with what it quotes, and with the kind of a caption's message."""
    text = str(row.text)
    if row.kind != Kind.TEXT:
        text = f"[{row.kind}] {text}"
    if row.quoted_text:
        text = f"> {row.quoted_text[:300]}\n{text}"
    return text
