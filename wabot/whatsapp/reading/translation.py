"""Turns a message event of the client library into an `IncomingMessage`.

Works on the protobuf object by its fields alone and imports nothing of the library.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wabot.clock import utc_now
from wabot.config.phone_numbers import LID_SERVER, PHONE_SERVER
from wabot.whatsapp.messages import IncomingMessage, MessageKind, Receipt
from wabot.whatsapp.reading.attachments import attachment_of
from wabot.whatsapp.reading.content import (
    Content,
    association_of,
    content_of,
    context_of,
    expiration_of,
    secret_of,
    title_of,
    unwrapped,
)
from wabot.whatsapp.reading.text_fields import clean

_LONGEST_NAME_CHARACTERS = 200
# A business whose number WhatsApp serves itself writes from a device of these; answers go to its number.
_HOSTED = {"hosted": PHONE_SERVER, "hosted.lid": LID_SERVER}
_UNREADABLE = "RETRY"
_FAIL_HIDDEN = 2  # neonize's UndecryptableMessage.DecryptFailModeT
_VIEW_ONCE = "view_once"
_HEARD_RECEIPTS = frozenset({"DELIVERED", "INACTIVE", "READ", "PLAYED", _UNREADABLE})
_MOST_RECEIPTS = 1000


def incoming_message(event: Any) -> IncomingMessage:
    """Translate one message event (neonize 0.5.2: `MessageEv`).

    `Info.Timestamp` is in milliseconds here, unlike in receipts and send responses (measured).
    """
    info = event.Info
    source = info.MessageSource
    message = unwrapped(event.Message)
    content = content_of(message)
    other = (source.Chat, source.RecipientAlt if source.IsFromMe else source.SenderAlt)
    context = context_of(message)
    association = association_of(message, event.Message)
    if association.is_twin:
        content = Content(MessageKind.MARK)
    return IncomingMessage(
        chat=jid_text(source.Chat),
        message_id=clean(info.ID, 200),
        sender=jid_text(source.Sender),
        phone=_user_on(PHONE_SERVER, *other) if not source.IsGroup else "",
        lid=_user_on(LID_SERVER, *other) if not source.IsGroup else "",
        from_me=bool(source.IsFromMe),
        kind=content.kind,
        text=content.text,
        sent_at=_time(info.Timestamp),
        target_id=content.target_id or (clean(context.stanzaID, 200) if context is not None else ""),
        quoted_text=title_of(unwrapped(context.quotedMessage)) if context is not None else "",
        quoted_sender=_user_of(context.participant) if context is not None else "",
        mentions=tuple(_user_of(jid) for jid in list(context.mentionedJID)[:100])
        if context is not None
        else (),
        name=clean(info.Pushname, _LONGEST_NAME_CHARACTERS),
        sender_alt=jid_text(source.SenderAlt) if source.SenderAlt.User else "",
        expiration_seconds=expiration_of(message),
        secret=secret_of(message, event.Message),
        sealed=content.sealed,
        attachment=attachment_of(message) if not association.is_twin else None,
        album_id=association.album_id,
        album_size=association.album_size,
    )


def edited_text(message: Any) -> str:
    """What an opened edit says, whether it is the new message itself or the order to put it in place."""
    return content_of(unwrapped(message)).text


def undecryptable_message(event: Any, unavailable_type: str = "") -> IncomingMessage:
    """Translate one event of a message that could not be read (neonize 0.5.2: `UndecryptableMessageEv`).

    Args:
        event: the event.
        unavailable_type: what the library says of one that WhatsApp keeps from linked devices, or "".
    """
    info = event.Info
    source = info.MessageSource
    other = (source.Chat, source.RecipientAlt if source.IsFromMe else source.SenderAlt)
    return IncomingMessage(
        chat=jid_text(source.Chat),
        message_id=clean(info.ID, 200),
        sender=jid_text(source.Sender),
        phone=_user_on(PHONE_SERVER, *other) if not source.IsGroup else "",
        lid=_user_on(LID_SERVER, *other) if not source.IsGroup else "",
        from_me=bool(source.IsFromMe),
        kind=_kind_of_undecryptable(event, unavailable_type),
        text="",
        sent_at=_time(info.Timestamp),
        name=clean(info.Pushname, _LONGEST_NAME_CHARACTERS),
        sender_alt=jid_text(source.SenderAlt) if source.SenderAlt.User else "",
    )


def _kind_of_undecryptable(event: Any, unavailable_type: str) -> MessageKind:
    if event.Info.Category == "peer":
        return MessageKind.PROTOCOL
    if event.DecryptFailMode == _FAIL_HIDDEN:
        return MessageKind.HIDDEN
    # Pictures and videos are what can be seen once; what the library says in its log is more exact.
    seen_once = unavailable_type == _VIEW_ONCE if unavailable_type else event.Info.Type == "media"
    return MessageKind.WITHHELD if event.IsUnavailable and seen_once else MessageKind.SPOILT


def receipt(event: Any) -> Receipt:
    """Translate one receipt event (neonize 0.5.2: `ReceiptEv`); of the account's own devices it is empty."""
    kinds = event.DESCRIPTOR.fields_by_name["Type"].enum_type.values_by_number
    kind = kinds[event.Type].name
    if event.MessageSource.IsFromMe or kind not in _HEARD_RECEIPTS:
        return Receipt((), arrived=False)
    message_ids = tuple(clean(message_id, 200) for message_id in event.MessageIDs[:_MOST_RECEIPTS])
    return Receipt(message_ids, arrived=kind != _UNREADABLE)


def jid_text(jid: Any) -> str:
    """A JID as text, without its device: replies go to a person, not to one of their devices."""
    user, server = clean(jid.User, 200), clean(_server_of(jid), 200)
    return f"{user}@{server}"[:200] if user else server


def _user_of(jid: str | bytes) -> str:
    """The user part of a JID, without its device."""
    return clean(jid, 200).partition("@")[0].partition(":")[0]


def _user_on(server: str, *jids: Any) -> str:
    return next((clean(jid.User, 100) for jid in jids if _server_of(jid) == server and jid.User), "")


def _server_of(jid: Any) -> str | bytes:
    server: str | bytes = jid.Server
    return _HOSTED.get(server, server) if isinstance(server, str) else server


def _time(milliseconds: int) -> datetime:
    if milliseconds <= 0:
        # It has none, for which the library has a time of its own in the year 1.
        return utc_now()
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return utc_now()
