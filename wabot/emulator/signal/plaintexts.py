"""What stands inside an encrypted message: building and reading waE2E.Message.

Field numbers are those of waE2E.proto as neonize 0.5.2 carries it. Everything here is without padding, except
what `pad` returns and `unpad` takes.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wabot.emulator.crypto import hkdf
from wabot.emulator.signal.file_messages import ENVELOPES, Attachment, attachment_in
from wabot.emulator.signal.places import Place, place_in
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import Fields, ProtobufError

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
# Each is a message with another one in field 1.
_WRAPPERS = (*ENVELOPES.values(), _EDITED)
_SECRET_ENCRYPTED = 82
_SEALED_MESSAGE_EDIT = 2  # SecretEncryptedMessage.SecretEncType.MESSAGE_EDIT
_EXPIRATION = 25  # of ContextInfo
_MEDIA_ALBUM, _HD_IMAGE = 1, 10  # MessageAssociation.AssociationType
_REVOKE_TYPE = 0
_EDIT_TYPE = 14


_Field = tuple[int, int | bytes | str]


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

    `kind` is "text", one of FILE_KINDS, "location", "reaction", "edit", "revoke", "protocol" (any other of
    its kind) or "other". `text` is the text, caption, emoji, new text or name of a place. `target_id` is the
    message that is quoted, edited, revoked or reacted to. `destination` is the chat's JID when a device
    tells another one of its account what it sent. `mentions` are the JIDs it marks as mentioned. It
    disappears `expiration_seconds` after it was read (0: never). `file` is what it says of its file, and
    `place` where it says that something is.
    """

    kind: str
    text: str = ""
    target_id: str | None = None
    destination: str | None = None
    message_secret: bytes | None = field(default=None, repr=False)
    mentions: tuple[str, ...] = ()
    expiration_seconds: int = 0
    file: Attachment | None = None
    place: Place | None = None


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
    context: list[_Field] = [*((15, mention) for mention in mentions), *_quoted(quote)]
    if expiration_seconds:
        context.append((_EXPIRATION, expiration_seconds))
    if not context:
        return protobuf.encode([(_CONVERSATION, body)]) + _context(message_secret)
    extended = protobuf.encode([(1, body), (17, protobuf.encode(context))])
    return protobuf.encode([(_EXTENDED_TEXT, extended)]) + _context(message_secret)


def with_secret(message: bytes, message_secret: bytes | None) -> bytes:
    """`message` with a secret as the official apps put one into every message; as it is without one."""
    return message + _context(message_secret)


def context_info(*, quote: Quote | None = None, is_forwarded: bool = False) -> bytes:
    """The ContextInfo of a message that is no text: what it quotes, and whether it was passed on."""
    forwarded: list[_Field] = [(21, 1), (22, 1)] if is_forwarded else []
    return protobuf.encode([*_quoted(quote), *forwarded])


def album_child(chat: str, parent_id: str) -> bytes:
    """What stands behind a picture of the album that the sender's message `parent_id` announced."""
    return _association(_MEDIA_ALBUM, chat, parent_id)


def finer_twin(chat: str, parent_id: str) -> bytes:
    """What stands behind the same picture as the sender's message `parent_id` brought, in more detail."""
    return _association(_HD_IMAGE, chat, parent_id)


def _association(kind: int, chat: str, parent_id: str) -> bytes:
    association = protobuf.encode([(1, kind), (2, _key(chat, parent_id, from_me=True))])
    return protobuf.encode([(_CONTEXT, protobuf.encode([(10, association)]))])


def reaction(chat: str, message_id: str, emoji: str, *, from_me: bool, at: int) -> bytes:
    """A reaction to the message `message_id` in `chat` (a JID); an empty `emoji` takes an earlier one back.

    `from_me` says whether who reacts also wrote that message; `at` is in Unix milliseconds.
    """
    return protobuf.encode(
        [(_REACTION, protobuf.encode([(1, _key(chat, message_id, from_me)), (2, emoji), (4, at)]))]
    )


def edit(chat: str, message_id: str, new_text: str, *, at: int) -> bytes:
    """The sender's edit of its message `message_id` in `chat` (a JID); `at` is in Unix milliseconds."""
    return edit_message(chat, message_id, text(new_text), at=at)


def edit_message(chat: str, message_id: str, new_message: bytes, *, at: int) -> bytes:
    """The same for what is no text: it becomes the waE2E.Message `new_message`."""
    protocol = protobuf.encode(
        [(1, _key(chat, message_id, from_me=True)), (2, _EDIT_TYPE), (14, new_message), (15, at)]
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
    fields: list[_Field] = [
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
    return Content(
        kind,
        body,
        target_id,
        destination,
        secret,
        _mentions(context),
        protobuf.first_int(context, _EXPIRATION, default=0),
        attachment_in(fields),
        place_in(fields),
    )


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
    file, place = attachment_in(fields), place_in(fields)
    if file is not None:
        return file.kind, file.caption, file.quoted_id or None
    return ("location", place.name, None) if place is not None else ("other", "", None)


def _quoted(quote: Quote | None) -> list[_Field]:
    if quote is None:
        return []
    quoted = quote.message if quote.message is not None else protobuf.encode([(_CONVERSATION, quote.text)])
    return [(1, quote.message_id), (2, quote.sender), (3, quoted)]


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
