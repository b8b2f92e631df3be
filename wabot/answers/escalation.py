"""Leaves chats to a person: tells the owner, and keeps the bot quiet where it has no more to say."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from wabot.clock import HOUR, utc_now
from wabot.conversation.chats import named
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import TO_OWNER, Notice, Unanswered
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses, pause_reason
from wabot.database.models import Chat, Inbound, Outbound, database
from wabot.database.states import InboundState, PauseReason

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 43_200.0


class Escalation:
    """Pauses chats in which the bot has no more to say, and lets the owner know.

    Args:
        pause_seconds: how long, where it is for a person.
        inbox, outbox: where messages are settled, and what the customer is told goes.
        pauses: pauses chats.
        owner_chat: where the owner is told.
    """

    def __init__(
        self, pause_seconds: float, inbox: Inbox, outbox: Outbox, pauses: Pauses, owner_chat: OwnerChat
    ) -> None:
        # Where the owner's own words pause nothing, whoever asked for a person still waits for one.
        self._pause_seconds = pause_seconds or _PAUSE_SECONDS
        self._inbox = inbox
        self._outbox = outbox
        self._pauses = pauses
        self._owner_chat = owner_chat

    def leave_to_person(
        self, chat: Chat, rows: Sequence[Inbound], parts: Sequence[str], now: datetime
    ) -> bool:
        """Leave a chat to a person, who is wanted: tell the customer, pause the chat, tell the owner.

        Returns:
            False when the messages changed meanwhile; nothing was done then.
        """
        with database.atomic():
            if not self._outbox.put(
                chat.id, [Part(part, now) for part in parts], Notice.HANDED_OVER, rows, now
            ):
                return False
            self._pauses.pause(chat, PauseReason.ESCALATED, now + timedelta(seconds=self._pause_seconds))
            self._owner_chat.tell_about([chat], now)
        log.warning("%s: the customer wants a person; the bot keeps quiet there", named(chat))
        return True

    def leave_shut_out(self, reply: Outbound) -> None:
        """Pause a chat that WhatsApp does not let this device write to, for as long as for a person."""
        if reply.source in TO_OWNER:
            # The owner's own chat: nobody is left to be told.
            self._outbox.withdraw(reply.chat_id, PauseReason.SHUT_OUT)
            return
        now = utc_now()
        with database.atomic():
            chat = Chat.get_by_id(reply.chat_id)
            self._pauses.pause(chat, PauseReason.SHUT_OUT, now + timedelta(seconds=self._pause_seconds))
            self._outbox.withdraw(chat.id, PauseReason.SHUT_OUT)
            self._owner_chat.tell_about([chat], now)

    def tell_unanswered(
        self, chat: Chat, why: Unanswered, now: datetime, *, what: str = "", hourly: bool = False
    ) -> None:
        """Tell the owner that a customer is left unanswered.

        Args:
            chat: the customer's.
            why: there is no answer.
            now: naive UTC.
            what: it is about, as the name of a file.
            hourly: not twice the same within an hour.
        """
        self._owner_chat.tell_unanswered(chat, now, why, what=what, hourly=hourly)

    def pass_on(self, chat: Chat, why: Unanswered, what: str, files: Sequence[Part]) -> None:
        """Hand the owner what came with messages that a person has to judge, at once."""
        self._owner_chat.pass_on(chat, why, what, files, utc_now())

    def leave_messages(
        self, chat: Chat, rows: Sequence[Inbound], state: InboundState, reason: str, why: Unanswered
    ) -> None:
        """Settle messages that nobody but the owner can answer, and tell them, unless they have the chat."""
        now = utc_now()
        with database.atomic():
            self._inbox.settle([row.id for row in rows], state, reason)
            if not pause_reason(chat, now):
                self._owner_chat.tell_unanswered(chat, now, why)

    def tell_unsure(self, reply: Outbound) -> None:
        """Say that a reply may never have arrived, and is not sent again."""
        if reply.source not in TO_OWNER:
            self._owner_chat.tell_unanswered(reply.chat, utc_now(), Unanswered.UNSURE)

    def tell_file_not_sent(self, reply: Outbound) -> None:
        """Say that a file did not reach its customer."""
        if reply.source not in TO_OWNER:
            self._owner_chat.tell_unanswered(reply.chat, utc_now(), Unanswered.FILE_NOT_SENT)

    def let_rest(self, chat: Chat, reason: str, now: datetime) -> None:
        """Answer nothing for an hour in a chat that looks like another bot's."""
        with database.atomic():
            self._pauses.pause(chat, PauseReason.LOOP, now + HOUR)
            self._owner_chat.tell_about([chat], now)
        log.warning("%s: %s: it rests for an hour", named(chat), reason)
