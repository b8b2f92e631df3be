"""The reply workers: take a chat whose customer fell silent, and ask the gate what becomes of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import datetime

from wabot.answers.answering import DATABASE_RETRY_SECONDS, Answering
from wabot.answers.context import Composer, Consultation, burst_of, language_of
from wabot.answers.disclosure import Disclosure
from wabot.answers.escalation import Escalation
from wabot.brain.providers.budget import BudgetUnknown
from wabot.brain.providers.counts import ChatCallCounts
from wabot.brain.texts import texts_for
from wabot.clock import utc_now
from wabot.config.settings import Settings
from wabot.conversation import gate
from wabot.conversation.chats import chat_with_id, named
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.conversation.gate import Rules, Verdict, is_too_old
from wabot.conversation.inbox import MOST_AT_ONCE, Inbox
from wabot.conversation.notices import Notice, Unanswered
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses
from wabot.conversation.schedule import ChatSchedule
from wabot.database.errors import AWAY
from wabot.database.lent_connections import rest
from wabot.database.models import Chat, Inbound, database
from wabot.database.states import InboundState, Reason
from wabot.database.tables import suspect
from wabot.database.workers import note_away
from wabot.media.directory import MediaDirectory
from wabot.outbound.chat_presence import ChatPresence
from wabot.system.threads import Pulse
from wabot.whatsapp.messages import MessageKind

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 6
"""A process that is killed again and again takes attempts along that are no fault of the message."""
SPOILT_SECONDS = 120.0
"""How long a message that could not be decrypted is waited for; it comes within seconds, if it does."""
_RETRY_SECONDS = 20.0


class ReplyWorker:
    """Answers one chat at a time; several workers share one schedule.

    Args:
        rules: of the gate.
        account_language: in which a customer is answered whose own is not known.
        inbox: where messages come from.
        files: that came with them.
        schedule: says which chat is due.
        answering: answers what the gate lets through.
        calls: how often models were asked for each chat.
        pulse: of this worker's thread; its usual seconds are what an answer may take.
    """

    def __init__(
        self,
        rules: Rules,
        account_language: str,
        inbox: Inbox,
        files: ReceivedFiles,
        schedule: ChatSchedule,
        answering: Answering,
        calls: ChatCallCounts,
        pulse: Pulse,
    ) -> None:
        self._rules = rules
        self._account_language = account_language
        self._inbox = inbox
        self._files = files
        self._schedule = schedule
        self._answering = answering
        self._calls = calls
        self._pulse = pulse
        self._chat: Chat | None = None

    def run(self) -> None:
        """Work until the schedule is closed."""
        while (chat_id := self._schedule.take()) is not None:
            self._pulse.busy()
            try:
                self.answer(chat_id)
            except (*AWAY, BudgetUnknown) as error:
                note_away(error, f"{self._who(chat_id)} waits")
                self._schedule.postpone(chat_id, DATABASE_RETRY_SECONDS)
            except Exception as error:
                suspect(error)
                log.exception("%s: the answer failed", self._who(chat_id))
                self._schedule.postpone(chat_id, _RETRY_SECONDS)
            finally:
                self._schedule.done(chat_id)
                self._pulse.idle()
                rest()
        database.close()

    def _who(self, chat_id: int) -> str:
        """The chat for the journal, also while the database does not say whose it is."""
        chat = self._chat
        return named(chat) if chat is not None and chat.id == chat_id else f"chat {chat_id}"

    def answer(self, chat_id: int) -> None:
        """Answer what is pending in a chat, once; or settle it with the reason why not.

        Where more is pending than is answered at once, the rest follows.
        """
        self._chat = chat = chat_with_id(chat_id)
        if chat is None:
            return
        pending = self._inbox.pending(chat_id)
        self._answer(chat, pending)
        if len(pending) == MOST_AT_ONCE:
            left = self._inbox.pending(chat_id, limit=1)
            # Those that are kept for a later attempt are still the first, and their time is set.
            if left and left[0].id != pending[0].id:
                self._schedule.postpone(chat_id, 0)

    def _answer(self, chat: Chat, pending: list[Inbound]) -> None:
        now = utc_now()
        if (seconds := self._files.seconds_to_wait(pending, now)) > 0:
            # What came after a voice note is answered together with it.
            self._schedule.look_again(chat.id, seconds)
            return
        rows = self._fresh(chat, pending, now)
        if not rows:
            return
        calls = self._calls.within_hour(str(chat.id))
        burst = burst_of(chat, rows, self._rules.chats, now, calls)
        decision = gate.before_answering(burst, self._rules, now)
        language = language_of(chat, rows, self._account_language)
        match decision.action:
            case Verdict.ANSWER:
                self._answering.answer(chat, rows, language, self._pulse)
            case Verdict.SAY_AWAY:
                text = self._rules.chats.away_text or texts_for(language).away
                put = self._answering.put_and_tell
                if put(chat, rows, [text], Notice.AWAY, decision.reason, Unanswered.CLOSED):
                    Chat.update(away_at=now).where(Chat.id == chat.id).execute()
            case Verdict.ESCALATE:
                self._answering.leave_to_person(chat, rows, [texts_for(language).handed_over])
            case Verdict.REST:
                self._answering.escalation.let_rest(chat, decision.reason, now)
            case _:
                self._inbox.settle([row.id for row in rows], InboundState.IGNORED, decision.reason)
                log.info("%s: not answered: %s", named(chat), decision.reason)

    def _fresh(self, chat: Chat, pending: list[Inbound], now: datetime) -> list[Inbound]:
        """Settle what nobody waits for any more; returns the messages that somebody still does wait for."""
        fresh, given_up, missed = [], [], []
        for row in pending:
            if (seconds := _seconds_to_come(row, now)) > 0:
                self._schedule.look_again(chat.id, seconds)
            elif is_too_old(row.sent_at, self._rules.max_age_seconds, now):
                missed.append(row)
            elif row.attempts >= MAX_ATTEMPTS:
                given_up.append(row)
            else:
                fresh.append(row)
        if missed:
            self._answering.escalation.leave_messages(
                chat, missed, InboundState.IGNORED, Reason.TOO_OLD, Unanswered.TOO_OLD
            )
            log.info("%s: not answered: %s", named(chat), Reason.TOO_OLD)
        if given_up:
            # Nobody but the owner can answer what ended each attempt to.
            reason = f"no answer after {MAX_ATTEMPTS} attempts"
            self._answering.escalation.leave_messages(
                chat, given_up, InboundState.FAILED, reason, Unanswered.NOT_KNOWN
            )
            for row in given_up:
                log.error("%s: message %d was given up after %d attempts", named(chat), row.id, row.attempts)
        return fresh


def _seconds_to_come(row: Inbound, now: datetime) -> float:
    """For how long a message that could not be decrypted may still come again: the library asks for it."""
    if row.kind != MessageKind.SPOILT:
        return 0.0
    waited_seconds = (now - row.received_at).total_seconds()
    # A clock that was set back meanwhile prolongs nothing beyond once more.
    return SPOILT_SECONDS - max(waited_seconds, 0.0)


def make_workers(
    settings: Settings,
    inbox: Inbox,
    outbox: Outbox,
    schedule: ChatSchedule,
    brain: Composer,
    presence: ChatPresence,
    pulses: Iterable[Pulse],
    calls: ChatCallCounts | None = None,
    files: ReceivedFiles | None = None,
) -> list[ReplyWorker]:
    """Make workers that share everything but their thread.

    Args:
        settings: the configuration.
        inbox, outbox: where messages come from and answers go.
        schedule: says which chat is due.
        brain: composes the answers.
        presence: shows "seen" and "typing…".
        pulses: one for each worker.
        calls: how often models were asked for each chat.
        files: that came with messages.
    """
    account, replies, chats = settings.account, settings.replies, settings.chats
    owner_chat = OwnerChat(account, outbox)
    escalation = Escalation(chats.handover_pause_seconds, inbox, outbox, Pauses(inbox, outbox), owner_chat)
    media = MediaDirectory(settings.media_directory)
    consultation = Consultation(account, settings.ai, brain, media)
    disclosure = Disclosure(settings.ai.disclosure, account.language, replies.max_length)
    answering = Answering(
        replies,
        inbox,
        outbox,
        escalation,
        schedule,
        consultation,
        presence,
        disclosure,
    )
    rules = Rules.of(account, settings.ai, replies, chats)
    calls = calls or ChatCallCounts()
    files = files or ReceivedFiles(account.user_id)
    return [
        ReplyWorker(rules, account.language, inbox, files, schedule, answering, calls, pulse)
        for pulse in pulses
    ]


def start_workers(workers: list[ReplyWorker]) -> list[threading.Thread]:
    """Give each worker its named thread."""
    threads = [
        threading.Thread(target=worker.run, name=f"reply-{number}", daemon=True)
        for number, worker in enumerate(workers, start=1)
    ]
    for thread in threads:
        thread.start()
    return threads
