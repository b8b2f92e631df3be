"""Everything that is kept about one person: shown, or erased."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import SqliteDatabase

from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER, ChatAddress, spellings
from wabot.config.settings import Settings
from wabot.conversation.chats import find_chats
from wabot.conversation.gate import OWNERS_COMMAND
from wabot.conversation.owner_lines import erase_lines_about, lines_about, text_of
from wabot.database.models import Chat, Inbound, Outbound, database
from wabot.inbound.spool import Spooled, blank_out, read_spool
from wabot.privacy.library_store import StoreErased, erase_from_stores
from wabot.whatsapp.messages import IncomingMessage

_CHAT_FIELDS = (
    "contact",
    "jid",
    "phone",
    "lid",
    "name",
    "language",
    "pause_reason",
    "paused_until",
    "opted_out_at",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of one person.

    Attributes:
        chats, received, sent: how many rows.
        in_groups: how many of their messages in groups.
        to_owner: how many texts to the owner told of them.
        store: what the client library held.
        opt_out_kept: their number is kept, because they asked not to be written to.
    """

    chats: int
    received: int
    sent: int
    in_groups: int
    to_owner: int
    store: StoreErased
    opt_out_kept: bool

    @property
    def anything(self) -> bool:
        """Whether there was anything of them at all."""
        rows = (self.chats, self.received, self.sent, self.in_groups, self.to_owner, self.store.rows)
        return any(rows) or self.opt_out_kept

    def sentences(self) -> list[str]:
        """The same for people."""
        said = [
            f"erased: {self.chats} chat(s), {self.received} message(s) received, {self.sent} sent, "
            f"{self.in_groups} in groups, {self.to_owner} text(s) to you about them, "
            f"{self.store.rows} row(s) of the client library"
        ]
        if self.opt_out_kept:
            said.append(
                "kept: the number, because they asked not to be written to; --everything erases that too"
            )
        if self.store.keys_kept:
            said.append(
                "kept: their encryption keys, because the bot is running; "
                f"{self.store.keys_kept}, then repeat this command to erase them"
            )
        return said


def export(settings: Settings, address: ChatAddress) -> dict[str, Any]:
    """All that wabot holds about a person or a group, ready for JSON; times are UTC.

    `on_disk` is what came while the database was away, and may be in the other lists by now as well.
    """
    chats = find_chats(settings.account.user_id, address)
    here = [chat.id for chat in chats]
    return {
        "address": address.jid,
        "chats": [
            {name: _plain(getattr(chat, name)) for name in _CHAT_FIELDS} | {"messages": _messages(chat)}
            for chat in chats
        ],
        "in_groups": [
            {"group": row.jid} | _received(row) for row in _elsewhere(settings, address, chats, here)
        ],
        "told_to_owner": lines_about(chats),
        "on_disk": [
            _on_disk(spooled)
            for spooled in read_spool(settings.spool)
            if _is_of(spooled.message, _users(address, chats))
        ],
    }


def forget(settings: Settings, address: ChatAddress, *, everything: bool) -> Erased:
    """Erase a person everywhere: messages, chats, and what the client library holds.

    Args:
        settings: the configuration; the database is open.
        address: who.
        everything: also that they asked not to be written to.
    """
    chats = find_chats(settings.account.user_id, address)
    here = [chat.id for chat in chats]
    kept = [] if everything else [chat.id for chat in chats if chat.opted_out_at is not None]
    users = _users(address, chats)
    # First: what is not there any more cannot be brought into the database afterwards.
    on_disk = sum(
        blank_out(
            spool,
            lambda spooled: _is_of(spooled.message, users),
            frozenset(user for user, _ in users),
        )
        for spool in (settings.spool, *settings.quarantine.rglob(settings.spool.name))
    )
    is_sqlite = isinstance(database.obj, SqliteDatabase)
    if is_sqlite:
        # What is deleted is overwritten, too.
        database.execute_sql("PRAGMA secure_delete = ON")
    with database.atomic():
        to_owner = erase_lines_about(chats)
        elsewhere = [row.id for row in _elsewhere(settings, address, chats, here)]
        Inbound.delete().where(Inbound.id.in_(elsewhere)).execute()
        received: int = Inbound.delete().where(Inbound.chat.in_(here)).execute()
        sent: int = Outbound.delete().where(Outbound.chat.in_(here)).execute()
        Chat.delete().where(Chat.id.in_(here), Chat.id.not_in(kept)).execute()
        Chat.update(name="", language="", pause_reason="", paused_until=None, away_at=None).where(
            Chat.id.in_(kept)
        ).execute()
    if is_sqlite:
        database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store = erase_from_stores(settings, users)
    return Erased(
        chats=len(here) - len(kept),
        received=received + on_disk,
        sent=sent,
        in_groups=len(elsewhere),
        to_owner=to_owner,
        store=store,
        opt_out_kept=bool(kept),
    )


def _elsewhere(
    settings: Settings, address: ChatAddress, chats: Iterable[Chat], here: list[int]
) -> list[Inbound]:
    """What the person wrote in groups."""
    if address.group:
        return []
    senders = [f"{user}@{server}" for user, server in _users(address, chats)]
    return list(
        Inbound.select()
        .where(
            Inbound.user_id == settings.account.user_id,
            Inbound.sender.in_(senders),
            # True in every group, and what the index is for: in a chat of their own both are the same.
            Inbound.sender != Inbound.jid,
            Inbound.chat.not_in(here),
        )
        .order_by(Inbound.id)
    )


def _users(address: ChatAddress, chats: Iterable[Chat]) -> set[tuple[str, str]]:
    """Every (user, server) the person is known by."""
    found = {(address.lid, LID_SERVER)}
    found.add((address.group.partition("@")[0], address.group.partition("@")[2]))
    for phone in {address.phone, *(chat.phone for chat in chats)}:
        found |= {(spelling, PHONE_SERVER) for spelling in spellings(phone)}
    found |= {(chat.lid, LID_SERVER) for chat in chats}
    return {(user, server) for user, server in found if user}


def _is_of(message: IncomingMessage, users: set[tuple[str, str]]) -> bool:
    """Whether a message on the disk was written by a person, or in their chat."""
    jids = {message.chat, message.sender, message.sender_alt}
    jids |= {f"{message.phone}@{PHONE_SERVER}", f"{message.lid}@{LID_SERVER}"}
    return any(f"{user}@{server}" in jids for user, server in users)


def _messages(chat: Chat) -> list[dict[str, Any]]:
    received = [_received(row) for row in Inbound.select().where(Inbound.chat == chat.id)]
    sent = [
        {
            "at": _plain(row.created_at),
            "direction": "out",
            "text": text_of(row),
            "source": row.source,
            "state": row.state,
            "sent_at": _plain(row.sent_at),
        }
        for row in Outbound.select().where(Outbound.chat == chat.id)
    ]
    return sorted(received + sent, key=lambda message: str(message["at"]))


def _received(row: Inbound) -> dict[str, Any]:
    return {
        "at": _plain(row.received_at),
        "direction": "owner" if row.state == "owner" or row.reason == OWNERS_COMMAND else "in",
        "kind": row.kind,
        "text": row.text,
        "quoted_text": row.quoted_text,
        "sender": row.sender,
        "message_id": row.message_id,
        "sent_at": _plain(row.sent_at),
        "state": row.state,
        "reason": row.reason,
    }


def _on_disk(spooled: Spooled) -> dict[str, Any]:
    message = spooled.message
    return {
        "at": _plain(spooled.received_at),
        "chat": message.chat,
        "direction": "owner" if message.from_me else "in",
        "kind": message.kind,
        "text": message.text,
        "quoted_text": message.quoted_text,
        "sender": message.sender,
        "message_id": message.message_id,
        "sent_at": _plain(message.sent_at),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() + "Z" if isinstance(value, datetime) else value
