"""Carries out what the gate decided about a message that is stored, and what an edit or a deletion changes.

What cannot wait is whatever takes a reply back that is being composed or about to leave: the owner writes,
the customer opts out, or changes the question.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from wabot.brain.language import detect_language
from wabot.brain.texts import texts_for
from wabot.clock import HOUR
from wabot.config.phrases import has_phrase
from wabot.config.settings import AccountSettings, ChatSettings
from wabot.conversation import history
from wabot.conversation.gate import Decision, Verdict
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice, Unanswered, opted_out_text
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses, pause_reason, paused_chats
from wabot.database.models import Chat, Inbound, database
from wabot.database.states import InboundState, PauseReason, Reason
from wabot.system.masking import mask_phone
from wabot.whatsapp.messages import IncomingMessage, MessageKind

log = logging.getLogger(__name__)

CHANGES = (MessageKind.EDIT, MessageKind.REVOKE)
"""Messages that change another one."""


class ShownPresence(Protocol):
    """What shows customers that an answer is under way."""

    def answer_withdrawn(self, jid: str) -> None:
        """Show in this chat that no answer will come."""


class Consequences:
    """What follows from one account's messages, in the transaction that stores them.

    Args:
        account: whose they are.
        chats: the words that decide, and how long the owner has a chat to themselves.
        inbox, outbox: where messages are kept and replies wait.
        pauses: pauses chats, and ends writing to customers.
        owner_chat: where the owner is told.
        presence: told which chats get no answer after all; None: nobody shows anything.
    """

    def __init__(
        self,
        account: AccountSettings,
        chats: ChatSettings,
        inbox: Inbox,
        outbox: Outbox,
        pauses: Pauses,
        owner_chat: OwnerChat,
        presence: ShownPresence | None = None,
    ) -> None:
        self._account = account
        self._chats = chats
        self._inbox = inbox
        self._outbox = outbox
        self._pauses = pauses
        self._owner_chat = owner_chat
        self._presence = presence

    def carry_out(self, decision: Decision, message: IncomingMessage, chat: Chat, now: datetime) -> bool:
        """Do what was decided about a message, unless that is to answer it.

        Args:
            decision: the gate's.
            message: the message; it is stored.
            chat: its chat, which says afterwards what its row says.
            now: naive UTC.

        Returns:
            Whether the chat has something to answer, because the message changed another one.
        """
        changed = message.kind in CHANGES and decision.keeps_text and self.change(message, chat, now)
        match decision.action:
            case Verdict.MISSED:
                self._tell_missed(chat, now)
            case Verdict.HAND_OVER:
                self._hand_over(message, chat, now)
            case Verdict.PAUSE:
                self._pauses.pause(chat, PauseReason.COMMAND, None)
                self._owner_chat.tell_about([chat], now, message.sender)
            case Verdict.RESUME:
                self._pauses.resume(chat)
                self._owner_chat.tell_about([chat], now, message.sender)
            case Verdict.TELL_STATUS:
                self._owner_chat.tell_about([chat], now, message.sender)
            case Verdict.TELL_PAUSED:
                self._owner_chat.tell_about(paused_chats(self._account.user_id, now), now, message.sender)
            case Verdict.OPT_OUT:
                self._pauses.opt_out(chat, now)
                text = opted_out_text(message.text, self._chats, self._language(message, chat))
                self._outbox.notify(chat.id, text, Notice.OPTED_OUT, now)
            case Verdict.OPT_IN:
                self._pauses.opt_in(chat)
                text = texts_for(self._language(message, chat)).opted_in
                self._outbox.notify(chat.id, text, Notice.OPTED_IN, now)
        database.after_commit(lambda: self._tell_others(decision, message, chat.id))
        return changed

    def change(self, message: IncomingMessage, chat: Chat, now: datetime) -> bool:
        """Carry out an edit or a deletion; whether something is to be answered anew.

        Args:
            message: says which message it changes.
            chat: its chat.
            now: naive UTC.
        """
        row = self._inbox.amend(message, chat.id)
        if row is None:
            return False
        was_answered = row.state == InboundState.ANSWERED
        if was_answered and row.reply is not None and self._outbox.recall(row.reply):
            who = name_of(message, chat.id)
            log.info("%s: the customer changed the question before its answer left", who)
            return self._inbox.reopen(chat.id, row.reply) > 0
        if message.sealed and was_answered:
            self._owner_chat.tell_unanswered(chat, now, Unanswered.NOT_READ, hourly=True)
            return False
        if message.kind is MessageKind.EDIT and self._says_what_decides(message.text, row):
            self._inbox.ask_anew(row, message)
            return True
        return False

    def _says_what_decides(self, text: str, row: Inbound) -> bool:
        """Whether an edit says what one of the rules about a text waits for, and the message did not."""
        if row.state == InboundState.ANSWERED:
            wanted = self._chats.escalation_words
            return has_phrase(text, wanted) and not has_phrase(row.text, wanted)
        return bool(row.state == InboundState.IGNORED and row.reason == Reason.NOT_BEGUN)

    def _hand_over(self, message: IncomingMessage, chat: Chat, now: datetime) -> None:
        until = message.sent_at + timedelta(seconds=self._chats.handover_pause_seconds)
        if until > now:
            withdrawn = self._pauses.hand_over(chat, until)
            log.info("%s: the owner wrote; %d replies withdrawn", name_of(message, chat.id), withdrawn)

    def _tell_missed(self, chat: Chat, now: datetime) -> None:
        """Tell the owner of what came too late, once an hour, unless the chat is theirs already."""
        if not pause_reason(chat, now) and history.missed_count(chat.id, now - HOUR) == 1:
            self._owner_chat.tell_unanswered(chat, now, Unanswered.TOO_OLD)

    def _language(self, message: IncomingMessage, chat: Chat) -> str:
        return str(chat.language or detect_language(message.text, default=self._account.language))

    def _tell_others(self, decision: Decision, message: IncomingMessage, chat_id: int) -> None:
        """Log what was decided, and have no answer announced that will not come; after the transaction."""
        if decision.action in (Verdict.IGNORE, Verdict.MISSED):
            log_ignored(decision, message, chat_id)
            return
        log.info("%s: %s", name_of(message, chat_id), decision.reason)
        if self._presence is not None:
            self._presence.answer_withdrawn(message.chat)


def log_ignored(decision: Decision, message: IncomingMessage, chat_id: int) -> None:
    """Say in the journal why a message is not answered."""
    log.info("%s: not answered: %s", name_of(message, chat_id), decision.reason)


def name_of(message: IncomingMessage, chat_id: int) -> str:
    """The chat of a message, as a line of the journal about it begins."""
    return f"chat {chat_id}, {mask_phone(message.phone or message.chat)}"
