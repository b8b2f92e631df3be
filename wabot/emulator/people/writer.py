"""What a customer sends the bot: sealed, kept for sending it again, and confirmed."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from wabot.emulator.people.endpoint import damaged
from wabot.emulator.people.reader import Reader
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.file_messages import Attachment
from wabot.emulator.signal.sender_keys import SenderKey
from wabot.emulator.wire.stanza import JID, Node, Value
from wabot.emulator.world.service import Service, new_message_id

Addressing = Literal["lid", "phone", "hidden"]

_KEPT_MESSAGES = 2000  # of those sent, for resending


@dataclass(slots=True)
class _Sent:
    """A message as it is kept for resending: `spoil` is how many deliveries are still to be spoilt.

    `sender_key` and `hand_over` (a waE2E.Message) belong to one that went to a group, `secret` is the one
    inside the message, and `attachment` what it says of its file.
    """

    attributes: dict[str, Value]
    message: bytes
    spoil: int = 0
    sender_key: SenderKey | None = None
    hand_over: bytes | None = None
    secret: bytes | None = None
    attachment: Attachment | None = None
    enc_attributes: Mapping[str, str] = field(default_factory=dict)
    stanza: Node = field(default_factory=lambda: Node("message"))


class Writer(Reader):
    """Somebody with one device who writes to the bot as well.

    `addressing` is the form of address their messages come under, "hidden" with no phone number beside it, as
    of an account that goes by a user name; `message_secret` whether they carry one
    as those of the official apps do.
    """

    def __init__(
        self, service: Service, phone: str, lid: str, name: str, addressing: Addressing, message_secret: bool
    ) -> None:
        super().__init__(service, phone, lid, name)
        self.addressing = addressing
        self.message_secret = message_secret
        self._sent: OrderedDict[str, _Sent] = OrderedDict()
        self._reads: list[str] = []
        self._delivered: list[str] = []

    @property
    def jid(self) -> JID:
        """The address their messages come from."""
        return self.phone_jid if self.addressing == "phone" else self.lid_jid

    def attachment(self, message_id: str) -> Attachment:
        """What a message of theirs says of its file; raises ValueError for one without."""
        with self._service.lock:
            attachment = self._sent[message_id].attachment
        if attachment is None:
            raise ValueError(f"message {message_id} has no file")
        return attachment

    def resend(self, message_id: str) -> None:
        """Send a message again under its id but freshly encrypted, as a phone does that was asked to."""
        with self._service.lock:
            sent = self._sent[message_id]
            self._post_stanza(message_id, sent, self._sealed_anew(sent))
        self._service.note("resent", self.phone, message_id)

    def spare(self, message_id: str) -> None:
        """Spoil no further delivery of a message."""
        with self._service.lock:
            self._sent[message_id].spoil = 0

    def repeat(self, message_id: str) -> None:
        """Deliver the very stanza of a message again, as a network does."""
        with self._service.lock:
            self._service.post(message_id, self._sent[message_id].stanza)
        self._service.note("repeated", self.phone, message_id)

    def forget_session(self) -> None:
        """Lose the Signal session, as by a reinstalled app: the bot's next message cannot be read."""
        with self._service.lock:
            self._endpoint.forget_session()

    def post(
        self,
        message: bytes,
        detail: str,
        more: dict[str, str] | None = None,
        *,
        event: str = "message",
        sender: dict[str, Value] | None = None,
        age_seconds: float = 0,
        spoil: int = 0,
        message_id: str | None = None,
        secret: bytes | None = None,
        sender_key: SenderKey | None = None,
        hand_over: bytes | None = None,
        instead: Node | None = None,
        decrypt_fail: str = "",
        media_type: str = "",
        attachment: Attachment | None = None,
    ) -> str:
        """Send the waE2E.Message `message`; returns its id.

        `detail` goes into the transcript, `more` are further attributes, `sender` is the form of address. The
        first `spoil` deliveries cannot be read. With a `sender_key` it goes to a group, and `hand_over` gives
        the bot that key first. `instead` is what stands in the stanza in place of the encrypted message.
        `secret` is the one inside the message, for what is sealed with it later. `decrypt_fail` says what a
        device is to do that cannot read it: "hide" of what is no message to the sender either. `media_type`
        is what the stanza calls a message that is no text; that of an `attachment` is known.
        """
        message_id = message_id or new_message_id()
        attributes: dict[str, Value] = {
            **(sender or self._sender()),
            "id": message_id,
            "t": str(int(time.time() - age_seconds)),
            "type": "text",
            "notify": self.name,
            **(more or {}),
        }
        told_as = attachment.told_as if attachment is not None else media_type
        told = {"decrypt-fail": decrypt_fail, "mediatype": told_as}
        marks = {name: value for name, value in told.items() if value}
        sent = _Sent(attributes, message, spoil, sender_key, hand_over, secret, attachment, marks)
        with self._service.lock:
            content = [instead] if instead is not None else self._sealed(sent)
            self._service.note(event, self.phone, detail)
            self._post_stanza(message_id, sent, content)
        return message_id

    def _sealed(self, sent: _Sent) -> list[Node]:
        """What carries a message the first time."""
        if sent.sender_key is None:
            return [self._spoilt(sent, self._endpoint.encrypt(sent.message))]
        ciphertext = sent.sender_key.encrypt(plaintexts.pad(sent.message))
        to_group = Node("enc", {"v": "2", "type": "skmsg"}, ciphertext)
        handed_over = [self._endpoint.encrypt(sent.hand_over)] if sent.hand_over is not None else []
        return [*handed_over, self._spoilt(sent, to_group)]

    def _sealed_anew(self, sent: _Sent) -> list[Node]:
        """What carries it when it is asked for again: to the bot alone, also from a group."""
        key = sent.sender_key.distribution(str(sent.attributes["from"])) if sent.sender_key else b""
        return [self._spoilt(sent, self._endpoint.encrypt(key + sent.message))]

    def _spoilt(self, sent: _Sent, enc: Node) -> Node:
        enc = Node(enc.tag, {**enc.attributes, **sent.enc_attributes}, enc.content)
        if not sent.spoil:
            return enc
        sent.spoil -= 1
        return damaged(enc)

    def _post_stanza(self, message_id: str, sent: _Sent, content: list[Node]) -> None:
        sent.stanza = Node("message", sent.attributes, content)
        self._sent[message_id] = sent
        if len(self._sent) > _KEPT_MESSAGES:
            self._sent.popitem(last=False)
        self._service.post(message_id, sent.stanza)

    def _sender(self) -> dict[str, Value]:
        if self.addressing == "hidden":
            return {"from": self.lid_jid, "addressing_mode": "lid"}
        if self.addressing == "lid":
            return {"from": self.lid_jid, "sender_pn": self.phone_jid, "addressing_mode": "lid"}
        return {"from": self.phone_jid, "sender_lid": self.lid_jid, "addressing_mode": "pn"}

    def _chat(self) -> JID:
        """The chat as the customer's phone knows it: the account it writes with."""
        account = self._service.account
        return account.phone_jid if self.addressing == "phone" else account.lid_jid

    def _secret(self) -> bytes | None:
        return plaintexts.new_message_secret() if self.message_secret else None

    # What comes back for it.

    @property
    def reads(self) -> list[str]:
        """The ids of their messages that the bot marked as read."""
        with self._service.lock:
            return list(self._reads)

    @property
    def delivered(self) -> list[str]:
        """The ids of their messages that the bot's client library confirmed."""
        with self._service.lock:
            return list(self._delivered)

    def see_receipt(self, receipt: Node) -> None:
        """Note what the bot delivered or read; send again what it asks for."""
        receipt_type = receipt.text("type")
        ids = [receipt.text("id"), *(item.text("id") for item in _listed(receipt))]
        if receipt_type == "retry":
            self._send_again(ids[0])
        elif receipt_type == "read":
            self._reads.extend(ids)
            self._service.note("read", self.phone, " ".join(ids))
        else:
            self._delivered.extend(ids)
            self._service.note("delivered", self.phone, " ".join(ids))

    def _send_again(self, message_id: str) -> None:
        self._service.note("retry", self.phone, message_id)
        sent = self._sent.get(message_id)
        if sent is not None:
            self._endpoint.forget_session()
            self._post_stanza(message_id, sent, self._sealed_anew(sent))


def _listed(receipt: Node) -> list[Node]:
    items = receipt.child("list")
    return list(items.children("item")) if items is not None else []
