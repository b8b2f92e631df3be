"""Turns a message event of the client library into an `IncomingMessage`.

Works on the protobuf object by its fields alone and imports nothing of the library.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wabot.clock import utc_now
from wabot.messages import LID_SERVER, PHONE_SERVER, IncomingMessage, Kind, Receipt

_LONGEST_TEXT_CHARACTERS = 65_536
_LONGEST_NAME_CHARACTERS = 200
_WRAPPERS = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "lottieStickerMessage",
    "associatedChildMessage",
    "groupMentionedMessage",
    "deviceSentMessage",
    "editedMessage",
)
_MEDIA = {
    "imageMessage": Kind.IMAGE,
    "videoMessage": Kind.VIDEO,
    "ptvMessage": Kind.VIDEO,
    "audioMessage": Kind.AUDIO,
    "stickerMessage": Kind.STICKER,
    "documentMessage": Kind.DOCUMENT,
    "locationMessage": Kind.LOCATION,
    "liveLocationMessage": Kind.LOCATION,
    "contactMessage": Kind.CONTACT,
    "contactsArrayMessage": Kind.CONTACT,
}
_KEYS = frozenset({"senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"})
_REVOKE, _MESSAGE_EDIT = 0, 14  # waE2E.ProtocolMessage.Type
_UNREADABLE = "RETRY"
_HEARD_RECEIPTS = frozenset({"DELIVERED", "INACTIVE", "READ", "PLAYED", _UNREADABLE})
_MOST_RECEIPTS = 1000


def incoming_message(event: Any) -> IncomingMessage:
    """Translate one message event (neonize 0.5.2: `MessageEv`).

    `Info.Timestamp` is in milliseconds here, unlike in receipts and send responses (measured).
    """
    info = event.Info
    source = info.MessageSource
    message = _unwrapped(event.Message)
    other = (source.Chat, source.RecipientAlt if source.IsFromMe else source.SenderAlt)
    kind, text, target_id = _content(message)
    context = _context(message)
    return IncomingMessage(
        chat=jid_text(source.Chat),
        message_id=_clean(info.ID, 200),
        sender=jid_text(source.Sender),
        phone=_user_on(PHONE_SERVER, *other) if not source.IsGroup else "",
        lid=_user_on(LID_SERVER, *other) if not source.IsGroup else "",
        from_me=bool(source.IsFromMe),
        kind=kind,
        text=text,
        sent_at=_time(info.Timestamp),
        target_id=target_id or (_clean(context.stanzaID, 200) if context is not None else ""),
        quoted_text=_content(_unwrapped(context.quotedMessage))[1] if context is not None else "",
        mentions=tuple(_clean(jid, 200).partition("@")[0] for jid in list(context.mentionedJID)[:100])
        if context is not None
        else (),
        name=_clean(info.Pushname, _LONGEST_NAME_CHARACTERS),
        sender_alt=jid_text(source.SenderAlt) if source.SenderAlt.User else "",
    )


def receipt(event: Any) -> Receipt:
    """Translate one receipt event (neonize 0.5.2: `ReceiptEv`); of the account's own devices it is empty."""
    kinds = event.DESCRIPTOR.fields_by_name["Type"].enum_type.values_by_number
    kind = kinds[event.Type].name
    if event.MessageSource.IsFromMe or kind not in _HEARD_RECEIPTS:
        return Receipt((), arrived=False)
    message_ids = tuple(_clean(message_id, 200) for message_id in event.MessageIDs[:_MOST_RECEIPTS])
    return Receipt(message_ids, arrived=kind != _UNREADABLE)


def jid_text(jid: Any) -> str:
    """A JID as text, without its device: replies go to a person, not to one of their devices."""
    return _clean(f"{jid.User}@{jid.Server}" if jid.User else jid.Server, 200)


def _brings_keys_alone(message: Any) -> bool:
    """Whether a member of a group hands over the key of its messages, and nothing else.

    It comes under the id of the member's first message, which follows in an event of its own.
    """
    names = {field.name for field, _ in message.ListFields()}
    return bool(names & _KEYS) and names <= _KEYS | {"messageContextInfo"}


def _content(message: Any) -> tuple[Kind, str, str]:
    """What a message carries: kind, text, and the id of the message it is about."""
    if _brings_keys_alone(message):
        return Kind.PROTOCOL, "", ""
    if message.conversation:
        return Kind.TEXT, _clean(message.conversation), ""
    if message.HasField("extendedTextMessage"):
        return Kind.TEXT, _clean(message.extendedTextMessage.text), ""
    if message.HasField("protocolMessage"):
        protocol = message.protocolMessage
        target_id = _clean(protocol.key.ID, 200)
        if protocol.type == _MESSAGE_EDIT:
            return Kind.EDIT, _content(_unwrapped(protocol.editedMessage))[1], target_id
        is_revoke = protocol.HasField("type") and protocol.type == _REVOKE and bool(target_id)
        return (Kind.REVOKE if is_revoke else Kind.PROTOCOL), "", target_id
    if message.HasField("reactionMessage"):
        return (
            Kind.REACTION,
            _clean(message.reactionMessage.text, 50),
            _clean(message.reactionMessage.key.ID, 200),
        )
    for field, kind in _MEDIA.items():
        if message.HasField(field):
            return kind, _clean(getattr(getattr(message, field), "caption", "")), ""
    return Kind.OTHER, "", ""


def _unwrapped(message: Any) -> Any:
    """The message inside its envelopes (disappearing, view once, of an album, sent from another device)."""
    for _ in range(5):
        wrapper = next((name for name in _WRAPPERS if message.HasField(name)), None)
        if wrapper is None:
            break
        message = getattr(message, wrapper).message
    return message


def _context(message: Any) -> Any:
    for field in ("extendedTextMessage", *_MEDIA):
        if message.HasField(field) and getattr(message, field).HasField("contextInfo"):
            return getattr(message, field).contextInfo
    return None


def _user_on(server: str, *jids: Any) -> str:
    return next((_clean(jid.User, 100) for jid in jids if jid.Server == server and jid.User), "")


def _time(milliseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return utc_now()


def _clean(text: str, longest: int = _LONGEST_TEXT_CHARACTERS) -> str:
    """Bounded, and without NUL characters, which PostgreSQL refuses in a text."""
    return text[:longest].replace("\0", "")
