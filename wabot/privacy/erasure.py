"""Erases all that is kept about one person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peewee import SqliteDatabase

from wabot.config.phone_numbers import ChatAddress
from wabot.config.settings import MEDIA, Settings
from wabot.conversation.owner_chat import erase_lines_about
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile, database
from wabot.inbound.spool import blank_out
from wabot.media.directory import MediaDirectory
from wabot.privacy.library_store import StoreErased, erase_from_stores
from wabot.privacy.person import find_person


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
        """Whether anything of the person was found."""
        rows = (self.chats, self.received, self.sent, self.in_groups, self.to_owner, self.store.rows)
        return any(rows) or self.opt_out_kept

    def sentences(self) -> list[str]:
        """What was erased and what was kept, for people."""
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


def forget(settings: Settings, address: ChatAddress, *, everything: bool) -> Erased:
    """Erase a person everywhere: messages, chats, and what the client library holds.

    Args:
        settings: the configuration; the database is open.
        address: who.
        everything: also that they asked not to be written to.
    """
    person = find_person(settings.account.user_id, address)
    kept = [] if everything else [chat.id for chat in person.chats if chat.opted_out_at is not None]
    # First: what is not there any more cannot be brought into the database afterwards.
    names = frozenset(user for user, _ in person.users)
    on_disk = sum(
        blank_out(spool, lambda spooled: person.is_in(spooled.message), names)
        for spool in (settings.spool, *settings.quarantine.rglob(settings.spool.name))
    )
    is_sqlite = isinstance(database.obj, SqliteDatabase)
    if is_sqlite:
        # What is deleted is overwritten, too.
        database.execute_sql("PRAGMA secure_delete = ON")
    with database.atomic():
        to_owner = erase_lines_about(person.chats)
        in_groups = [row.id for row in person.messages_in_groups()]
        files = _files(settings, Inbound.id.in_(in_groups) | Inbound.chat.in_(person.chat_ids))
        Inbound.delete().where(Inbound.id.in_(in_groups)).execute()
        received: int = Inbound.delete().where(Inbound.chat.in_(person.chat_ids)).execute()
        sent: int = Outbound.delete().where(Outbound.chat.in_(person.chat_ids)).execute()
        Chat.delete().where(Chat.id.in_(person.chat_ids), Chat.id.not_in(kept)).execute()
        Chat.update(name="", language="", pause_reason="", paused_until=None, away_at=None).where(
            Chat.id.in_(kept)
        ).execute()
    for path in files:
        path.unlink(missing_ok=True)
    if is_sqlite:
        database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store = erase_from_stores(settings, person.users)
    return Erased(
        chats=len(person.chats) - len(kept),
        received=received + on_disk,
        sent=sent,
        in_groups=len(in_groups),
        to_owner=to_owner,
        store=store,
        opt_out_kept=bool(kept),
    )


def _files(settings: Settings, messages: Any) -> list[Path]:
    """Where files of these messages may lie, whole or not; their rows go with the messages."""
    rows = ReceivedFile.select(ReceivedFile.id).join(Inbound).where(messages)
    folders = (settings.media_directory, *settings.quarantine.rglob(MEDIA))
    return [
        path for row in rows for folder in map(MediaDirectory, folders) for path in folder.paths_of(row.id)
    ]
