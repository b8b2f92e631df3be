"""A customer: somebody with a phone who writes to the bot and reads what it answers."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from wabot.emulator.people.attachments import File, put_up, sample
from wabot.emulator.people.endpoint import damaged
from wabot.emulator.people.reader import Reader
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.file_messages import Attachment, enveloped, file_message
from wabot.emulator.signal.message_kinds import build
from wabot.emulator.signal.message_kinds import told_as as kind_in_stanza
from wabot.emulator.signal.places import Place, location
from wabot.emulator.signal.sender_keys import SenderKey
from wabot.emulator.wire.stanza import JID, Node, Value
from wabot.emulator.world.service import Service, new_message_id

Addressing = Literal["lid", "phone"]

_KEPT_MESSAGES = 2000  # of those sent, for resending


@dataclass(slots=True)
class _Sent:
    """A message as it is kept for resending: `spoil` is how many deliveries are still to be spoilt.

    `sender_key` and `hand_over` (a waE2E.Message) belong to one that went to a group.
    """

    attributes: dict[str, Value]
    message: bytes
    spoil: int = 0
    sender_key: SenderKey | None = None
    hand_over: bytes | None = None
    enc_attributes: Mapping[str, str] = field(default_factory=dict)
    stanza: Node = field(default_factory=lambda: Node("message"))


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
        self._secrets: dict[str, bytes] = {}
        self._attachments: dict[str, Attachment] = {}
        self._reads: list[str] = []
        self._delivered: list[str] = []

    @property
    def jid(self) -> JID:
        """The address their messages come from."""
        return self.lid_jid if self.addressing == "lid" else self.phone_jid

    # What they write.

    def send(
        self,
        text: str,
        *,
        age_seconds: float = 0,
        corrupt: bool = False,
        spoil: int = 0,
        message_id: str | None = None,
        expiration_seconds: int = 0,
    ) -> str:
        """Write `text`; returns the message id.

        By its time stamp it is `age_seconds` old. A `corrupt` one cannot be read until it is sent again; with
        `spoil` the first so many deliveries are like that. `message_id`: a text of any kind instead of a new
        one. `expiration_seconds`: the timer of a chat whose messages disappear.
        """
        secret = self._secret()
        return self.post(
            plaintexts.text(text, message_secret=secret, expiration_seconds=expiration_seconds),
            text,
            age_seconds=age_seconds,
            spoil=max(spoil, int(corrupt)),
            message_id=message_id,
            secret=secret,
        )

    def send_kind(self, kind: str, text: str = "", *, spoil: int = 0) -> str:
        """Send one of message_kinds.KINDS, with `text` where it has room for one; returns the id."""
        if kind == "view_once":
            return self.send_media("image", caption=text, envelope="view_once_v2", spoil=spoil)
        stanza_type, told_as = kind_in_stanza(kind)
        more = {"type": stanza_type}
        body = build(kind, text, self._secret())
        return self.post(body, text, more, event=kind, spoil=spoil, media_type=told_as)

    def send_spoilt(self, text: str, *, decrypt_fail: str = "", times: int = 99) -> str:
        """Write `text` so that its first `times` deliveries cannot be read; returns the id.

        `decrypt_fail` is what a device is to do about that: "hide" is said of what is no message to its
        sender either.
        """
        return self.post(plaintexts.text(text), text, spoil=times, decrypt_fail=decrypt_fail)

    def withhold(self, text: str = "", *, kind: str = "view_once") -> str:
        """Send what the service keeps from linked devices: they are told that there is something, not what.

        `kind`: "view_once", or "" for one that the service cannot give, say because it is older than the
        link. `resend` brings it after all. Returns the message id.
        """
        view_once = kind == "view_once"
        if view_once:
            picture = put_up(self._service.media, "image", sample("image"), text)
            body = file_message(picture, envelope="view_once_v2")
        else:
            body = plaintexts.text(text)
        more = {"type": "media"} if view_once else {}
        reason = Node("unavailable", {"type": kind} if kind else {})
        body = plaintexts.with_secret(body, self._secret())
        return self.post(body, text, more, event="withheld", instead=reason)

    def reply_to(
        self,
        message_id: str,
        text: str,
        *,
        quoted_text: str = "",
        quoted_message: bytes | None = None,
        quotes_bot: bool = True,
    ) -> str:
        """Write `text` in answer to a message, of the bot by default; returns the message id.

        The quoted message is a text, or `quoted_message` (a waE2E.Message).
        """
        sender = self._service.account.lid_jid if quotes_bot else self.lid_jid
        quote = plaintexts.Quote(message_id, str(sender), quoted_text, quoted_message)
        secret = self._secret()
        return self.post(plaintexts.text(text, quote=quote, message_secret=secret), text, secret=secret)

    def edit(self, message_id: str, text: str) -> str:
        """Change the text of a message of theirs; returns the id of the edit."""
        body = plaintexts.edit(str(self._chat()), message_id, text, at=_now_ms())
        return self.post(body, text, {"edit": "1"}, event="edit")

    def edit_sealed(self, message_id: str, text: str, *, secret: bytes | None = None) -> str:
        """Change the text of a message of theirs as newer apps do: sealed with the secret of that message.

        `secret`: another one than the message has, so that it cannot be opened. Returns the id of the edit.
        """
        with self._service.lock:
            sent_secret = self._secrets.get(message_id)
        used = secret or sent_secret
        if used is None:
            raise ValueError(f"message {message_id} has no secret to seal an edit with")
        body = plaintexts.sealed_edit(
            str(self._chat()), message_id, text, secret=used, sender=str(self.jid), at=_now_ms()
        )
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

    def send_media(
        self,
        kind: str,
        file: File | None = None,
        *,
        caption: str = "",
        envelope: str = "",
        quotes: str = "",
        is_forwarded: bool = False,
        album: str = "",
        lies: Mapping[str, int | bytes | str | None] | None = None,
        spoil: int = 0,
    ) -> str:
        """Send a file as one of FILE_KINDS, sealed and put on the media hosts; returns the message id.

        Args:
            kind: as what it is sent.
            file: a small one by default.
            caption: what is written under it.
            envelope: one of ENVELOPES, around the message; a document with a caption has one by itself.
            quotes: the message of the bot that it answers.
            is_forwarded: whether it was passed on.
            album: the message that announced the album which the picture belongs to.
            lies: what the message says wrongly of the file, by names as in file_messages.
            spoil: how many deliveries cannot be read.
        """
        attachment = put_up(self._service.media, kind, file or sample(kind), caption)
        account = self._service.account
        quote = plaintexts.Quote(quotes, str(account.lid_jid), "") if quotes else None
        message = file_message(
            attachment,
            context=plaintexts.context_info(quote=quote, is_forwarded=is_forwarded),
            envelope=envelope if envelope != "ephemeral" else "",
            lies=lies,
        )
        if kind == "document" and caption:
            message = enveloped("document_with_caption", message)
        if envelope == "ephemeral":
            message = enveloped(envelope, message)
        if album:
            message += plaintexts.album_child(str(self._chat()), album)
        body = plaintexts.with_secret(message, self._secret())
        more, told_as = {"type": "media"}, attachment.told_as
        message_id = self.post(body, caption, more, event=kind, media_type=told_as, spoil=spoil)
        with self._service.lock:
            self._attachments[message_id] = attachment
        return message_id

    def send_place(self, place: Place) -> str:
        """Send a pin on the map; returns the message id."""
        body = plaintexts.with_secret(location(place), self._secret())
        return self.post(body, str(place), {"type": "media"}, event="location", media_type="location")

    def edit_caption(self, message_id: str, caption: str) -> str:
        """Change what is written under a file of theirs; returns the id of the edit."""
        edited = file_message(replace(self.attachment(message_id), caption=caption))
        body = plaintexts.edit_message(str(self._chat()), message_id, edited, at=_now_ms())
        return self.post(body, caption, {"edit": "1"}, event="edit")

    def attachment(self, message_id: str) -> Attachment:
        """What a message of theirs says of its file; raises KeyError for one without."""
        with self._service.lock:
            return self._attachments[message_id]

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
    ) -> str:
        """Send the waE2E.Message `message`; returns its id.

        `detail` goes into the transcript, `more` are further attributes, `sender` is the form of address. The
        first `spoil` deliveries cannot be read. With a `sender_key` it goes to a group, and `hand_over` gives
        the bot that key first. `instead` is what stands in the stanza in place of the encrypted message.
        `secret` is the one inside the message, for what is sealed with it later. `decrypt_fail` says what a
        device is to do that cannot read it: "hide" of what is no message to the sender either. `media_type`
        is what the stanza calls the file.
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
        with self._service.lock:
            if secret is not None:
                self._secrets[message_id] = secret
            told = {"decrypt-fail": decrypt_fail, "mediatype": media_type}
            marks = {name: value for name, value in told.items() if value}
            sent = _Sent(attributes, message, spoil, sender_key, hand_over, marks)
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
            forgotten, _ = self._sent.popitem(last=False)
            self._secrets.pop(forgotten, None)
            self._attachments.pop(forgotten, None)
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
            self._post_stanza(message_id, sent, self._sealed_anew(sent))


def _listed(receipt: Node) -> list[Node]:
    items = receipt.child("list")
    return list(items.children("item")) if items is not None else []


def _now_ms() -> int:
    return int(time.time() * 1000)
