"""What stands inside an encrypted message: building and reading waE2E.Message.

Field numbers are those of waE2E.proto as neonize 0.5.2 carries it. Everything here is without padding, except
what `pad` returns and `unpad` takes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wabot.emulator.crypto import hkdf
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import Fields, ProtobufError

_PATH = "/v/emulated.enc"
_URL = "https://mmg.whatsapp.net" + _PATH
_FILE_BYTES = 4096
_DOCUMENT_WITH_CAPTION = 53  # a message around the document


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which fields a kind of media has, and what a placeholder of it claims to be."""

    number: int
    mimetype: str
    url_field: int
    mimetype_field: int
    file_sha256_field: int
    file_length_field: int
    media_key_field: int
    file_enc_sha256_field: int
    direct_path_field: int
    caption_field: int | None
    more: tuple[tuple[int, int | str], ...]


_LAYOUTS: Mapping[str, _Layout] = {
    # more: height and width
    "image": _Layout(3, "image/jpeg", 1, 2, 4, 5, 8, 9, 11, 3, ((6, 480), (7, 640))),
    # more: seconds, height and width
    "video": _Layout(9, "video/mp4", 1, 2, 3, 4, 6, 11, 13, 7, ((5, 8), (9, 480), (10, 640))),
    # more: seconds, and that it is a voice message
    "audio": _Layout(8, "audio/ogg; codecs=opus", 1, 2, 3, 4, 7, 8, 9, None, ((5, 7), (6, 1))),
    # more: height and width
    "sticker": _Layout(26, "image/webp", 1, 5, 2, 9, 4, 3, 8, None, ((6, 64), (7, 64))),
    # more: file name
    "document": _Layout(7, "application/pdf", 1, 2, 4, 5, 7, 9, 10, 20, ((8, "document.pdf"),)),
}
MEDIA_KINDS = tuple(_LAYOUTS)


def placeholder(kind: str, caption: str = "") -> bytes:
    """A waE2E.Message with media of one of MEDIA_KINDS; its hashes and keys are random, its address is dead.

    Raises ValueError for another kind, or for a caption on a kind that has none (audio, sticker).
    """
    layout = _LAYOUTS.get(kind)
    if layout is None:
        raise ValueError(f"{kind!r} is no kind of media: one of {', '.join(MEDIA_KINDS)}")
    fields: list[tuple[int, int | bytes | str]] = [
        (layout.url_field, _URL),
        (layout.mimetype_field, layout.mimetype),
        (layout.file_sha256_field, secrets.token_bytes(32)),
        (layout.file_length_field, _FILE_BYTES),
        (layout.media_key_field, secrets.token_bytes(32)),
        (layout.file_enc_sha256_field, secrets.token_bytes(32)),
        (layout.direct_path_field, _PATH),
        *layout.more,
    ]
    if caption:
        if layout.caption_field is None:
            raise ValueError(f"a message of kind {kind} has no caption")
        fields.append((layout.caption_field, caption))
    message = protobuf.encode([(layout.number, protobuf.encode(fields))])
    if kind == "document" and caption:
        return protobuf.encode([(_DOCUMENT_WITH_CAPTION, protobuf.encode([(1, message)]))])
    return message


def kind_and_caption(message: Fields) -> tuple[str, str] | None:
    """The kind of media in a decoded waE2E.Message and its caption, or None when there is no media in it."""
    for kind, layout in _LAYOUTS.items():
        if layout.number in message:
            described = protobuf.decode(protobuf.first_bytes(message, layout.number))
            if layout.caption_field is None or layout.caption_field not in described:
                return kind, ""
            return kind, protobuf.first_bytes(described, layout.caption_field).decode(errors="replace")
    return None


__all__ = [
    "MEDIA_KINDS",
    "Content",
    "PlaintextError",
    "Quote",
    "device_sent",
    "edit",
    "media",
    "new_message_secret",
    "pad",
    "reaction",
    "read",
    "revoke",
    "sealed_edit",
    "text",
    "unpad",
]

MESSAGE_SECRET_SIZE = 32
MAX_PADDING = 15
_MAX_WRAPPERS = 5  # messages inside messages that `read` opens

_CONVERSATION = 1
_EXTENDED_TEXT = 6
_PROTOCOL = 12
_DEVICE_SENT = 31
_CONTEXT = 35
_REACTION = 46
_EDITED = 58
# viewOnce, ephemeral, documentWithCaption, edited: each is a message with another one in field 1
_WRAPPERS = (37, 40, 53, _EDITED)
_SECRET_ENCRYPTED = 82
_SEALED_MESSAGE_EDIT = 2  # SecretEncryptedMessage.SecretEncType.MESSAGE_EDIT
_EXPIRATION = 25  # of ContextInfo
_REVOKE_TYPE = 0
_EDIT_TYPE = 14


class PlaintextError(ValueError):
    """What was decrypted is not a message."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that a reply quotes; `sender` is the JID of who wrote it.

    It is a text, or `message` (a waE2E.Message).
    """

    message_id: str
    sender: str
    text: str
    message: bytes | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says.

    `kind` is "text", one of MEDIA_KINDS, "reaction", "edit", "revoke", "protocol" (any other of its kind)
    or "other". `text` is the text, caption, emoji or new text. `target_id` is the message that is quoted,
    edited, revoked or reacted to. `destination` is the chat's JID when a device tells another one of its
    account what it sent. `mentions` are the JIDs it marks as mentioned. It disappears `expiration_seconds`
    after it was read (0: never).
    """

    kind: str
    text: str = ""
    target_id: str | None = None
    destination: str | None = None
    message_secret: bytes | None = field(default=None, repr=False)
    mentions: tuple[str, ...] = ()
    expiration_seconds: int = 0


def pad(message: bytes) -> bytes:
    """`message` with n bytes of value n behind it, n random from 1 to 15."""
    size = secrets.randbelow(MAX_PADDING) + 1
    return message + bytes([size]) * size


def unpad(plaintext: bytes) -> bytes:
    """The message without its padding; raises PlaintextError when the padding is wrong."""
    size = plaintext[-1] if plaintext else 0
    if not size or plaintext[-size:] != bytes([size]) * size:
        raise PlaintextError("the padding of the message is wrong")
    return plaintext[:-size]


def new_message_secret() -> bytes:
    """A secret as the official apps put one into every message; reactions and edits are keyed with it."""
    return secrets.token_bytes(MESSAGE_SECRET_SIZE)


def text(
    body: str,
    *,
    quote: Quote | None = None,
    mentions: Sequence[str] = (),
    message_secret: bytes | None = None,
    expiration_seconds: int = 0,
) -> bytes:
    """A text; an extendedTextMessage with a `quote`, `mentions` (JIDs meant by "@digits") or a timer."""
    context_info: list[tuple[int, int | bytes | str]] = [(15, mention) for mention in mentions]
    if quote is not None:
        quoted = (
            quote.message if quote.message is not None else protobuf.encode([(_CONVERSATION, quote.text)])
        )
        context_info += [(1, quote.message_id), (2, quote.sender), (3, quoted)]
    if expiration_seconds:
        context_info.append((_EXPIRATION, expiration_seconds))
    if not context_info:
        return protobuf.encode([(_CONVERSATION, body)]) + _context(message_secret)
    extended = protobuf.encode([(1, body), (17, protobuf.encode(context_info))])
    return protobuf.encode([(_EXTENDED_TEXT, extended)]) + _context(message_secret)


def media(kind: str, *, caption: str = "", message_secret: bytes | None = None) -> bytes:
    """A placeholder for media of one of MEDIA_KINDS; ValueError for other kinds or misplaced captions."""
    return placeholder(kind, caption) + _context(message_secret)


def reaction(chat: str, message_id: str, emoji: str, *, from_me: bool, at: int) -> bytes:
    """A reaction to the message `message_id` in `chat` (a JID); an empty `emoji` takes an earlier one back.

    `from_me` says whether who reacts also wrote that message; `at` is in Unix milliseconds.
    """
    return protobuf.encode(
        [(_REACTION, protobuf.encode([(1, _key(chat, message_id, from_me)), (2, emoji), (4, at)]))]
    )


def edit(chat: str, message_id: str, new_text: str, *, at: int) -> bytes:
    """The sender's edit of its message `message_id` in `chat` (a JID); `at` is in Unix milliseconds."""
    protocol = protobuf.encode(
        [(1, _key(chat, message_id, from_me=True)), (2, _EDIT_TYPE), (14, text(new_text)), (15, at)]
    )
    return protobuf.encode([(_EDITED, protobuf.encode([(1, protobuf.encode([(_PROTOCOL, protocol)]))]))])


def sealed_edit(chat: str, message_id: str, new_text: str, *, secret: bytes, sender: str, at: int) -> bytes:
    """The same edit as newer apps send it: encrypted with the `secret` of the message that is changed.

    `sender` is the JID of who wrote and changes it. Key and nonce as whatsmeow makes them (msgsecret.go).
    """
    info = f"{message_id}{sender}{sender}Message Edit".encode()
    protocol = protobuf.encode(
        [(1, _key(chat, message_id, from_me=True)), (2, _EDIT_TYPE), (14, text(new_text)), (15, at)]
    )
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(hkdf(secret, b"", info, 32)).encrypt(
        nonce, protobuf.encode([(_PROTOCOL, protocol)]), None
    )
    fields: list[tuple[int, int | bytes | str]] = [
        (1, _key(chat, message_id, from_me=True)),
        (2, sealed),
        (3, nonce),
        (4, _SEALED_MESSAGE_EDIT),
    ]
    return protobuf.encode([(_SECRET_ENCRYPTED, protobuf.encode(fields))])


def revoke(chat: str, message_id: str) -> bytes:
    """The sender's deletion, for everyone, of its message `message_id` in `chat` (a JID)."""
    return protobuf.encode(
        [(_PROTOCOL, protobuf.encode([(1, _key(chat, message_id, from_me=True)), (2, _REVOKE_TYPE)]))]
    )


def device_sent(destination: str, message: bytes) -> bytes:
    """What a device tells the others of its account: it sent `message` to the chat `destination` (a JID)."""
    return protobuf.encode([(_DEVICE_SENT, protobuf.encode([(1, destination), (2, message)]))])


def read(message: bytes) -> Content:
    """What `message` says; raises PlaintextError when it is not a waE2E.Message."""
    try:
        return _read(message)
    except ProtobufError as error:
        raise PlaintextError(f"this is not a message: {error}") from error


def _read(message: bytes) -> Content:
    fields = protobuf.decode(message)
    secret = _secret(fields)
    destination = None
    for _ in range(_MAX_WRAPPERS):
        wrapper = next((number for number in _WRAPPERS if number in fields), None)
        if _DEVICE_SENT in fields:
            sent = _inside(fields, _DEVICE_SENT)
            destination = _text(sent, 1)
            fields = _inside(sent, 2)
        elif wrapper is not None:
            fields = _inside(_inside(fields, wrapper), 1)
        else:
            break
        secret = secret or _secret(fields)
    kind, body, target_id = _read_innermost(fields)
    context = _inside(_inside(fields, _EXTENDED_TEXT), 17)
    expiration_seconds = protobuf.first_int(context, _EXPIRATION, default=0)
    return Content(kind, body, target_id, destination, secret, _mentions(context), expiration_seconds)


def _read_innermost(fields: Fields) -> tuple[str, str, str | None]:
    if _CONVERSATION in fields:
        return "text", _text(fields, _CONVERSATION), None
    if _EXTENDED_TEXT in fields:
        extended = _inside(fields, _EXTENDED_TEXT)
        quoted = _inside(extended, 17)
        return "text", _text(extended, 1), _text(quoted, 1) or None
    if _REACTION in fields:
        reacted = _inside(fields, _REACTION)
        return "reaction", _text(reacted, 2), _text(_inside(reacted, 1), 3)
    if _PROTOCOL in fields:
        protocol = _inside(fields, _PROTOCOL)
        target_id = _text(_inside(protocol, 1), 3)
        protocol_type = protobuf.first_int(protocol, 2, default=_REVOKE_TYPE)
        if protocol_type == _EDIT_TYPE:
            return "edit", _read_innermost(_inside(protocol, 14))[1], target_id
        return ("revoke", "", target_id) if protocol_type == _REVOKE_TYPE else ("protocol", "", None)
    kind, caption = kind_and_caption(fields) or ("other", "")
    return kind, caption, None


def _mentions(context: Fields) -> tuple[str, ...]:
    return tuple(jid.decode("utf-8", "replace") for jid in context.get(15, []) if isinstance(jid, bytes))


def _context(message_secret: bytes | None) -> bytes:
    if message_secret is None:
        return b""
    return protobuf.encode([(_CONTEXT, protobuf.encode([(3, message_secret)]))])


def _secret(fields: Fields) -> bytes | None:
    secret = protobuf.first(_inside(fields, _CONTEXT), 3)
    return secret if isinstance(secret, bytes) and secret else None


def _key(chat: str, message_id: str, from_me: bool) -> bytes:
    return protobuf.encode([(1, chat), (2, int(from_me)), (3, message_id)])


def _inside(fields: Fields, number: int) -> Fields:
    """The fields of the message in field `number`; none when it is absent."""
    return protobuf.decode(protobuf.first_bytes(fields, number)) if number in fields else {}


def _text(fields: Fields, number: int) -> str:
    return protobuf.first_bytes(fields, number).decode(errors="replace") if number in fields else ""
