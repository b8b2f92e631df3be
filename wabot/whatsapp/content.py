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

from wabot.whatsapp.messages import MEDIA_KINDS, Kind

_LONGEST_TEXT_CHARACTERS = 65_536
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

KINDS: dict[str, Kind] = {
    "conversation": Kind.TEXT,
    "extendedTextMessage": Kind.TEXT,
    "protocolMessage": Kind.PROTOCOL,
    "reactionMessage": Kind.REACTION,
    "encReactionMessage": Kind.REACTION,
    # Media: their words are their caption.
    "imageMessage": Kind.IMAGE,
    "videoMessage": Kind.VIDEO,
    "ptvMessage": Kind.VIDEO,
    "audioMessage": Kind.AUDIO,
    "stickerMessage": Kind.STICKER,
    "stickerPackMessage": Kind.STICKER,
    "documentMessage": Kind.DOCUMENT,
    "locationMessage": Kind.LOCATION,
    "liveLocationMessage": Kind.LOCATION,
    "contactMessage": Kind.CONTACT,
    "contactsArrayMessage": Kind.CONTACT,
    # A choice says what is written on it.
    "buttonsResponseMessage": Kind.TEXT,
    "listResponseMessage": Kind.TEXT,
    "templateButtonReplyMessage": Kind.TEXT,
    "interactiveResponseMessage": Kind.TEXT,
    "questionResponseMessage": Kind.TEXT,
    "statusQuestionAnswerMessage": Kind.TEXT,
    # What businesses and their programs write.
    "templateMessage": Kind.TEXT,
    "highlyStructuredMessage": Kind.TEXT,
    "listMessage": Kind.TEXT,
    "buttonsMessage": Kind.TEXT,
    "interactiveMessage": Kind.TEXT,
    "richResponseMessage": Kind.TEXT,
    "orderMessage": Kind.ORDER,
    "productMessage": Kind.PRODUCT,
    "sendPaymentMessage": Kind.PAYMENT,
    "requestPaymentMessage": Kind.PAYMENT,
    "declinePaymentRequestMessage": Kind.PAYMENT,
    "cancelPaymentRequestMessage": Kind.PAYMENT,
    "paymentInviteMessage": Kind.PAYMENT,
    "paymentReminderMessage": Kind.PAYMENT,
    "splitPaymentMessage": Kind.PAYMENT,
    "splitPaymentUpdateMessage": Kind.PAYMENT,
    "invoiceMessage": Kind.PAYMENT,
    "pollCreationMessage": Kind.POLL,
    "pollCreationMessageV2": Kind.POLL,
    "pollCreationMessageV3": Kind.POLL,
    "pollCreationMessageV5": Kind.POLL,
    "pollCreationMessageV6": Kind.POLL,
    "pollResultSnapshotMessage": Kind.POLL,
    "pollResultSnapshotMessageV3": Kind.POLL,
    "eventMessage": Kind.EVENT,
    "eventInviteMessage": Kind.EVENT,
    "scheduledCallCreationMessage": Kind.EVENT,
    "groupInviteMessage": Kind.INVITE,
    "newsletterAdminInviteMessage": Kind.INVITE,
    "newsletterFollowerInviteMessageV2": Kind.INVITE,
    # Marks on another message, without words.
    "pollUpdateMessage": Kind.MARK,
    "pollAddOptionMessage": Kind.MARK,
    "encEventResponseMessage": Kind.MARK,
    "keepInChatMessage": Kind.MARK,
    "pinInChatMessage": Kind.MARK,
    "statusStickerInteractionMessage": Kind.MARK,
    "statusNotificationMessage": Kind.MARK,
    # Devices among themselves; an album only announces its pictures, which come each by itself.
    "albumMessage": Kind.PROTOCOL,
    "stickerSyncRmrMessage": Kind.PROTOCOL,
    "messageHistoryBundle": Kind.PROTOCOL,
    "messageHistoryNotice": Kind.PROTOCOL,
    "groupRootKeyShare": Kind.PROTOCOL,
    "rootSecretDistributeMessage": Kind.PROTOCOL,
    "statusLinkPreviewMetadata": Kind.PROTOCOL,
    # Only a person can read them, or make something of them.
    "call": Kind.OTHER,
    "callLogMesssage": Kind.OTHER,
    "bcallMessage": Kind.OTHER,
    "scheduledCallEditMessage": Kind.OTHER,
    "chat": Kind.OTHER,
    "requestPhoneNumberMessage": Kind.OTHER,
    "placeholderMessage": Kind.OTHER,
    "encCommentMessage": Kind.OTHER,
    "secretEncryptedMessage": Kind.OTHER,
    "conditionalRevealMessage": Kind.OTHER,
    "musicMessage": Kind.OTHER,
    "statusQuotedMessage": Kind.OTHER,
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
_LABELS = ("caption", "fileName", "title", "displayName", "name", "address")
_LONGEST_NONCE_BYTES, _LONGEST_SEALED_BYTES = 128, 4 * _LONGEST_TEXT_CHARACTERS
_SECRET_BYTES = 32
_LONGEST_SECONDS = 2**31 - 1
_REVOKE, _MESSAGE_EDIT = 0, 14  # waE2E.ProtocolMessage.Type
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

    kind: Kind
    text: str = ""
    target_id: str = ""
    sealed: str = ""


def content_of(message: Any) -> Content:
    """What an unwrapped message carries."""
    return _content(message, _DEEPEST)


def _content(message: Any, depth: int) -> Content:
    name, carried = _carried(message)
    if carried is None:
        return Content(Kind.PROTOCOL if _only_hands_over_keys(message) else Kind.OTHER)
    kind = KINDS.get(name, Kind.OTHER)
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
        return Content(Kind.EDIT, "", clean(carried.targetMessageKey.ID, 200), sealed)
    if kind is Kind.REACTION:
        key = carried.key if name == "reactionMessage" else carried.targetMessageKey
        return Content(kind, clean(getattr(carried, "text", ""), 50), clean(key.ID, 200))
    if kind in MEDIA_KINDS:
        return Content(kind, clean(getattr(carried, "caption", "")))
    if kind in (Kind.MARK, Kind.PROTOCOL):
        return Content(kind)
    text = _words(carried, depth)
    return Content(Kind.OTHER if kind is Kind.TEXT and not text else kind, text)


def title_of(message: Any) -> str:
    """What an unwrapped message is called where it is quoted: its words, its name, or what it is."""
    _name, carried = _carried(message)
    if carried is None:
        return ""
    content = content_of(message)
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


def expiration_of(message: Any) -> int | None:
    """After how many seconds the chat's messages disappear, 0 for never; None where a message cannot say."""
    name, carried = _carried(message)
    if name == "conversation":
        return 0
    if carried is None or "contextInfo" not in carried.DESCRIPTOR.fields_by_name:
        return None
    return min(int(carried.contextInfo.expiration), _LONGEST_SECONDS)


def secret_of(*messages: Any) -> str:
    """The secret of a message, which may stand in or around its envelopes, in hexadecimal; or ""."""
    secrets = (bytes(message.messageContextInfo.messageSecret) for message in messages)
    return next((secret.hex() for secret in secrets if len(secret) == _SECRET_BYTES), "")


def clean(text: str | bytes, longest: int = _LONGEST_TEXT_CHARACTERS) -> str:
    """A text of the library's, bounded, and without NUL characters, which PostgreSQL refuses in a text.

    Where it is no valid UTF-8, protobuf gives its bytes.
    """
    if isinstance(text, bytes):
        text = text[: 4 * longest].decode(errors="replace")
    return text[:longest].replace("\0", "")


def _carried(message: Any) -> tuple[str, Any]:
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
        return Content(Kind.EDIT, content_of(unwrapped(protocol.editedMessage)).text, target_id)
    is_revoke = protocol.HasField("type") and protocol.type == _REVOKE and bool(target_id)
    return Content(Kind.REVOKE if is_revoke else Kind.PROTOCOL, "", target_id)


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
    return "\n".join(found)[:_LONGEST_TEXT_CHARACTERS]


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
