"""The reply workers: take a chat whose customer fell silent, ask the gate and the brain, store the answer."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wabot import dialogue, gate
from wabot.arrival_rules import is_too_old
from wabot.brain import Answer, Conversation, texts_for
from wabot.chats import find_chat
from wabot.courtesies import Courtesies
from wabot.database_faults import AWAY
from wabot.decisions import Action
from wabot.escalation import Escalation, take_signal
from wabot.history import was_asked_to_repeat, was_told
from wabot.inbox import Inbox
from wabot.messages import Kind
from wabot.models import Chat, Inbound, database, utc_now
from wabot.notices import handed_over_text, is_apology
from wabot.outbox import Outbox
from wabot.pace import paced
from wabot.quiet import Quiet
from wabot.rates import HOUR
from wabot.schedule import ChatSchedule
from wabot.settings import Settings
from wabot.sources import Notice

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
_RETRY_SECONDS = 20.0
_DATABASE_RETRY_SECONDS = 2.0
_MODEL_RETRY_SECONDS = 5.0


class Composer(Protocol):
    """Who composes answers: the brain."""

    def reply(self, conversation: Conversation, now: datetime) -> Answer:
        """Compose the answer to the unanswered messages of a conversation."""


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
    """

    def __init__(
        self,
        settings: Settings,
        inbox: Inbox,
        outbox: Outbox,
        schedule: ChatSchedule,
        brain: Composer,
        courtesies: Courtesies,
        wake_sender: Callable[[], None],
        beat: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._outbox = outbox
        self._escalation = Escalation(settings, outbox, Quiet(inbox, outbox))
        self._schedule = schedule
        self._brain = brain
        self._courtesies = courtesies
        self._wake_sender = wake_sender
        self._beat = beat

    def run(self) -> None:
        """Work until the schedule is closed."""
        while (chat_id := self._schedule.take()) is not None:
            self._beat(self.deadline_seconds)
            try:
                self.answer(chat_id)
            except AWAY as error:
                # After the server cut a connection every query on it fails until it is closed (peewee 4.5).
                database.close()
                log.warning("database: %s; chat %d waits", error, chat_id)
                self._schedule.postpone(chat_id, _DATABASE_RETRY_SECONDS)
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
        """Answer what is pending in a chat, once; or settle it with the reason why not."""
        chat = find_chat(chat_id)
        if chat is None:
            return
        now = utc_now()
        rows = self._fresh(chat, now)
        if not rows:
            return
        burst = dialogue.burst_of(chat, rows, self._settings, now)
        decision = gate.before_answering(burst, self._settings, now)
        language = dialogue.language_of(chat, rows, self._settings.account.language)
        match decision.action:
            case Action.ANSWER:
                self._answer(chat, rows, language)
            case Action.SAY_AWAY:
                text = self._settings.chats.away_text or texts_for(language).away
                if self._put(chat, rows, [text], Notice.AWAY, decision.reason):
                    Chat.update(away_at=now).where(Chat.id == chat_id).execute()
            case Action.ESCALATE:
                self._leave_to_person(chat, rows, [handed_over_text(language)])
            case Action.REST:
                self._escalation.let_rest(chat, decision.reason, now)
                self._wake_sender()
            case _:
                self._inbox.settle([row.id for row in rows], "ignored", decision.reason)
                log.info("chat %d: not answered: %s", chat_id, decision.reason)

    def _fresh(self, chat: Chat, now: datetime) -> list[Inbound]:
        """The messages that somebody still waits for; the others are settled here."""
        fresh = []
        for row in self._inbox.pending(chat.id):
            if is_too_old(row.sent_at, self._settings, now):
                self._inbox.settle([row.id], "ignored", "too old")
                log.info("chat %d: not answered: too old", chat.id)
            elif row.attempts >= MAX_ATTEMPTS:
                self._inbox.settle([row.id], "failed", f"no answer after {row.attempts} attempts")
                log.error("chat %d: message %d was given up after %d attempts", chat.id, row.id, row.attempts)
            else:
                fresh.append(row)
        return fresh

    def _answer(self, chat: Chat, rows: list[Inbound], language: str) -> None:
        """Show that somebody is there, and store what there is to say."""
        lost = [row for row in rows if row.kind == Kind.LOST]
        if lost:
            self._ask_to_repeat(chat, lost, language)
            rows = [row for row in rows if row.kind != Kind.LOST]
        if not rows:
            return
        new = [row for row in rows if row.attempts == 0]
        self._inbox.count_attempt(row.id for row in rows)
        self._attend(chat, new)
        will_speak = False
        try:
            if any(row.text.strip() for row in rows):
                will_speak = self._compose(chat, rows, language)
            elif not was_told(chat.id, Notice.TEXT_ONLY, utc_now() - HOUR):
                text = texts_for(language).text_only
                will_speak = self._put(chat, rows, [text], Notice.TEXT_ONLY, "nothing to read")
            else:
                self._inbox.settle([row.id for row in rows], "ignored", "nothing to read, told already")
                log.info("chat %d: not answered: nothing to read, told already", chat.id)
        finally:
            if not will_speak:
                self._courtesies.end_typing(chat.jid)

    def _ask_to_repeat(self, chat: Chat, lost: list[Inbound], language: str) -> None:
        """These came, and nobody will ever read them: ask for them, once until the customer writes again."""
        now = utc_now()
        if was_asked_to_repeat(chat.id, now - HOUR):
            self._inbox.settle([row.id for row in lost], "ignored", "lost; asked to repeat already")
            return
        text = texts_for(language).ask_to_repeat
        if self._outbox.put(chat.id, [(text, now)], Notice.ASK_TO_REPEAT, lost, now):
            self._wake_sender()
        log.info("chat %d: %d message(s) were lost; the customer is asked to repeat", chat.id, len(lost))

    def _compose(self, chat: Chat, rows: list[Inbound], language: str) -> bool:
        """Ask the brain; whether there is something to send."""
        conversation = dialogue.conversation_of(chat, rows, language, self._settings, utc_now())
        answer = self._brain.reply(conversation, dialogue.local_time(self._settings))
        if self._settings.ai.providers and is_apology(answer.parts):
            self._keep_question(chat, rows, answer.parts[0])
            return False
        parts, wants_person = take_signal(answer.parts)
        if wants_person:
            return self._leave_to_person(chat, rows, parts or [handed_over_text(language)])
        return self._put(chat, rows, parts, answer.source)

    def _keep_question(self, chat: Chat, rows: list[Inbound], apology: str) -> None:
        """No model answers: say so once an hour, and ask again while the question is fresh."""
        now = utc_now()
        if not was_told(chat.id, Notice.APOLOGY, now - HOUR):
            self._outbox.notify(chat.id, apology, Notice.APOLOGY, now)
            self._wake_sender()
        self._inbox.keep_for_later(row.id for row in rows)
        self._schedule.postpone(chat.id, _MODEL_RETRY_SECONDS)
        log.info("chat %d: no model answers; %d message(s) are kept", chat.id, len(rows))

    def _leave_to_person(self, chat: Chat, rows: list[Inbound], parts: Sequence[str]) -> bool:
        """Leave the chat to a person; whether there is something to send."""
        if not self._escalation.leave_to_person(chat, rows, parts, utc_now()):
            self._schedule.postpone(chat.id, 0)
            return False
        self._wake_sender()
        return True

    def _attend(self, chat: Chat, rows: list[Inbound]) -> None:
        """Show that messages were seen, and that somebody is writing."""
        for sender, seen in itertools.groupby(rows, key=lambda row: row.sender):
            self._courtesies.mark_read(chat.jid, sender, [row.message_id for row in seen])
        if rows and self._settings.replies.typing:
            until = utc_now() + timedelta(seconds=self.deadline_seconds)
            self._courtesies.begin_typing(chat.jid, until)

    def _put(
        self, chat: Chat, rows: list[Inbound], parts: Sequence[str], source: str, reason: str = ""
    ) -> bool:
        """Store an answer; whether there is something to send."""
        now = utc_now()
        timed = paced(parts, rows[-1].received_at, now, self._settings.replies)
        if not self._outbox.put(chat.id, timed, source, rows, now):
            log.info("chat %d: the messages changed while they were answered", chat.id)
            self._schedule.postpone(chat.id, 0)
            return False
        because = f" ({reason})" if reason else ""
        log.info(
            "chat %d: %d message(s) answered by %s%s in %d part(s)",
            chat.id,
            len(rows),
            source,
            because,
            len(parts),
        )
        if not parts:
            return False
        self._wake_sender()
        if self._settings.replies.typing:
            self._courtesies.begin_typing(chat.jid, timed[-1][1])
        return True


def start_workers(workers: list[ReplyWorker]) -> list[threading.Thread]:
    """Give each worker its named thread."""
    threads = [
        threading.Thread(target=worker.run, name=f"reply-{number}", daemon=True)
        for number, worker in enumerate(workers, start=1)
    ]
    for thread in threads:
        thread.start()
    return threads
