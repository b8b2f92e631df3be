"""Takes in each message: stores it with what the gate decides, and does at once what cannot wait.

What cannot wait is whatever takes a reply back that is being composed or about to leave: the owner writes,
the customer opts out, or changes the question.
"""

from __future__ import annotations

import dataclasses
import logging
from datetime import datetime, timedelta
from typing import Protocol

from peewee import IntegrityError

from wabot.brain.language import detect_language
from wabot.brain.texts import texts_for
from wabot.clock import HOUR
from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER
from wabot.config.phrases import has_phrase, is_phrase
from wabot.config.settings import Settings
from wabot.conversation import gate, history
from wabot.conversation.gate import Candidate, Decision, Rules, Verdict, is_too_old
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice, Unanswered, opted_out_text
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses, pause_reason, paused_chats
from wabot.database.models import Chat, Inbound, InboundState, PauseReason, Reason, database
from wabot.system.masking import mask_phone
from wabot.whatsapp.messages import USER_SERVERS, IncomingMessage, MessageKind, every_name
from wabot.whatsapp.sealed_edits import open_sealed
from wabot.whatsapp.store import Account

log = logging.getLogger(__name__)

_CHANGES = (MessageKind.EDIT, MessageKind.REVOKE)
_ABOUT_ANOTHER = (*_CHANGES, MessageKind.REACTION)
_STATES = {
    Verdict.ANSWER: InboundState.PENDING,
    Verdict.HAND_OVER: InboundState.OWNER,
}


class ShownPresence(Protocol):
    """What shows customers that an answer is under way."""

    def answer_withdrawn(self, jid: str) -> None:
        """Show in this chat that no answer will come."""


class EditReader(Protocol):
    """What reads the client library's own format: the WhatsApp client."""

    def read_edit(self, plaintext: bytes) -> str:
        """What an opened edit says; "" when it is no message, or says nothing."""


class Reception:
    """The way in of one account's messages.

    Args:
        settings: the configuration.
        inbox, outbox: where messages are kept and replies wait.
        account: tells when it is mentioned.
        presence: told which chats get no answer after all; None: nobody shows anything.
        edits: reads an edit that was sealed and is opened; None: none can be read.
    """

    def __init__(
        self,
        settings: Settings,
        inbox: Inbox,
        outbox: Outbox,
        account: Account | None = None,
        presence: ShownPresence | None = None,
        edits: EditReader | None = None,
    ) -> None:
        self._settings = settings
        self._rules = Rules.of(settings.account, settings.ai, settings.replies, settings.chats)
        self._inbox = inbox
        self._outbox = outbox
        self._pauses = Pauses(inbox, outbox)
        self._owner_chat = OwnerChat(settings, outbox)
        self._account = account or Account()
        self._presence = presence
        self._edits = edits

    def receive(self, message: IncomingMessage, now: datetime) -> int | None:
        """Take a message in; the same message twice counts once.

        Args:
            message: as WhatsApp handed it over.
            now: naive UTC.

        Returns:
            The chat that has something to answer, or None.
        """
        if message.kind is MessageKind.PROTOCOL:
            # Keys and settings that the account's own devices tell each other.
            return None
        try:
            try:
                return self._receive(message, now)
            except IntegrityError:
                # Another process made its chat at this moment, or erased it; now it is there, or made anew.
                self.forget_remembered_chats()
                return self._receive(message, now)
        except Exception:
            # A chat that was made just now is not there any more: it went back with the transaction.
            self.forget_remembered_chats()
            raise

    def chat_waiting_with(self, message: IncomingMessage) -> int | None:
        """The chat of a message that was taken in before and is still to be answered."""
        return self._inbox.chat_waiting_with(message)

    def forget_remembered_chats(self) -> None:
        """Chats that are remembered may have gone back with a transaction."""
        self._inbox.chats.forget()

    def _receive(self, message: IncomingMessage, now: datetime) -> int | None:
        if not self._concerns_chat(message, now):
            return self._take_in(message, None, now)
        # One transaction: a message that is known must never be one whose consequences were lost.
        with database.atomic():
            return self._take_in(message, self._inbox.chats.of(message, now), now)

    def _take_in(self, message: IncomingMessage, chat: Chat | None, now: datetime) -> int | None:
        if message.sealed and chat is not None:
            message = self._opened(message, chat)
        decision = gate.on_arrival(self._candidate(message, chat), self._rules, now)
        state = _STATES.get(decision.action, InboundState.IGNORED)
        kept = self._as_kept(message, decision, chat)
        chat_id = self._inbox.store(kept, now, state, decision.reason)
        if chat_id is None or decision.action is Verdict.ANSWER:
            return chat_id
        is_change = message.kind in _CHANGES and decision.keeps_text
        changed = is_change and self._change(message, chat_id, now)
        self._carry_out(decision, message, chat_id, now)
        database.after_commit(lambda: self._tell_others(decision, message, chat_id))
        return chat_id if changed else None

    def _as_kept(self, message: IncomingMessage, decision: Decision, chat: Chat | None) -> IncomingMessage:
        """The message as it is stored: a reaction with what it is about, others' business without text."""
        if not decision.keeps_text:
            return dataclasses.replace(message, text="", quoted_text="", secret="")
        if message.kind is MessageKind.REACTION and chat is not None:
            reply = history.reply_with_id(chat.id, message.target_id)
            return dataclasses.replace(message, quoted_text=reply.text if reply else "")
        return message

    def _concerns_chat(self, message: IncomingMessage, now: datetime) -> bool:
        """Whether the gate needs to know more about the chat than the message says."""
        chats = self._settings.chats
        return (
            message.from_me
            or message.kind in _ABOUT_ANOTHER
            or bool(chats.allow or chats.deny)
            or is_too_old(message.sent_at, self._rules.max_age_seconds, now)
            or is_phrase(message.text, chats.opt_out_words + chats.opt_in_words)
        )

    def _candidate(self, message: IncomingMessage, chat: Chat | None) -> Candidate:
        known = every_name({f"{chat.phone}@{PHONE_SERVER}", f"{chat.lid}@{LID_SERVER}"} if chat else ())
        return Candidate(
            jid=message.chat,
            addresses=message.addresses | known,
            kind=message.kind,
            text=message.text,
            sent_at=message.sent_at,
            from_me=message.from_me,
            to_self=self._is_to_self(message),
            own_echo=bool(
                chat and message.from_me and history.is_own_echo(chat.id, message.message_id, message.text)
            ),
            # A reply by swipe speaks to who is quoted.
            mentions_account=bool(
                self._account.user_ids & ({*message.mentions, message.quoted_sender} - {""})
            ),
            opted_out=bool(chat and chat.opted_out_at),
        )

    def _is_to_self(self, message: IncomingMessage) -> bool:
        """Whether the owner writes to themselves, whichever of the account's addresses either side has."""
        if not (message.from_me and message.is_person):
            return False
        other_side = {message.chat.partition("@")[0], message.phone, message.lid}
        return message.chat in (message.sender, message.sender_alt) or bool(
            self._account.user_ids & other_side
        )

    def _opened(self, message: IncomingMessage, chat: Chat) -> IncomingMessage:
        """A sealed edit with what it says, as far as the message it changes is here with its secret."""
        row = self._inbox.target_of(message, chat.id)
        if row is None or not row.secret:
            return message
        writers = [message.sender, message.sender_alt, row.sender]
        if message.from_me:
            writers += [f"{user}@{server}" for user in self._account.user_ids for server in USER_SERVERS]
        elif not message.is_group:
            writers += [f"{chat.phone}@{PHONE_SERVER}", f"{chat.lid}@{LID_SERVER}"]
        nonce, sealed = map(bytes.fromhex, message.sealed.split(" "))
        plaintext = open_sealed(
            nonce, sealed, bytes(row.secret), message.target_id, dict.fromkeys(filter(None, writers))
        )
        if plaintext is None or self._edits is None:
            return message
        return dataclasses.replace(message, text=self._edits.read_edit(plaintext), sealed="")

    def _change(self, message: IncomingMessage, chat_id: int, now: datetime) -> bool:
        """An edit or a deletion: whether something is to be answered anew."""
        row = self._inbox.amend(message, chat_id)
        if row is None:
            return False
        if row.state == InboundState.ANSWERED and row.reply is not None and self._outbox.recall(row.reply):
            log.info("%s: the customer changed the question before its answer left", _who(message, chat_id))
            return self._inbox.reopen(chat_id, row.reply) > 0
        if message.sealed and row.state == InboundState.ANSWERED:
            self._owner_chat.tell_unanswered(Chat.get_by_id(chat_id), now, Unanswered.NOT_READ, hourly=True)
            return False
        if message.kind is MessageKind.EDIT and self._says_what_decides(message.text, row):
            self._inbox.ask_anew(row, message)
            return True
        return False

    def _says_what_decides(self, text: str, row: Inbound) -> bool:
        """Whether an edit says what one of the rules about a text waits for, and the message did not."""
        wanted = self._settings.chats.escalation_words
        if row.state == InboundState.ANSWERED:
            return has_phrase(text, wanted) and not has_phrase(row.text, wanted)
        return bool(row.state == InboundState.IGNORED and row.reason == Reason.NOT_BEGUN)

    def _carry_out(self, decision: Decision, message: IncomingMessage, chat_id: int, now: datetime) -> None:
        match decision.action:
            case Verdict.MISSED:
                self._tell_missed(Chat.get_by_id(chat_id), now)
            case Verdict.HAND_OVER:
                self._hand_over(message, chat_id, now)
            case Verdict.PAUSE:
                self._pauses.pause(chat_id, PauseReason.COMMAND, None)
                self._tell_owner(message, chat_id, now)
            case Verdict.RESUME:
                self._pauses.resume(chat_id)
                self._tell_owner(message, chat_id, now)
            case Verdict.TELL_STATUS:
                self._tell_owner(message, chat_id, now)
            case Verdict.OPT_OUT:
                self._pauses.opt_out(chat_id, now)
                text = opted_out_text(message.text, self._settings.chats, self._language(message, chat_id))
                self._outbox.notify(chat_id, text, Notice.OPTED_OUT, now)
            case Verdict.OPT_IN:
                self._pauses.opt_in(chat_id)
                text = texts_for(self._language(message, chat_id)).opted_in
                self._outbox.notify(chat_id, text, Notice.OPTED_IN, now)

    def _hand_over(self, message: IncomingMessage, chat_id: int, now: datetime) -> None:
        until = message.sent_at + timedelta(seconds=self._settings.chats.handover_pause)
        if until > now:
            withdrawn = self._pauses.hand_over(chat_id, until)
            log.info("%s: the owner wrote; %d replies withdrawn", _who(message, chat_id), withdrawn)

    def _tell_missed(self, chat: Chat, now: datetime) -> None:
        """Once an hour: nobody else would notice. Where the chat is paused, the owner is in it already."""
        if not pause_reason(chat, now) and history.missed_count(chat.id, now - HOUR) == 1:
            self._owner_chat.tell_unanswered(chat, now, Unanswered.TOO_OLD)

    def _language(self, message: IncomingMessage, chat_id: int) -> str:
        known = Chat.get_by_id(chat_id).language
        return str(known or detect_language(message.text, default=self._settings.account.language))

    def _tell_owner(self, message: IncomingMessage, chat_id: int, now: datetime) -> None:
        """Say how things stand: here, or where the owner asks in their own chat, wherever it is paused."""
        to_self = self._is_to_self(message)
        user_id = self._settings.account.user_id
        chats = paused_chats(user_id, now) if to_self else [Chat.get_by_id(chat_id)]
        self._owner_chat.tell_about(chats, now, message.sender)

    def _tell_others(self, decision: Decision, message: IncomingMessage, chat_id: int) -> None:
        """Log what was decided, and have no answer announced that will not come; after the transaction."""
        if decision.action in (Verdict.IGNORE, Verdict.MISSED):
            log.info("%s: not answered: %s", _who(message, chat_id), decision.reason)
            return
        log.info("%s: %s", _who(message, chat_id), decision.reason)
        if self._presence is not None:
            self._presence.answer_withdrawn(message.chat)


def _who(message: IncomingMessage, chat_id: int) -> str:
    return f"chat {chat_id}, {mask_phone(message.phone or message.chat)}"
