"""Shows all that is kept about one person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wabot.config.phone_numbers import ChatAddress
from wabot.config.settings import Settings
from wabot.conversation.owner_chat import lines_about, text_of
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile
from wabot.database.states import InboundState, Reason
from wabot.inbound.spool import Spooled, read_spool
from wabot.privacy.person import find_person
from wabot.whatsapp.messages import FILE_KINDS, Attachment

_FILE_FIELDS = ("kind", "mimetype", "file_name", "size_bytes", "seconds", "state", "reason", "text", "author")
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
    "disclosed_at",
    "created_at",
)


def export(settings: Settings, address: ChatAddress) -> dict[str, Any]:
    """All that wabot holds about a person or a group, ready for JSON; times are UTC.

    The text of a file is what a machine heard, saw or read in it, and its author that machine.

    `on_disk` is what came while the database was away, and may be in the other lists by now as well.
    """
    person = find_person(settings.account.user_id, address)
    return {
        "address": address.jid,
        "chats": [
            {name: _plain(getattr(chat, name)) for name in _CHAT_FIELDS} | {"messages": _messages(chat)}
            for chat in person.chats
        ],
        "in_groups": [{"group": row.jid} | _received(row) for row in person.messages_in_groups()],
        "told_to_owner": lines_about(person.chats),
        "on_disk": [
            _on_disk(spooled) for spooled in read_spool(settings.spool) if person.is_in(spooled.message)
        ],
    }


def _messages(chat: Chat) -> list[dict[str, Any]]:
    received = [_received(row) for row in Inbound.select().where(Inbound.chat == chat.id)]
    sent = [
        {
            "at": _plain(row.created_at),
            "direction": "out",
            "kind": row.kind,
            "text": text_of(row),
            "file": row.file,
            "source": row.source,
            "state": row.state,
            "sent_at": _plain(row.sent_at),
            "held_back": row.held_back,
        }
        for row in Outbound.select().where(Outbound.chat == chat.id)
    ]
    return sorted(received + sent, key=lambda message: str(message["at"]))


def _received(row: Inbound) -> dict[str, Any]:
    file = row.files.first() if row.kind in FILE_KINDS else None
    return {
        "at": _plain(row.received_at),
        "direction": "owner"
        if row.state == InboundState.OWNER or row.reason == Reason.OWNERS_COMMAND
        else "in",
        "kind": row.kind,
        "text": row.text,
        "quoted_text": row.quoted_text,
        "sender": row.sender,
        "message_id": row.message_id,
        "sent_at": _plain(row.sent_at),
        "state": row.state,
        "reason": row.reason,
        **_file(file),
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
        **_file(message.attachment),
    }


def _file(file: ReceivedFile | Attachment | None) -> dict[str, Any]:
    if file is None:
        return {}
    return {"file": {name: getattr(file, name) for name in _FILE_FIELDS if hasattr(file, name)}}


def _plain(value: Any) -> Any:
    return value.isoformat() + "Z" if isinstance(value, datetime) else value
