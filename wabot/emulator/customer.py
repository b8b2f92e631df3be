"""A customer: somebody with a phone who writes to the bot and reads what it answers."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wabot.emulator import plaintexts
from wabot.emulator.binary_xml import JID, LID_SERVER, PHONE_SERVER, Node, Value
from wabot.emulator.endpoint import Endpoint, Unreadable, bundle_nodes
from wabot.emulator.service import Service, new_message_id, now_text
from wabot.emulator.signal import Bundle, SignalParty

Addressing = Literal["lid", "phone"]

_MAX_RETRIES = 5
_KEPT_MESSAGES = 2000  # of those sent, for resending


@dataclass(frozen=True, slots=True)
class Reply:
    """A message of the bot as the customer could read it; `at` is in seconds of the monotonic clock.

    `bot_tag` says whether the stanza was marked as one of a business bot (<bot biz_bot="1"/>).
    """

    text: str
    message_id: str
    at: float
    kind: str = "text"
    bot_tag: bool = False


@dataclass(frozen=True, slots=True)
class UnreadableReply:
    """A message of the bot that the customer could not decrypt."""

    message_id: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class TypingEvent:
    """The bot was seen "composing" or "paused"."""

    state: str
    at: float


@dataclass(slots=True)
class _Sent:
    attributes: dict[str, Value]
    message: bytes
    stanza: Node


class Customer:
    """One customer with one device; made by Emulator.customer().

    `addressing` is the form of address their messages come under, `message_secret` whether they carry one
    as those of the official apps do. While `online` is False no delivery receipts come. `asks_retry` says
    whether the device asks for what it could not decrypt, as real ones do.
    """

    def __init__(
        self, service: Service, phone: str, lid: str, name: str, addressing: Addressing, message_secret: bool
    ) -> None:
        self.phone = phone
        self.lid = lid
        self.name = name
        self.addressing = addressing
        self.message_secret = message_secret
        self.online = True
        self.asks_retry = True
        self.duplicates = 0
        self._service = service
        self._endpoint = Endpoint(service, SignalParty.generate())
        self._sent: OrderedDict[str, _Sent] = OrderedDict()
        self._seen: set[str] = set()
        self._retries: dict[str, int] = {}
        self._replies: list[Reply] = []
        self._unreadable: list[UnreadableReply] = []
        self._typing: list[TypingEvent] = []
        self._reads: list[str] = []
        self._delivered: list[str] = []

    @property
    def lid_jid(self) -> JID:
        """Their address by LID."""
        return JID(self.lid, LID_SERVER)

    @property
    def phone_jid(self) -> JID:
        """Their address by number."""
        return JID(self.phone, PHONE_SERVER)

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

    # What they see.

    @property
    def replies(self) -> list[Reply]:
        """What they could read of the bot's messages, in order, each message once."""
        with self._service.lock:
            return list(self._replies)

    @property
    def unreadable(self) -> list[UnreadableReply]:
        """What they could not decrypt, also when a retry brought it later."""
        with self._service.lock:
            return list(self._unreadable)

    @property
    def typing_events(self) -> list[TypingEvent]:
        """When the bot was seen typing."""
        with self._service.lock:
            return list(self._typing)

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

    def wait_for_replies(self, count: int, timeout_seconds: float = 10.0) -> list[Reply]:
        """The replies once there are `count` of them; raises TimeoutError that says what came instead."""
        return self._wait(lambda: len(self._replies) >= count, timeout_seconds, f"{count} replies")

    def _wait(self, reached: Callable[[], bool], timeout_seconds: float, wanted: str) -> list[Reply]:
        with self._service.lock:
            if self._service.lock.wait_for(reached, timeout_seconds):
                return list(self._replies)
            seen = [reply.text[:60] for reply in self._replies]
            raise TimeoutError(
                f"{self.name} waited {timeout_seconds:g} s for {wanted} and saw {seen}; "
                f"{len(self._unreadable)} unreadable, {self.duplicates} duplicates"
            )

    def bundle(self) -> Bundle:
        """The keys to begin a Signal session with them."""
        return self._endpoint.party.bundle()

    def receive(self, stanza: Node, enc: Node) -> list[Node]:
        """Take in a message of the bot; returns the receipt, or the request to send it again."""
        message_id = stanza.text("id")
        if message_id in self._seen:
            self.duplicates += 1
            self._service.note("duplicate", self.phone, message_id)
            return self._receipts(message_id)
        try:
            content = plaintexts.read(self._endpoint.decrypt(enc))
        except (Unreadable, plaintexts.PlaintextError) as error:
            return self._ask_again(message_id, str(error))
        self._seen.add(message_id)
        reply = Reply(
            content.text, message_id, time.monotonic(), content.kind, bot_tag=stanza.child("bot") is not None
        )
        self._replies.append(reply)
        self._service.note("reply", self.phone, content.text)
        return self._receipts(message_id)

    def _receipts(self, message_id: str) -> list[Node]:
        return [self.receipt(message_id)] if self.online else []

    def receipt(self, message_id: str, receipt_type: str | None = None) -> Node:
        """A receipt of theirs for a message of the bot; without a type: delivered."""
        attributes: dict[str, Value] = {"from": self.jid, "id": message_id, "t": now_text()}
        if receipt_type is not None:
            attributes["type"] = receipt_type
        return Node("receipt", attributes)

    def _ask_again(self, message_id: str, reason: str) -> list[Node]:
        self._unreadable.append(UnreadableReply(message_id, time.monotonic(), reason))
        self._service.note("unreadable", self.phone, reason)
        count = self._retries.get(message_id, 0) + 1
        if not self.asks_retry or count > _MAX_RETRIES:
            return []
        self._retries[message_id] = count
        receipt = self.receipt(message_id, "retry")
        retry = Node("retry", {"v": "1", "count": str(count), "id": message_id, "t": now_text()})
        registration, *keys = bundle_nodes(self.bundle())
        # The first request hopes that the message alone was spoilt; later ones bring keys for a new session.
        receipt.content = [retry, registration, *([Node("keys", {}, keys)] if count > 1 else [])]
        return [receipt]

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

    def see_typing(self, state: str) -> None:
        """Note that the bot shows itself typing or pausing."""
        self._typing.append(TypingEvent(state, time.monotonic()))
        self._service.note("typing", self.phone, state)


def _listed(receipt: Node) -> list[Node]:
    items = receipt.child("list")
    return list(items.children("item")) if items is not None else []


def _now_ms() -> int:
    return int(time.time() * 1000)
