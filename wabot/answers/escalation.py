"""Leaves a chat to a person, or to itself: the customer is told where it matters, the owner always."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from wabot.clock import HOUR, utc_now
from wabot.config.settings import Settings
from wabot.conversation.chats import named
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import PauseReason, Quiet
from wabot.conversation.sources import Notice
from wabot.database.models import Chat, Inbound, Outbound, database

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 43_200.0


class Escalation:
    """Pauses chats in which the bot has no more to say, and lets the owner know.

    Args:
        settings: the configuration.
        outbox: where the customer's and the owner's notices go.
        quiet: pauses chats.
    """

    def __init__(self, settings: Settings, outbox: Outbox, quiet: Quiet) -> None:
        self._settings = settings
        self._outbox = outbox
        self._quiet = quiet
        self._owner_chat = OwnerChat(settings, outbox)

    def leave_to_person(
        self, chat: Chat, rows: Sequence[Inbound], parts: Sequence[str], now: datetime
    ) -> bool:
        """A person is wanted: tell the customer, pause the chat, tell the owner.

        Returns:
            False when the messages changed meanwhile; nothing was done then.
        """
        seconds = self._settings.chats.handover_pause or _PAUSE_SECONDS
        with database.atomic():
            if not self._outbox.put(chat.id, [(part, now) for part in parts], Notice.HANDED_OVER, rows, now):
                return False
            self._quiet.pause(chat.id, PauseReason.ESCALATED, now + timedelta(seconds=seconds))
            self._owner_chat.tell_about([Chat.get_by_id(chat.id)], now)
        log.warning("%s: the customer wants a person; the bot keeps quiet there", named(chat))
        return True

    def leave_shut_out(self, reply: Outbound) -> None:
        """WhatsApp does not let this device write to a chat: hold it for as long as for a person."""
        if reply.source in (Notice.STATUS, Notice.UNANSWERED):
            # The owner's own chat: nobody is left to be told.
            self._outbox.withdraw(reply.chat_id, PauseReason.SHUT_OUT)
            return
        now = utc_now()
        seconds = self._settings.chats.handover_pause or _PAUSE_SECONDS
        with database.atomic():
            self._quiet.pause(reply.chat_id, PauseReason.SHUT_OUT, now + timedelta(seconds=seconds))
            self._outbox.withdraw(reply.chat_id, PauseReason.SHUT_OUT)
            self._owner_chat.tell_about([Chat.get_by_id(reply.chat_id)], now)

    def let_rest(self, chat: Chat, reason: str, now: datetime) -> None:
        """It looks like another bot: answer nothing there for an hour."""
        with database.atomic():
            self._quiet.pause(chat.id, PauseReason.LOOP, now + HOUR)
            self._owner_chat.tell_about([Chat.get_by_id(chat.id)], now)
        log.warning("%s: %s: it rests for an hour", named(chat), reason)
