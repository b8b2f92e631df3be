"""Takes in each message: looks its chat up, asks the gate, stores it, has carried out what was decided."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Protocol

from peewee import IntegrityError

from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER
from wabot.config.phrases import is_phrase
from wabot.config.settings import Settings
from wabot.conversation import gate, history
from wabot.conversation.files.incoming_files import IncomingFiles
from wabot.conversation.gate import Candidate, Decision, Rules, Verdict, is_too_old
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses
from wabot.database.models import Chat, Inbound, database
from wabot.database.states import InboundState, Reason
from wabot.inbound.consequences import CHANGES, Consequences, ShownPresence, log_ignored
from wabot.whatsapp.messages import USER_SERVERS, IncomingMessage, MessageKind, every_name, words_of
from wabot.whatsapp.sealed_edits import open_sealed
from wabot.whatsapp.store import Account

_ABOUT_ANOTHER = (*CHANGES, MessageKind.REACTION)
_STATES = {
    Verdict.ANSWER: InboundState.PENDING,
    Verdict.HAND_OVER: InboundState.OWNER,
}


class EditReader(Protocol):
    """What reads the client library's own format: the WhatsApp client."""

    def read_edit(self, plaintext: bytes) -> str:
        """What an opened edit says; "" when it is no message, or says nothing."""


class Reception:
    """The way in of one account's messages.

    Args:
        rules: of the gate.
        inbox: where messages are kept.
        consequences: carries out what the gate decides.
        files: writes down the files that come with messages; None: nobody asks for them.
        account: tells when it is mentioned.
        edits: reads an edit that was sealed and is opened; None: none can be read.
    """

    def __init__(
        self,
        rules: Rules,
        inbox: Inbox,
        consequences: Consequences,
        files: IncomingFiles | None = None,
        account: Account | None = None,
        edits: EditReader | None = None,
    ) -> None:
        self._rules = rules
        self._inbox = inbox
        self._consequences = consequences
        self._files = files
        self._account = account or Account()
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

    def heard(self, row: Inbound, text: str, now: datetime) -> int | None:
        """Take what was heard in a voice note for what its sender says, as if they had written it.

        In the transaction that keeps it. It is as with an edit: it may end all writing, or bring an answer
        that has not left back.

        Args:
            row: the voice note; it may be answered already.
            text: the transcript.
            now: naive UTC.

        Returns:
            The chat that has something to answer, or None.
        """
        if row.reason == Reason.TAKEN_BACK or not text.strip():
            return None
        chat = row.chat
        said = IncomingMessage(
            chat=row.jid,
            message_id=row.message_id,
            sender=row.sender,
            phone=chat.phone,
            lid=chat.lid,
            from_me=False,
            kind=MessageKind.EDIT,
            text=text,
            sent_at=row.sent_at,
            target_id=row.message_id,
        )
        decision = gate.on_arrival(self._candidate(said, chat), self._rules, now)
        if decision.action in (Verdict.OPT_OUT, Verdict.OPT_IN):
            return chat.id if self._consequences.carry_out(decision, said, chat, now) else None
        is_to_answer = self._consequences.change(said, chat, now) or row.state == InboundState.PENDING
        return chat.id if is_to_answer else None

    def chat_waiting_with(self, message: IncomingMessage) -> int | None:
        """The chat of a message that was taken in before and is still to be answered."""
        return self._inbox.chat_waiting_with(message)

    def forget_remembered_chats(self) -> None:
        """Look every chat up again: one that is remembered may have gone back with a transaction."""
        self._inbox.chats.forget()

    def _receive(self, message: IncomingMessage, now: datetime) -> int | None:
        if not self._needs_chat(message, now):
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
        chat_id = self._inbox.store(kept, now, state, decision.reason, chat)
        if chat_id is not None and kept.attachment is not None:
            self._keep_file(kept, chat_id, decision.reason, now)
        if chat_id is None or decision.action is Verdict.ANSWER:
            return chat_id
        if chat is None:
            # Nothing follows from what the gate passes over without a look at its chat.
            database.after_commit(lambda: log_ignored(decision, message, chat_id))
            return None
        return chat_id if self._consequences.carry_out(decision, message, chat, now) else None

    def _as_kept(self, message: IncomingMessage, decision: Decision, chat: Chat | None) -> IncomingMessage:
        """The message as it is stored: a reaction with what it is about, others' business without text."""
        if not decision.keeps_text:
            return dataclasses.replace(message, text="", quoted_text="", secret="", attachment=None)
        if message.kind is MessageKind.REACTION and chat is not None:
            reply = history.reply_with_id(chat.id, message.target_id)
            return dataclasses.replace(message, quoted_text=reply.text if reply else "")
        return message

    def _keep_file(self, message: IncomingMessage, chat_id: int, refused: str, now: datetime) -> None:
        number = self._inbox.number_of(message)
        if self._files is not None and number is not None:
            self._files.keep(message, number, chat_id, refused, now)

    def _needs_chat(self, message: IncomingMessage, now: datetime) -> bool:
        """Whether the gate, or what follows, needs to know more of the chat than the message says."""
        chats = self._rules.chats
        return (
            message.from_me
            or message.attachment is not None
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
            text=words_of(message.kind, message.text),
            sent_at=message.sent_at,
            from_me=message.from_me,
            to_self=self._is_to_self(message),
            own_echo=bool(
                chat
                and message.from_me
                and history.is_own_echo(chat.id, message.message_id, message.text, _file_sha256(message))
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
        """A sealed edit, opened if the message it changes is here with its secret; else as it is."""
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


def reception_of(
    settings: Settings,
    inbox: Inbox,
    outbox: Outbox,
    account: Account | None = None,
    presence: ShownPresence | None = None,
    edits: EditReader | None = None,
    files: IncomingFiles | None = None,
) -> Reception:
    """The way in of an account's messages, for whoever shares none of its parts with others."""
    consequences = Consequences(
        settings.account,
        settings.chats,
        inbox,
        outbox,
        Pauses(inbox, outbox),
        OwnerChat(settings.account, outbox),
        presence,
    )
    rules = Rules.of(settings.account, settings.ai, settings.replies, settings.chats)
    return Reception(rules, inbox, consequences, files, account, edits)


def _file_sha256(message: IncomingMessage) -> str:
    return message.attachment.file_sha256 if message.attachment else ""
