"""Tells the owner how things stand in chats: in their chat with themselves, where no customer reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from wabot.chat_address import ChatAddress, parse_address
from wabot.chats import find_or_make_chat
from wabot.errors import UsageError
from wabot.models import Chat, Outbound, Session
from wabot.notices import Unanswered, chat_status_text, head_of, none_paused_text, unanswered_text
from wabot.outbox import Outbox
from wabot.quiet import pause_reason
from wabot.settings import Settings
from wabot.sources import Notice

_MOST_CHATS = 20
_BETWEEN_UNANSWERED = timedelta(minutes=5)
_LONGEST_UNANSWERED_CHARACTERS = 4000
# The sender may have read a text that is due, and would not see what is added to it now.
_SURELY_UNREAD = timedelta(seconds=30)


class OwnerChat:
    """The owner's chat with themselves.

    Args:
        settings: the configuration.
        outbox: where what is said goes.
    """

    def __init__(self, settings: Settings, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox

    def tell_about(self, chats: Sequence[Chat], now: datetime, own_jid: str = "") -> bool:
        """Say how things stand in these chats; without any, that none is paused.

        Args:
            chats: which; only the first twenty are named.
            now: naive UTC.
            own_jid: the account's own address, where it is known better than from its session.

        Returns:
            Whether there is something to send now; not while the account's address is unknown.
        """
        address = self._own_address(own_jid)
        if address is None:
            return False
        account = self._settings.account
        lines = [
            chat_status_text(
                _name_of(chat),
                pause_reason(chat, now),
                chat.paused_until,
                chat.opted_out_at is not None,
                account.language,
                account.zone,
            )
            for chat in chats[:_MOST_CHATS]
        ]
        self._tell(address, "\n".join(lines) or none_paused_text(account.language), now)
        return True

    def tell_unanswered(self, chat: Chat, now: datetime, why: Unanswered = Unanswered.NOT_KNOWN) -> None:
        """Say that a customer is left unanswered; nothing while the account is unknown.

        The first at once, and then one message each five minutes, with a line for each customer: a hundred
        who ask while no model answers are no hundred messages. Each line is stored before this returns.
        """
        address = self._own_address("")
        if address is None:
            return
        settings = self._settings
        text = unanswered_text(_name_of(chat), why, settings.account.language)
        own_chat = find_or_make_chat(settings.account.user_id, address, now)
        told = (Outbound.chat == own_chat.id) & (Outbound.source == Notice.UNANSWERED)
        has_room = fn.LENGTH(Outbound.text) < _LONGEST_UNANSWERED_CHARACTERS
        waits = (Outbound.state == "pending") & (Outbound.not_before > now + _SURELY_UNREAD)
        if Outbound.update(text=Outbound.text.concat("\n" + text)).where(told, waits, has_room).execute():
            return
        last = Outbound.select(fn.MAX(Outbound.not_before)).where(told).scalar()
        not_before = max(now, last + _BETWEEN_UNANSWERED) if last else now
        self._outbox.notify(own_chat.id, text, Notice.UNANSWERED, now, not_before)

    def _tell(self, address: ChatAddress, text: str, now: datetime) -> None:
        own_chat = find_or_make_chat(self._settings.account.user_id, address, now)
        # Otherwise it would wait behind this, because a chat's messages keep their order.
        collected = (Outbound.state == "pending") & (Outbound.source == Notice.UNANSWERED)
        Outbound.update(not_before=now).where(
            Outbound.chat == own_chat.id, collected, Outbound.not_before > now
        ).execute()
        self._outbox.notify(own_chat.id, text, Notice.STATUS, now)

    def _own_address(self, jid: str) -> ChatAddress | None:
        try:
            return parse_address(jid)
        except UsageError:
            session = Session.get_or_none(Session.user_id == self._settings.account.user_id)
        return ChatAddress(phone=session.phone) if session and session.phone else None


def lines_about(user_id: str, chats: Iterable[Chat]) -> list[str]:
    """What the owner of an account was told, line by line, of the people in these chats."""
    heads = {head_of(who) for chat in chats for who in (_name_of(chat), f"+{chat.phone}", chat.contact)}
    rows = Outbound.select(Outbound.text).where(_to_owner(user_id)).order_by(Outbound.id)
    lines = (line for row in rows for line in row.text.split("\n"))
    return [line for line in lines if line.startswith(tuple(heads))]


def erase_lines(user_id: str, lines: Iterable[str]) -> int:
    """Take lines out of what the owner was told, or is about to be; how many texts that changes."""
    changed = 0
    for line in set(lines):
        whole = _to_owner(user_id) & (Outbound.text == line)
        changed += Outbound.delete().where(whole).execute()
        # By the database: the bot may be adding another line at this moment.
        rest = fn.REPLACE(fn.REPLACE(Outbound.text, line + "\n", ""), "\n" + line, "")
        holds = _to_owner(user_id) & Outbound.text.contains(line)
        changed += Outbound.update(text=rest).where(holds).execute()
    return changed


def _to_owner(user_id: str) -> Any:
    return (Outbound.user_id == user_id) & Outbound.source.in_((Notice.STATUS, Notice.UNANSWERED))


def _name_of(chat: Chat) -> str:
    # A customer chooses their name; a line end in it could pass for what the bot says of somebody else.
    return " ".join(chat.name.split()) or (f"+{chat.phone}" if chat.phone else str(chat.contact))
