"""Tells the owner how things stand in chats: in their chat with themselves, where no customer reads it.

What they are told is kept line by line: each says of which chat it speaks, and is shown and erased with that.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from peewee import IntegrityError, fn

from wabot.brain.output.cleaning import drop_odd_characters
from wabot.clock import HOUR
from wabot.config.phone_numbers import ChatAddress, parse_address
from wabot.config.settings import AccountSettings
from wabot.conversation.chats import find_or_make_chat, named
from wabot.conversation.notices import (
    TO_OWNER,
    Notice,
    Unanswered,
    chat_status_text,
    none_paused_text,
    unanswered_text,
)
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.pauses import pause_reason
from wabot.database.models import Chat, Outbound, OwnerLine, Session
from wabot.database.states import OutboundState
from wabot.database.transactions import transaction
from wabot.errors import UsageError

log = logging.getLogger(__name__)

_MOST_CHATS = 20
_BETWEEN_UNANSWERED = timedelta(minutes=5)
_LONGEST_UNANSWERED_CHARACTERS = 4000
_LONGEST_WORDS_CHARACTERS = 300


class OwnerChat:
    """The owner's chat with themselves.

    Args:
        account: whose it is.
        outbox: where what is said goes.
    """

    def __init__(self, account: AccountSettings, outbox: Outbox) -> None:
        self._account = account
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
        account = self._account
        lines: list[tuple[str, int | None]] = [
            (
                chat_status_text(
                    _name_of(chat),
                    pause_reason(chat, now),
                    chat.paused_until,
                    chat.opted_out_at is not None,
                    account.language,
                    account.zone,
                ),
                chat.id,
            )
            for chat in chats[:_MOST_CHATS]
        ]
        self._tell(address, lines or [(none_paused_text(account.language), None)], now)
        return True

    def pass_on(self, chat: Chat, why: Unanswered, what: str, files: Sequence[Part], now: datetime) -> None:
        """Hand over files of a customer at once, the first with a line that says why.

        Args:
            chat: the customer's.
            why: it is for a person.
            what: it is said to show, "" where that is not known.
            files: as WhatsApp keeps them; without any, only the line goes.
            now: naive UTC.
        """
        address = self._own_address("")
        if address is None:
            return
        line = unanswered_text(_name_of(chat), why, self._account.language, _in_one_line(what))
        try:
            with transaction():
                own_chat = self._hurried(address, now)
                for place, part in enumerate(files or [Part("", now)]):
                    upload, kind = part.upload, part.kind
                    notice = self._outbox.notify(own_chat.id, "", Notice.PASSED_ON, now, None, kind, upload)
                    add_line(notice, line if place == 0 else _name_of(chat), chat.id)
        except IntegrityError:
            log.info("%s was erased meanwhile; the owner is not told of it", named(chat))

    def tell_unanswered(
        self,
        chat: Chat,
        now: datetime,
        why: Unanswered = Unanswered.NOT_KNOWN,
        *,
        what: str = "",
        hourly: bool = False,
    ) -> None:
        """Say that a customer is left unanswered; nothing while the account is unknown.

        The first at once, and then one message each five minutes, with a line for each customer: a hundred
        who ask while no model answers are no hundred messages. Each line is stored before this returns.

        Args:
            chat: the customer's.
            now: naive UTC.
            why: there is no answer.
            what: it is about, as the name of a file.
            hourly: not if the same was said of this customer within the last hour.
        """
        address = self._own_address("")
        if address is None:
            return
        text = unanswered_text(_name_of(chat), why, self._account.language, _in_one_line(what))
        if hourly and _was_told_about(chat.id, text, now - HOUR):
            return
        try:
            with transaction():
                self._collect(address, text, chat, now)
        except IntegrityError:
            log.info("%s was erased meanwhile; the owner is not told of it", named(chat))

    def _collect(self, address: ChatAddress, text: str, chat: Chat, now: datetime) -> None:
        """Add a line to what is still to be told, or begin a message for it."""
        own_chat = find_or_make_chat(self._account.user_id, address, now)
        told = (Outbound.chat == own_chat.id) & (Outbound.source == Notice.UNANSWERED)
        # The row is locked by this: the sender reads the lines when it has marked the row as leaving.
        waits = (Outbound.state == OutboundState.PENDING) & (Outbound.not_before > now)
        last = (
            Outbound.select(Outbound.id, Outbound.not_before).where(told).order_by(Outbound.id.desc()).first()
        )
        if last is not None and _length_of(last.id) < _LONGEST_UNANSWERED_CHARACTERS:
            kept = Outbound.update(not_before=Outbound.not_before).where(Outbound.id == last.id, waits)
            if kept.execute():
                add_line(last.id, text, chat.id)
                return
        # One that is due much later was stored by a clock that was ahead.
        is_near = last is not None and last.not_before <= now + HOUR
        not_before = max(now, last.not_before + _BETWEEN_UNANSWERED) if is_near else now
        add_line(self._outbox.notify(own_chat.id, "", Notice.UNANSWERED, now, not_before), text, chat.id)

    def _tell(self, address: ChatAddress, lines: Sequence[tuple[str, int | None]], now: datetime) -> None:
        with transaction():
            own_chat = self._hurried(address, now)
            notice = self._outbox.notify(own_chat.id, "", Notice.STATUS, now)
            for text, about in lines:
                add_line(notice, text, about)

    def _hurried(self, address: ChatAddress, now: datetime) -> Chat:
        """The owner's chat, where what is collected still goes now.

        Otherwise what comes next would wait behind it, because a chat's messages keep their order.
        """
        own_chat = find_or_make_chat(self._account.user_id, address, now)
        collected = (Outbound.state == OutboundState.PENDING) & (Outbound.source == Notice.UNANSWERED)
        Outbound.update(not_before=now).where(
            Outbound.chat == own_chat.id, collected, Outbound.not_before > now
        ).execute()
        return own_chat

    def _own_address(self, jid: str) -> ChatAddress | None:
        try:
            return parse_address(jid)
        except UsageError:
            session = Session.get_or_none(Session.user_id == self._account.user_id)
        return ChatAddress(phone=session.phone) if session and session.phone else None


def _name_of(chat: Chat) -> str:
    # A customer chooses their name; a line end in it could pass for what the bot says of somebody else, and a
    # mark that turns the direction around turns the rest of the line.
    return _in_one_line(chat.name) or (f"+{chat.phone}" if chat.phone else str(chat.contact))


def _in_one_line(words: str) -> str:
    return " ".join(drop_odd_characters(words).split())[:_LONGEST_WORDS_CHARACTERS]


def add_line(notice_id: int, text: str, about: int | None) -> None:
    """Add a line to a row of the outbox.

    Args:
        notice_id: the row.
        text: the line.
        about: the chat it speaks of, if any.

    Raises:
        IntegrityError: one of the two is not there any more.
    """
    OwnerLine.insert(notice=notice_id, text=text, about=about).execute()


def text_of(row: Outbound) -> str:
    """What a row of the outbox says; for the owner, all its lines."""
    if row.text or row.source not in TO_OWNER:
        return str(row.text)
    lines = OwnerLine.select(OwnerLine.text).where(OwnerLine.notice == row.id).order_by(OwnerLine.id)
    return "\n".join(line.text for line in lines)


def _length_of(notice_id: int) -> int:
    """How many characters the lines of a row of the outbox have, without their ends."""
    characters = fn.SUM(fn.LENGTH(OwnerLine.text))
    return int(OwnerLine.select(characters).where(OwnerLine.notice == notice_id).scalar() or 0)


def _was_told_about(chat_id: int, text: str, since: datetime) -> bool:
    """Whether the owner was told this of a chat, or is about to be."""
    told = (
        OwnerLine.select()
        .join(Outbound)
        .where(OwnerLine.about == chat_id, OwnerLine.text == text, Outbound.created_at >= since)
    )
    return bool(told.exists())


def lines_about(chats: Sequence[Chat]) -> list[str]:
    """What the owner was told, or is about to be, of these chats."""
    about = OwnerLine.about.in_([chat.id for chat in chats])
    return [line.text for line in OwnerLine.select().where(about).order_by(OwnerLine.id)]


def erase_lines_about(chats: Sequence[Chat]) -> int:
    """Take these chats out of what the owner was told, or is about to be; how many texts that changes."""
    about = OwnerLine.about.in_([chat.id for chat in chats])
    changed = sorted({line.notice_id for line in OwnerLine.select(OwnerLine.notice).where(about)})
    OwnerLine.delete().where(about).execute()
    left = OwnerLine.select().where(OwnerLine.notice == Outbound.id)
    Outbound.delete().where(Outbound.id.in_(changed), ~fn.EXISTS(left)).execute()
    return len(changed)
