"""What a message of the client library's carries: its kind, its words, and the title it is quoted by.

Works on the protobuf object by the types of its fields, and imports nothing of the library: an envelope, or a
text, of a kind that WhatsApp adds later is read as far as the library knows it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from wabot.whatsapp.messages import DETAIL_KINDS, MEDIA_KINDS, MessageKind
from wabot.whatsapp.reading.places import cards_in_words, place_in_words
from wabot.whatsapp.reading.text_fields import LONGEST_TEXT_CHARACTERS, clean

_DEEPEST = 6
_MOST_WORDS = 200

ACCOMPANYING = frozenset(
    {
        "messageContextInfo",
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
    }
)
"""What stands beside a message, or comes alone to hand over keys: never a message itself."""

KINDS: dict[str, MessageKind] = {
    "conversation": MessageKind.TEXT,
    "extendedTextMessage": MessageKind.TEXT,
    "protocolMessage": MessageKind.PROTOCOL,
    "reactionMessage": MessageKind.REACTION,
    "encReactionMessage": MessageKind.REACTION,
    # Media: their words are their caption.
    "imageMessage": MessageKind.IMAGE,
    "videoMessage": MessageKind.VIDEO,
    "ptvMessage": MessageKind.VIDEO,
    "audioMessage": MessageKind.AUDIO,
    "stickerMessage": MessageKind.STICKER,
    "stickerPackMessage": MessageKind.STICKER,
    "documentMessage": MessageKind.DOCUMENT,
    # Where something is, and how somebody is reached, in a line of words.
    "locationMessage": MessageKind.LOCATION,
    "liveLocationMessage": MessageKind.LOCATION,
    "contactMessage": MessageKind.CONTACT,
    "contactsArrayMessage": MessageKind.CONTACT,
    # A choice says what is written on it.
    "buttonsResponseMessage": MessageKind.TEXT,
    "listResponseMessage": MessageKind.TEXT,
    "templateButtonReplyMessage": MessageKind.TEXT,
    "interactiveResponseMessage": MessageKind.TEXT,
    "questionResponseMessage": MessageKind.TEXT,
    "statusQuestionAnswerMessage": MessageKind.TEXT,
    # What businesses and their programs write.
    "templateMessage": MessageKind.TEXT,
    "highlyStructuredMessage": MessageKind.TEXT,
    "listMessage": MessageKind.TEXT,
    "buttonsMessage": MessageKind.TEXT,
    "interactiveMessage": MessageKind.TEXT,
    "richResponseMessage": MessageKind.TEXT,
    "orderMessage": MessageKind.ORDER,
    "productMessage": MessageKind.PRODUCT,
    "sendPaymentMessage": MessageKind.PAYMENT,
    "requestPaymentMessage": MessageKind.PAYMENT,
    "declinePaymentRequestMessage": MessageKind.PAYMENT,
    "cancelPaymentRequestMessage": MessageKind.PAYMENT,
    "paymentInviteMessage": MessageKind.PAYMENT,
    "paymentReminderMessage": MessageKind.PAYMENT,
    "splitPaymentMessage": MessageKind.PAYMENT,
    "splitPaymentUpdateMessage": MessageKind.PAYMENT,
    "invoiceMessage": MessageKind.PAYMENT,
    "pollCreationMessage": MessageKind.POLL,
    "pollCreationMessageV2": MessageKind.POLL,
    "pollCreationMessageV3": MessageKind.POLL,
    "pollCreationMessageV5": MessageKind.POLL,
    "pollCreationMessageV6": MessageKind.POLL,
    "pollResultSnapshotMessage": MessageKind.POLL,
    "pollResultSnapshotMessageV3": MessageKind.POLL,
    "eventMessage": MessageKind.EVENT,
    "eventInviteMessage": MessageKind.EVENT,
    "scheduledCallCreationMessage": MessageKind.EVENT,
    "groupInviteMessage": MessageKind.INVITE,
    "newsletterAdminInviteMessage": MessageKind.INVITE,
    "newsletterFollowerInviteMessageV2": MessageKind.INVITE,
    # Marks on another message, without words.
    "pollUpdateMessage": MessageKind.MARK,
    "pollAddOptionMessage": MessageKind.MARK,
    "encEventResponseMessage": MessageKind.MARK,
    "keepInChatMessage": MessageKind.MARK,
    "pinInChatMessage": MessageKind.MARK,
    "statusStickerInteractionMessage": MessageKind.MARK,
    "statusNotificationMessage": MessageKind.MARK,
    # Devices among themselves; an album only announces its pictures, which come each by itself.
    "albumMessage": MessageKind.PROTOCOL,
    "stickerSyncRmrMessage": MessageKind.PROTOCOL,
    "messageHistoryBundle": MessageKind.PROTOCOL,
    "messageHistoryNotice": MessageKind.PROTOCOL,
    "groupRootKeyShare": MessageKind.PROTOCOL,
    "rootSecretDistributeMessage": MessageKind.PROTOCOL,
    "statusLinkPreviewMetadata": MessageKind.PROTOCOL,
    # Only a person can read them, or make something of them.
    "call": MessageKind.OTHER,
    "callLogMesssage": MessageKind.OTHER,
    "bcallMessage": MessageKind.OTHER,
    "scheduledCallEditMessage": MessageKind.OTHER,
    "chat": MessageKind.OTHER,
    "requestPhoneNumberMessage": MessageKind.OTHER,
    "placeholderMessage": MessageKind.OTHER,
    "encCommentMessage": MessageKind.OTHER,
    "secretEncryptedMessage": MessageKind.OTHER,
    "conditionalRevealMessage": MessageKind.OTHER,
    "musicMessage": MessageKind.OTHER,
    "statusQuotedMessage": MessageKind.OTHER,
}
"""What each field of a message is; a field that is not here is OTHER, and its words are read."""

_WORDS = frozenset(
    {
        *("text", "caption", "message", "body", "note", "title", "subtitle", "name", "displayName"),
        *("description", "comment", "address", "orderTitle", "eventTitle", "groupName", "newsletterName"),
        *("contentText", "hydratedContentText", "hydratedTitleText", "selectedDisplayText", "optionName"),
        *("packDescription", "messageText", "song", "author"),
    }
)
"""Names under which types carry what people read."""
_CHOSEN = frozenset({"selectedRowID", "selectedButtonID", "selectedID"})
# A quote is not said now, thumbnails say nothing, and the names in flows are the program's.
_WITHOUT_WORDS = frozenset({"ContextInfo", "MessageContextInfo", "MessageKey", "NativeFlowMessage"})
_FLOW = "NativeFlowResponseMessage"
_LABELS = ("caption", "fileName", "title", "displayName", "name")
_LONGEST_NONCE_BYTES, _LONGEST_SEALED_BYTES = 128, 4 * LONGEST_TEXT_CHARACTERS
_SECRET_BYTES = 32
_LONGEST_SECONDS = 2**31 - 1
_REVOKE, _MESSAGE_EDIT = 0, 14  # waE2E.ProtocolMessage.Type
_MEDIA_ALBUM, _TWINS = 1, frozenset({5, 10, 17})  # waE2E.MessageAssociation.AssociationType
_MOST_IN_ALBUM = 100
_SEALED_MESSAGE_EDIT = 2  # waE2E.SecretEncryptedMessage.SecretEncType


@dataclass(frozen=True, slots=True)
class Content:
    """What a message carries.

    Attributes:
        kind: as what it is treated.
        text: its words, or for a reaction its emoji.
        target_id: the message it is about, or "".
        sealed: an edit that is encrypted: its nonce and its content in hexadecimal, with a blank between.
    """

    kind: MessageKind
    text: str = ""
    target_id: str = ""
    sealed: str = ""


def content_of(message: Any) -> Content:
    """What an unwrapped message carries."""
    return _content(message, _DEEPEST)


def _content(message: Any, depth: int) -> Content:
    name, carried = carried_by(message)
    if carried is None:
        return Content(MessageKind.PROTOCOL if _only_hands_over_keys(message) else MessageKind.OTHER)
    kind = KINDS.get(name, MessageKind.OTHER)
    if name == "conversation":
        return Content(kind, clean(carried))
    if name == "extendedTextMessage":
        return Content(kind, clean(carried.text))
    if name == "protocolMessage":
        return _protocol(carried)
    if name == "secretEncryptedMessage" and carried.secretEncType == _SEALED_MESSAGE_EDIT:
        sealed = (
            f"{carried.encIV[:_LONGEST_NONCE_BYTES].hex()} {carried.encPayload[:_LONGEST_SEALED_BYTES].hex()}"
        )
        return Content(MessageKind.EDIT, "", clean(carried.targetMessageKey.ID, 200), sealed)
    if kind is MessageKind.REACTION:
        key = carried.key if name == "reactionMessage" else carried.targetMessageKey
        return Content(kind, clean(getattr(carried, "text", ""), 50), clean(key.ID, 200))
    if kind in DETAIL_KINDS:
        return _details(name, carried)
    if kind in MEDIA_KINDS:
        return Content(kind, clean(getattr(carried, "caption", "")))
    if kind in (MessageKind.MARK, MessageKind.PROTOCOL):
        return Content(kind)
    text = _words(carried, depth)
    return Content(MessageKind.OTHER if kind is MessageKind.TEXT and not text else kind, text)


def _details(name: str, carried: Any) -> Content:
    if name == "contactMessage":
        return Content(MessageKind.CONTACT, cards_in_words([carried]))
    if name == "contactsArrayMessage":
        return Content(MessageKind.CONTACT, cards_in_words(carried.contacts))
    # Of somebody who moves, each step is a message of its own: the first says it all.
    has_moved = name == "liveLocationMessage" and carried.timeOffset > 0
    return Content(MessageKind.MARK if has_moved else MessageKind.LOCATION, place_in_words(carried))


def title_of(message: Any) -> str:
    """What an unwrapped message is called where it is quoted: its words, its name, or what it is."""
    _name, carried = carried_by(message)
    if carried is None:
        return ""
    content = content_of(message)
    if content.kind in DETAIL_KINDS:
        return f"[{content.kind}] {content.text}".rstrip()
    if content.text or content.kind not in MEDIA_KINDS:
        return content.text or f"[{content.kind}]"
    labels = (clean(getattr(carried, label, "")) for label in _LABELS)
    label = next(filter(None, labels), "")
    return f"[{content.kind}] {label}".rstrip()


def unwrapped(message: Any) -> Any:
    """The message inside its envelopes, which are nothing but a message, and perhaps where it belongs."""
    # It ends: protobuf reads a hundred levels at most.
    while True:
        inside = next((value.message for field, value in message.ListFields() if _holds(field, value)), None)
        if inside is None:
            return message
        message = inside


@cache
def is_envelope(field: Any) -> bool:
    """Whether this field of a message, by its type, is an envelope around another message."""
    inner = field.message_type.fields_by_name.get("message") if field.message_type else None
    return inner is not None and inner.message_type == field.containing_type


def context_of(message: Any) -> Any:
    """What an unwrapped message says of where it stands (quote, mentions, timer), or None."""
    for field, value in message.ListFields():
        if _has_context(field) and value.HasField("contextInfo"):
            return value.contextInfo
    return None


@cache
def _has_context(field: Any) -> bool:
    return field.message_type is not None and "contextInfo" in field.message_type.fields_by_name


@dataclass(frozen=True, slots=True)
class Association:
    """What a message belongs to.

    Attributes:
        album_id: the message that announced the album which it is part of, or "".
        album_size: how many pictures and videos it announces itself.
        is_twin: it brings once more, in more detail, what another message brought.
    """

    album_id: str = ""
    album_size: int = 0
    is_twin: bool = False


def association_of(*messages: Any) -> Association:
    """What a message, seen in and around its envelopes, belongs to."""
    for message in messages:
        together = message.messageContextInfo.messageAssociation
        if together.associationType == _MEDIA_ALBUM:
            return Association(album_id=clean(together.parentMessageKey.ID, 200))
        if together.associationType in _TWINS and together.parentMessageKey.ID:
            return Association(is_twin=True)
    album = messages[0].albumMessage
    return Association(album_size=min(album.expectedImageCount + album.expectedVideoCount, _MOST_IN_ALBUM))


def expiration_of(message: Any) -> int | None:
    """After how many seconds the chat's messages disappear, 0 for never; None where a message cannot say."""
    name, carried = carried_by(message)
    if name == "conversation":
        return 0
    if carried is None or "contextInfo" not in carried.DESCRIPTOR.fields_by_name:
        return None
    return min(int(carried.contextInfo.expiration), _LONGEST_SECONDS)


def secret_of(*messages: Any) -> str:
    """The secret of a message, which may stand in or around its envelopes, in hexadecimal; or ""."""
    secrets = (bytes(message.messageContextInfo.messageSecret) for message in messages)
    return next((secret.hex() for secret in secrets if len(secret) == _SECRET_BYTES), "")


def carried_by(message: Any) -> tuple[str, Any]:
    """The field that makes the message what it is, by its name, and its value; None where nothing does."""
    if message.conversation:
        return "conversation", message.conversation
    carried = {
        field.name: value
        for field, value in message.ListFields()
        if field.name not in ACCOMPANYING and field.name != "conversation"
    }
    name = next(iter(carried), "")
    if len(carried) > 1:
        name = next((known for known in KINDS if known in carried), name)
    return name, carried.get(name)


def _only_hands_over_keys(message: Any) -> bool:
    """Whether there are keys and nothing else, not even something that the library has no name for."""
    names = {field.name for field, _value in message.ListFields()} - {"messageContextInfo"}
    if not names or not names <= ACCOMPANYING:
        return False
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return bool(known.ByteSize() == message.ByteSize())


def _protocol(protocol: Any) -> Content:
    target_id = clean(protocol.key.ID, 200)
    if protocol.type == _MESSAGE_EDIT:
        return Content(MessageKind.EDIT, content_of(unwrapped(protocol.editedMessage)).text, target_id)
    is_revoke = protocol.HasField("type") and protocol.type == _REVOKE and bool(target_id)
    return Content(MessageKind.REVOKE if is_revoke else MessageKind.PROTOCOL, "", target_id)


def _holds(field: Any, value: Any) -> bool:
    return is_envelope(field) and bool(value.HasField("message"))


def _words(carried: Any, depth: int) -> str:
    """All that people read in it, each once; failing that, the name of what was chosen."""
    if not hasattr(carried, "ListFields"):
        return ""
    return _joined(_walk(carried, _WORDS, depth)) or _joined(_walk(carried, _CHOSEN, depth))


def _joined(words: Iterator[str]) -> str:
    """Each once, as long as there is room."""
    found = dict.fromkeys(word.strip() for word in islice(words, _MOST_WORDS) if word.strip())
    return "\n".join(found)[:LONGEST_TEXT_CHARACTERS]


def _walk(message: Any, names: frozenset[str], depth: int) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.message_type is None:
            if field.name in names:
                yield from map(clean, value if field.is_repeated else (value,))
        elif depth and field.message_type.name == _FLOW:
            yield from _of_flow(clean(value.paramsJSON))
        elif depth and field.message_type.name not in _WITHOUT_WORDS:
            for inner in value if field.is_repeated else (value,):
                if field.message_type.full_name == "WAWebProtobufsE2E.Message":
                    # With the depth that is left: each message inside a message is looked at twice.
                    yield _content(unwrapped(inner), depth - 1).text
                else:
                    yield from _walk(inner, names, depth - 1)


def _of_flow(parameters: str) -> Iterator[str]:
    """What somebody filled in, without the program's own ids."""
    try:
        filled = json.loads(parameters)
    except (ValueError, RecursionError):
        return
    if isinstance(filled, dict):
        for name, value in filled.items():
            if isinstance(value, str) and not name.lower().endswith(("token", "id")):
                yield clean(value)
