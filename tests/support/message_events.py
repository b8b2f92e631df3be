"""Message events of the client library, as they come from Ana."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.support.arrivals import ANA, ANA_LID, GROUP
from tests.support.neonize_events import e2e, events, jid
from wabot.whatsapp.messages import IncomingMessage
from wabot.whatsapp.reading.translation import incoming_message

Message = e2e.Message
AT = datetime(2026, 11, 22, 12, 0, 0, 123000)
REVOKE, MESSAGE_EDIT, HISTORY_SYNC = 0, 14, 5


def event(message: Any, **source: Any) -> Any:
    """A message event of Ana's; `source` changes where it came from."""
    found = events.Message(Message=message)
    found.Info.ID = "3EB0"
    found.Info.Pushname = "Ana"
    found.Info.Timestamp = int(AT.replace(tzinfo=UTC).timestamp() * 1000)
    found.Info.MessageSource.Chat.CopyFrom(jid(source.pop("chat", ANA)))
    found.Info.MessageSource.Sender.CopyFrom(jid(source.pop("sender", ANA)))
    for name, value in source.items():
        field = {"sender_alt": "SenderAlt", "recipient_alt": "RecipientAlt"}.get(name)
        if field:
            getattr(found.Info.MessageSource, field).CopyFrom(jid(value))
        else:
            setattr(found.Info.MessageSource, name, value)
    return found


def translated(message: Any, **source: Any) -> IncomingMessage:
    return incoming_message(event(message, **source))


def text(words: str) -> Any:
    return Message(conversation=words)


def wrapped(name: str, message: Any) -> Any:
    outer = Message()
    getattr(outer, name).message.CopyFrom(message)
    return outer


def image(caption: str) -> Any:
    found = Message()
    found.imageMessage.caption = caption
    return found


def protocol(type_: int, target_id: str = "", edited: Any = None) -> Any:
    found = Message()
    found.protocolMessage.type = type_
    if target_id:
        found.protocolMessage.key.ID = target_id
    if edited is not None:
        found.protocolMessage.editedMessage.CopyFrom(edited)
    return found


def with_field(name: str) -> Any:
    found = Message()
    getattr(found, name).SetInParent()
    return found


def undecryptable(unavailable: bool = False, mode: int = 1, **info: str) -> Any:
    found = events.UndecryptableMessage(IsUnavailable=unavailable, DecryptFailMode=mode)
    found.Info.CopyFrom(event(Message(), sender_alt=ANA_LID).Info)
    for name, value in info.items():
        setattr(found.Info, name, value)
    return found


def with_keys(message: Any, name: str = "senderKeyDistributionMessage") -> Any:
    getattr(message, name).groupID = GROUP
    message.messageContextInfo.deviceListMetadataVersion = 2
    return message
