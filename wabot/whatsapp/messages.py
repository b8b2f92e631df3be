"""wabot's own few types for what WhatsApp says, free of the client library."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wabot.config.phone_numbers import GROUP_SERVER, LID_SERVER, PHONE_SERVER, spellings

USER_SERVERS = frozenset({PHONE_SERVER, LID_SERVER})


class MessageKind(StrEnum):
    """What a message carries, as far as the bot treats it differently.

    LOST is a message that is known to have come and will never be read; SPOILT one that could not be
    decrypted and may come again; WITHHELD one that WhatsApp keeps from linked devices, as what is to be seen
    once; HIDDEN one that could not be decrypted and is none to its sender either, as a vote. MARK is a vote,
    a pin and the like: it says something about another message, without words. OTHER is what has no better
    name here.
    """

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    STICKER = "sticker"
    DOCUMENT = "document"
    LOCATION = "location"
    CONTACT = "contact"
    ORDER = "order"
    PRODUCT = "product"
    PAYMENT = "payment"
    POLL = "poll"
    EVENT = "event"
    INVITE = "invite"
    REACTION = "reaction"
    MARK = "mark"
    EDIT = "edit"
    REVOKE = "revoke"
    PROTOCOL = "protocol"
    LOST = "lost"
    SPOILT = "spoilt"
    WITHHELD = "withheld"
    HIDDEN = "hidden"
    OTHER = "other"


MEDIA_KINDS = frozenset(
    {
        *(MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.AUDIO, MessageKind.STICKER),
        *(MessageKind.DOCUMENT, MessageKind.LOCATION, MessageKind.CONTACT),
    }
)
"""What has a caption at most; its customer can say in writing what it is about."""

FILE_KINDS = MEDIA_KINDS - {MessageKind.LOCATION, MessageKind.CONTACT}
"""What comes with a file."""

DETAIL_KINDS = frozenset({MessageKind.LOCATION, MessageKind.CONTACT})
"""What is information, and not what its sender says: no word in it decides anything."""

NOT_RECEIVED_KINDS = frozenset(
    {MessageKind.LOST, MessageKind.SPOILT, MessageKind.WITHHELD, MessageKind.HIDDEN}
)
"""What is known to have come without what it says; it may come after all."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What the client library leaves behind of a message; JIDs without a device number.

    Attributes:
        chat: where it was written.
        sender: who wrote it.
        message_id: which message.
        phone: digits of the sender's phone number where the library knows it, or "".
    """

    chat: str
    sender: str
    message_id: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a device of somebody else says about messages of this account.

    Attributes:
        message_ids: which messages.
        arrived: it has them and can read them; otherwise it asks for them again.
    """

    message_ids: tuple[str, ...]
    arrived: bool


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, as its sender describes it, and where it can be fetched.

    Attributes:
        mimetype: its type, "" where it says none.
        file_name: what its sender calls it; never a path of this machine.
        size_bytes: how long it is said to be.
        seconds: how long it is said to play.
        is_voice: spoken into the phone, not a file of sound.
        address: the URL in the message, whose host may serve it.
        path: its path on any media host, with the query.
        key: what it is encrypted with, in hexadecimal.
        file_sha256: of the file, in hexadecimal.
        encrypted_sha256: of what the host serves, in hexadecimal.
    """

    mimetype: str = ""
    file_name: str = ""
    size_bytes: int = 0
    seconds: int = 0
    is_voice: bool = False
    address: str = field(default="", repr=False)
    path: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    file_sha256: str = ""
    encrypted_sha256: str = ""


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """One message as it reached the linked device.

    Attributes:
        chat: JID to answer to, exactly as WhatsApp gave it.
        message_id: unique within its chat and sender.
        sender: JID of who wrote it, without a device number.
        phone: digits of the other person's phone number, or "" where WhatsApp hides it.
        lid: digits of the other person's hidden id, or "".
        from_me: written by the owner on another device of this account.
        kind: what it carries.
        text: text or caption; for a reaction its emoji.
        target_id: message this one edits, revokes, quotes or reacts to, or "".
        quoted_text: text or title of the quoted message, or "".
        quoted_sender: user part of the JID of who wrote the quoted message, or "".
        mentions: user parts of the JIDs mentioned.
        name: the sender's own display name.
        sender_alt: JID of the sender's other address, by phone number or hidden id, or "".
        sent_at: WhatsApp's time of sending, naive UTC.
        offline: delivered from the backlog after a reconnect.
        expiration_seconds: after what time the chat's messages disappear, 0 for never; None: it does not say.
        secret: in hexadecimal, what an edit of this message will be sealed with, or "".
        sealed: of an edit that is not opened, nonce and content in hexadecimal, with a blank between; or "".
        attachment: the file that came with it, if any.
        album_id: the message that announced the album which it is part of, or "".
        album_size: how many pictures and videos it announces, each of them a message.
    """

    chat: str
    message_id: str
    sender: str
    phone: str
    lid: str
    from_me: bool
    kind: MessageKind
    text: str
    sent_at: datetime
    target_id: str = ""
    quoted_text: str = ""
    quoted_sender: str = ""
    mentions: tuple[str, ...] = ()
    name: str = ""
    sender_alt: str = ""
    offline: bool = False
    expiration_seconds: int | None = None
    secret: str = field(default="", repr=False)
    sealed: str = field(default="", repr=False)
    attachment: Attachment | None = None
    album_id: str = ""
    album_size: int = 0

    @property
    def is_group(self) -> bool:
        """Whether it came from a group."""
        return self.chat.endswith("@" + GROUP_SERVER)

    @property
    def is_person(self) -> bool:
        """Whether it came from a one-to-one chat (not a group, status, broadcast list or channel)."""
        return self.chat.rpartition("@")[2] in USER_SERVERS

    @property
    def addresses(self) -> frozenset[str]:
        """Every name somebody may know the other side by: JIDs, phone numbers, hidden ids."""
        jids = {self.chat, self.sender, self.sender_alt} if not self.from_me else {self.chat}
        return every_name(jids | {f"{self.phone}@{PHONE_SERVER}", f"{self.lid}@{LID_SERVER}"})

    @property
    def contact(self) -> str:
        """One name for the chat whichever address WhatsApp used this time: the phone number where known.

        A chat may switch between the phone number and the hidden id (LID) from one message to the
        next; history and order are kept under the phone number whenever the message names it.
        """
        if self.is_person and self.phone:
            return f"{self.phone}@{PHONE_SERVER}"
        return self.chat


def words_of(kind: str, text: str) -> str:
    """What of a message's text its sender says: all, but of a place or a contact nothing.

    Args:
        kind: one of `MessageKind`.
        text: its text.
    """
    return "" if kind in DETAIL_KINDS else text


def every_name(jids: Iterable[str]) -> frozenset[str]:
    """JIDs and their user parts; of phone numbers in each spelling, because WhatsApp may keep another one."""
    found = set()
    for jid in jids:
        user, _, server = jid.partition("@")
        if not user:
            continue
        found |= {jid, user}
        if server == PHONE_SERVER:
            found |= {name for each in spellings(user) for name in (each, f"{each}@{server}")}
    return frozenset(found)
