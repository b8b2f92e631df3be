"""A customer: somebody with a phone who writes to the bot and reads what it answers."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from wabot.emulator import plaintexts
from wabot.emulator.reader import Reader
from wabot.emulator.service import Service, new_message_id
from wabot.emulator.stanza import JID, Node, Value

Addressing = Literal["lid", "phone"]

_KEPT_MESSAGES = 2000  # of those sent, for resending


@dataclass(slots=True)
class _Sent:
    attributes: dict[str, Value]
    message: bytes
    stanza: Node


class Customer(Reader):
    """One customer with one device; made by Emulator.customer().

    `addressing` is the form of address their messages come under, `message_secret` whether they carry one
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
        return self.lid_jid if self.addressing == "lid" else self.phone_jid

    # What they write.

    def send(self, text: str, *, age_seconds: float = 0, corrupt: bool = False) -> str:
        """Write `text`; returns the message id.

        By its time stamp it is `age_seconds` old. A `corrupt` one cannot be read until it is sent again.
        """
        return self.post(
            plaintexts.text(text, message_secret=self._secret()),
            text,
            age_seconds=age_seconds,
            corrupt=corrupt,
        )

    def reply_to(self, message_id: str, text: str, *, quoted_text: str = "", quotes_bot: bool = True) -> str:
        """Write `text` in answer to a message, of the bot by default; returns the message id."""
        sender = self._service.account.lid_jid if quotes_bot else self.lid_jid
        quote = plaintexts.Quote(message_id, str(sender), quoted_text)
        return self.post(plaintexts.text(text, quote=quote, message_secret=self._secret()), text)

    def edit(self, message_id: str, text: str) -> str:
        """Change the text of a message of theirs; returns the id of the edit."""
        body = plaintexts.edit(str(self._chat()), message_id, text, at=_now_ms())
        return self.post(body, text, {"edit": "1"}, event="edit")

    def revoke(self, message_id: str) -> str:
        """Delete a message of theirs for everyone; returns the id of the deletion."""
        return self.post(
            plaintexts.revoke(str(self._chat()), message_id), message_id, {"edit": "7"}, event="revoke"
        )

    def react(self, message_id: str, emoji: str, *, to_bot: bool = True) -> str:
        """React to a message, of the bot by default; an empty `emoji` takes it back. Returns its id."""
        body = plaintexts.reaction(str(self._chat()), message_id, emoji, from_me=not to_bot, at=_now_ms())
        return self.post(body, emoji, {"type": "reaction"}, event="reaction")

    def send_media(self, kind: str, *, caption: str = "") -> str:
        """Send an image, video, audio, sticker or document (whose file can be had nowhere)."""
        body = plaintexts.media(kind, caption=caption, message_secret=self._secret())
        return self.post(body, caption, {"type": "media"}, event=kind)

    def resend(self, message_id: str) -> None:
        """Send a message again under its id but freshly encrypted, as a phone does that was asked to."""
        with self._service.lock:
            sent = self._sent[message_id]
            self._post_stanza(message_id, sent, self._endpoint.encrypt(sent.message))
        self._service.note("resent", self.phone, message_id)

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
        corrupt: bool = False,
    ) -> str:
        """Send the waE2E.Message `message`; returns its id.

        `detail` goes into the transcript, `more` are further attributes, `sender` is the form of address.
        """
        message_id = new_message_id()
        attributes: dict[str, Value] = {
            **(sender or self._sender()),
            "id": message_id,
            "t": str(int(time.time() - age_seconds)),
            "type": "text",
            "notify": self.name,
            **(more or {}),
        }
        with self._service.lock:
            enc = self._endpoint.encrypt(message, corrupt)
            self._service.note(event, self.phone, detail)
            self._post_stanza(message_id, _Sent(attributes, message, enc), enc)
        return message_id

    def _post_stanza(self, message_id: str, sent: _Sent, enc: Node) -> None:
        sent.stanza = Node("message", sent.attributes, [enc])
        self._sent[message_id] = sent
        if len(self._sent) > _KEPT_MESSAGES:
            self._sent.popitem(last=False)
        self._service.post(message_id, sent.stanza)

    def _sender(self) -> dict[str, Value]:
        if self.addressing == "lid":
            return {"from": self.lid_jid, "sender_pn": self.phone_jid, "addressing_mode": "lid"}
        return {"from": self.phone_jid, "sender_lid": self.lid_jid, "addressing_mode": "pn"}

    def _chat(self) -> JID:
        """The chat as the customer's phone knows it: the account it writes with."""
        account = self._service.account
        return account.lid_jid if self.addressing == "lid" else account.phone_jid

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
            self._post_stanza(message_id, sent, self._endpoint.encrypt(sent.message))


def _listed(receipt: Node) -> list[Node]:
    items = receipt.child("list")
    return list(items.children("item")) if items is not None else []


def _now_ms() -> int:
    return int(time.time() * 1000)
