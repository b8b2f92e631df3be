"""Gives a chat its answer: shows that somebody is there, asks the brain, stores what there is to say."""

from __future__ import annotations

import functools
import itertools
import logging
import time
from collections.abc import Callable, Sequence

from wabot.answers.context import Consultation
from wabot.answers.disclosure import Disclosure
from wabot.answers.escalation import Escalation
from wabot.answers.files import (
    Missed,
    are_gone,
    files_of,
    missed_by,
    says_something,
    were_not_heard,
    what_came,
    without_unseen,
)
from wabot.answers.payments import may_be_proofs, to_pass_on
from wabot.brain.brain import Answer
from wabot.brain.knowledge.linked_files import LinkedFile
from wabot.brain.output.control_words import CHECK_PAYMENT, HAND_OVER, TELL_TEAM
from wabot.brain.providers.budget import BudgetUnknown
from wabot.brain.texts import texts_for
from wabot.clock import HOUR, utc_now
from wabot.config.settings import ReplySettings
from wabot.conversation.chats import named
from wabot.conversation.ends import Arrival, what_is
from wabot.conversation.files.file_words import Files
from wabot.conversation.files.received_files import PASSED_ON_KINDS, let_go_of
from wabot.conversation.gate import is_too_old
from wabot.conversation.history import was_asked_to_repeat, was_told
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice, Unanswered, is_apology
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.schedule import ChatSchedule
from wabot.database.errors import AWAY
from wabot.database.models import Chat, Inbound, database
from wabot.database.states import InboundState, Reason
from wabot.database.workers import note_away
from wabot.outbound.chat_presence import ChatPresence
from wabot.outbound.pacing import paced
from wabot.system.threads import Pulse
from wabot.whatsapp.messages import NOT_RECEIVED_KINDS, MessageKind

log = logging.getLogger(__name__)

DATABASE_RETRY_SECONDS = 2.0
_MODEL_RETRY_SECONDS, _LONGEST_MODEL_RETRY_SECONDS = 5.0, 60.0


class Answering:
    """Answers what the gate lets through; for any number of workers at once.

    Args:
        replies: how answers are made.
        inbox, outbox: where messages come from and answers go.
        escalation: leaves a chat to a person, also where nothing is answered.
        schedule: told which chat is to be looked at again.
        consultation: asks the brain.
        presence: shows "seen" and "typing…".
        disclosure: says that an assistant answers.
    """

    def __init__(
        self,
        replies: ReplySettings,
        inbox: Inbox,
        outbox: Outbox,
        escalation: Escalation,
        schedule: ChatSchedule,
        consultation: Consultation,
        presence: ChatPresence,
        disclosure: Disclosure,
    ) -> None:
        self._replies = replies
        self._inbox = inbox
        self._outbox = outbox
        self.escalation = escalation
        self._schedule = schedule
        self._consultation = consultation
        self._presence = presence
        self._disclosure = disclosure
        self._began_at = utc_now()

    def answer(self, chat: Chat, rows: list[Inbound], language: str, pulse: Pulse) -> None:
        """Show that somebody is there, and store what there is to say.

        Args:
            chat: the chat.
            rows: the messages to answer, oldest first.
            language: the customer's.
            pulse: of the thread that answers.
        """
        rows = self._without_not_received(chat, rows, language)
        if not rows:
            return
        new = [row for row in rows if row.attempts == 0]
        self._inbox.count_attempt(row.id for row in rows)
        if new and self._replies.typing:
            until = time.monotonic() + self._consultation.longest_seconds
            self._presence.begin_typing(chat.jid, until)
        will_speak = False
        try:
            will_speak = self._say(chat, rows, language, pulse)
        finally:
            if not will_speak:
                self._presence.end_typing(chat.jid)

    def _say(self, chat: Chat, rows: list[Inbound], language: str, pulse: Pulse) -> bool:
        """Store what there is to say, once the database takes it; whether there is something to send.

        One that is full may take the count of attempts and not the answer: asked anew each time, the model
        would be paid for it each time, and after a few attempts the message would be given up.
        """
        ask = functools.cache(lambda: self._consultation.answer_to(chat, rows, files_of(rows), language))
        while True:
            try:
                will_speak = self._answer_what_came(chat, rows, language, ask)
            except (*AWAY, BudgetUnknown) as error:
                note_away(error, f"the answer to {named(chat)} waits")
                if not self._wait_for_database(rows, pulse):
                    raise
            else:
                self._let_go(rows, ask() if ask.cache_info().currsize else None)
                return will_speak

    def _answer_what_came(
        self, chat: Chat, rows: list[Inbound], language: str, ask: Callable[[], Answer]
    ) -> bool:
        """Answer messages by what came with them; `ask` is for those that a brain can answer."""
        files = files_of(rows)
        if may_be_proofs(chat, rows, files, utc_now()):
            return self._leave_payment(chat, rows, files, language)
        if not says_something(rows, files):
            return self._answer_without_words(chat, rows, files, language)
        answer = ask()
        if CHECK_PAYMENT in answer.calls and files:
            return self._leave_payment(chat, rows, files, language, answer)
        if answer.unseen:
            files = without_unseen(files)
            if not says_something(rows, files):
                return self._answer_without_words(chat, rows, files, language)
        with database.atomic():
            will_speak = self._act_on(answer, chat, self._without_unreadable(chat, rows, files), language)
            if will_speak and answer.held_back:
                self._outbox.note_held_back(
                    chat.id, "; ".join(f"{each.kind}: {each.text}" for each in answer.held_back)
                )
        return will_speak

    def _leave_payment(
        self, chat: Chat, rows: list[Inbound], files: Files, language: str, seen: Answer | None = None
    ) -> bool:
        """Say that a person will check it, whatever a model thinks of it, and hand that person what came."""
        names = (file.file_name for file in files.values())
        what = seen.note if seen and seen.note else ", ".join(filter(None, names))
        with database.atomic():
            parts = [texts_for(language).to_check]
            will_speak = self.put(chat, rows, parts, Notice.TO_CHECK, "it may be a proof of payment")
            if will_speak:
                passed_on = to_pass_on(rows, files, utc_now())
                self.escalation.pass_on(chat, Unanswered.PAYMENT, what, passed_on)
        return will_speak

    def _let_go(self, rows: Sequence[Inbound], answer: Answer | None) -> None:
        """Keep of files what was understood, where their messages are answered, and nothing else."""
        numbers = [row.id for row in rows if row.kind in PASSED_ON_KINDS]
        if numbers:
            note, source = (answer.note, answer.source) if answer else ("", "")
            for number in let_go_of(numbers, note, source, utc_now()):
                self._consultation.let_go_of(number)

    def _wait_for_database(self, rows: Sequence[Inbound], pulse: Pulse) -> bool:
        """Wait a moment; whether the answer to these is still wanted then."""
        pulse.busy()
        if self._schedule.closes_within(DATABASE_RETRY_SECONDS):
            return False
        now = utc_now()
        return not any(is_too_old(row.sent_at, self._replies.max_age_seconds, now) for row in rows)

    def _answer_without_words(self, chat: Chat, rows: list[Inbound], files: Files, language: str) -> bool:
        """Answer messages that say nothing here: ask for writing, or say that a person will read them."""
        since = utc_now() - HOUR
        came = {what_came(row, files) for row in rows}
        if Arrival.UNREADABLE in came and not was_told(chat.id, Notice.FOR_PERSON, since):
            parts = [texts_for(language).for_person]
            return self.put_and_tell(
                chat, rows, parts, Notice.FOR_PERSON, "for a person", Unanswered.NOT_READ
            )
        if Arrival.UNREADABLE in came or was_told(chat.id, Notice.TEXT_ONLY, since):
            return self._leave_to_owner(chat, rows, Reason.NOTHING_TO_READ_AGAIN, *missed_by(rows, files))
        texts = texts_for(language)
        part = texts.not_heard if were_not_heard(rows, files) else texts.text_only
        if are_gone(rows, files):
            part = texts.ask_to_repeat
        if came == {Arrival.STICKER}:
            return self.put(chat, rows, [part], Notice.TEXT_ONLY, "nothing to read")
        # Blue ticks would say that somebody has seen or heard it.
        with database.atomic():
            for why, what in missed_by(rows, files):
                self.escalation.tell_unanswered(chat, why, utc_now(), what=what, hourly=True)
            return self.put(chat, rows, [part], Notice.TEXT_ONLY, "nothing to read", sees=False)

    def _without_unreadable(self, chat: Chat, rows: list[Inbound], files: Files) -> list[Inbound]:
        """Leave to the owner what only a person can read, whatever answers the words beside it; the rest."""
        unread = [row for row in rows if what_came(row, files) in (Arrival.UNREADABLE, Arrival.MEDIA)]
        if unread:
            self._leave_to_owner(chat, unread, Reason.ONLY_FOR_PERSON, *missed_by(unread, files))
        return [row for row in rows if row not in unread]

    def _leave_to_owner(self, chat: Chat, rows: list[Inbound], reason: Reason, *missed: Missed) -> bool:
        """Leave messages without an answer, and so without blue ticks; tell the owner, once an hour."""
        with database.atomic():
            self._inbox.settle([row.id for row in rows], InboundState.IGNORED, reason)
            for why, what in missed:
                self.escalation.tell_unanswered(chat, why, utc_now(), what=what, hourly=True)
        log.info("%s: not answered: %s", named(chat), reason)
        return False

    def put(
        self,
        chat: Chat,
        rows: list[Inbound],
        parts: Sequence[str],
        source: str,
        reason: str = "",
        files: Sequence[LinkedFile] = (),
        *,
        sees: bool = True,
    ) -> bool:
        """Store an answer, its files behind its words; whether there is something to send.

        `sees`: with blue ticks once it has left.
        """
        now = utc_now()
        discloses = bool(parts) and self._disclosure.is_due(chat, source, now)
        if discloses:
            parts = self._disclosure.added_to(parts, chat)
        texts = [*parts, *(file.name for file in files)]
        times = paced(texts, rows[-1].received_at, now, self._replies)
        timed = [Part(text, at) for text, at in zip(parts, times, strict=False)]
        timed += [Part.with_file(file, at) for file, at in zip(files, times[len(parts) :], strict=True)]
        if timed and sees:
            self._see_when_answered(chat, rows)
        if not self._outbox.put(chat.id, timed, source, rows, now):
            self._presence.answer_withdrawn(chat.jid)
            log.info("%s: the messages changed while they were answered", named(chat))
            self._schedule.postpone(chat.id, 0)
            return False
        if discloses:
            self._disclosure.remember(chat, now)
        by = f"{source} ({reason})" if reason else source
        log.info("%s: %d message(s) answered by %s in %d part(s)", named(chat), len(rows), by, len(timed))
        if not timed:
            return False
        if self._replies.typing:
            typing_seconds = (times[-1] - now).total_seconds()
            self._presence.begin_typing(chat.jid, time.monotonic() + typing_seconds)
        return True

    def leave_to_person(self, chat: Chat, rows: list[Inbound], parts: Sequence[str]) -> bool:
        """Leave the chat to a person; whether there is something to send."""
        self._see_when_answered(chat, rows)
        if not self.escalation.leave_to_person(chat, rows, parts, utc_now()):
            self._presence.answer_withdrawn(chat.jid)
            self._schedule.postpone(chat.id, 0)
            return False
        return True

    def _without_not_received(self, chat: Chat, rows: list[Inbound], language: str) -> list[Inbound]:
        """Say what there is to say of messages that will not come any more; returns the others."""
        lost = [row for row in rows if what_is(row.kind, "") is Arrival.LOST]
        if lost:
            self._ask_to_repeat(chat, lost, language)
        withheld = [row for row in rows if row.kind == MessageKind.WITHHELD]
        if withheld and was_told(chat.id, Notice.CANNOT_OPEN, utc_now() - HOUR):
            self._leave_to_owner(chat, withheld, Reason.CANNOT_OPEN_AGAIN, Missed(Unanswered.NOT_READ))
        elif withheld:
            self.put(chat, withheld, [texts_for(language).cannot_open], Notice.CANNOT_OPEN, "withheld")
        return [row for row in rows if row.kind not in NOT_RECEIVED_KINDS]

    def _ask_to_repeat(self, chat: Chat, lost: list[Inbound], language: str) -> None:
        """Ask for messages that nobody will ever read, to be sent again; once until the customer writes.

        What an earlier process asked for may have been written again, and be what is lost now: each end of a
        process can lose what was under way.
        """
        now = utc_now()
        may_be_repeated = any(row.kind == MessageKind.LOST for row in lost)
        if was_asked_to_repeat(chat.id, now - HOUR, self._began_at if may_be_repeated else None):
            self._inbox.settle([row.id for row in lost], InboundState.IGNORED, Reason.LOST_AGAIN)
            return
        text = texts_for(language).ask_to_repeat
        self._outbox.put(chat.id, [Part(text, now)], Notice.ASK_TO_REPEAT, lost, now)
        log.info("%s: %d message(s) were lost; the customer is asked to repeat", named(chat), len(lost))

    def _act_on(self, answer: Answer, chat: Chat, rows: list[Inbound], language: str) -> bool:
        """Do what the brain said, which may be an answer, an apology or a call for a person."""
        if is_apology(answer.parts):
            if not self._consultation.has_models or answer.refused or answer.held_back:
                return self._pass_on(chat, rows, answer.parts[0])
            self._keep_question(chat, rows, answer.parts[0])
            return False
        if answer.source == "knowledge" and self._consultation.has_models:
            rows = self._without_kept(chat, rows)
        parts = answer.parts
        if HAND_OVER in answer.calls:
            return self.leave_to_person(chat, rows, parts or [texts_for(language).handed_over])
        if answer.calls & {TELL_TEAM, CHECK_PAYMENT}:
            parts = parts or (texts_for(language).cannot_answer,)
            return self.put_and_tell(chat, rows, parts, answer.source, files=answer.files)
        return self.put(chat, rows, parts, answer.source, files=answer.files)

    def _pass_on(self, chat: Chat, rows: list[Inbound], apology: str) -> bool:
        """Say that nobody but a person knows, to the customer and to the owner, once an hour."""
        now = utc_now()
        if was_told(chat.id, Notice.APOLOGY, now - HOUR):
            return self._leave_to_owner(chat, rows, Reason.NOT_KNOWN_AGAIN, Missed(Unanswered.GOES_ON))
        return self.put_and_tell(chat, rows, [apology], Notice.APOLOGY, "not known")

    def put_and_tell(
        self,
        chat: Chat,
        rows: list[Inbound],
        parts: Sequence[str],
        source: str,
        reason: str = "",
        why: Unanswered = Unanswered.NOT_KNOWN,
        files: Sequence[LinkedFile] = (),
    ) -> bool:
        """Store what says that a person will answer, and let that person know, or neither."""
        with database.atomic():
            will_speak = self.put(chat, rows, parts, source, reason, files)
            if will_speak:
                self.escalation.tell_unanswered(chat, why, utc_now())
        return will_speak

    def _keep_question(self, chat: Chat, rows: list[Inbound], apology: str) -> None:
        """Keep a question that no model answers; say so once an hour, and ask again while it is fresh."""
        now = utc_now()
        if not was_told(chat.id, Notice.APOLOGY, now - HOUR):
            with database.atomic():
                self._outbox.notify(chat.id, apology, Notice.APOLOGY, now)
                self.escalation.tell_unanswered(chat, Unanswered.NO_MODEL, now)
        self._inbox.keep_for_later(row.id for row in rows)
        # The longer it waits already, the less a moment more matters.
        waited_seconds = (now - rows[0].received_at).total_seconds()
        pause_seconds = min(max(_MODEL_RETRY_SECONDS, waited_seconds / 2), _LONGEST_MODEL_RETRY_SECONDS)
        self._schedule.postpone(chat.id, pause_seconds)
        log.info("%s: no model answers; %d message(s) are kept", named(chat), len(rows))

    def _without_kept(self, chat: Chat, rows: list[Inbound]) -> list[Inbound]:
        """The messages that the knowledge base may answer: a question kept for a model goes on waiting."""
        # An attempt may have broken off as well; whose question was kept has had an apology.
        apologized = was_told(chat.id, Notice.APOLOGY, utc_now() - HOUR)
        kept = [row for row in rows if row.attempts and apologized]
        if not kept or len(kept) == len(rows):
            return rows
        self._inbox.keep_for_later(row.id for row in kept)
        self._schedule.postpone(chat.id, _MODEL_RETRY_SECONDS)
        return [row for row in rows if row not in kept]

    def _see_when_answered(self, chat: Chat, rows: Sequence[Inbound]) -> None:
        """Ask for blue ticks once the answer has left; before it is stored, because it may leave at once."""
        for sender, seen in itertools.groupby(rows, key=lambda row: row.sender):
            self._presence.mark_read_when_answered(chat.jid, sender, [row.message_id for row in seen])
