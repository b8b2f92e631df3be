"""What a customer sees of the bot: its messages, its receipts, its typing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wabot.emulator.people.attachments import ReceivedFile, fetch
from wabot.emulator.people.endpoint import Endpoint, Unreadable, bundle_nodes, damaged, read_from_group
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.party import Bundle, SignalParty
from wabot.emulator.signal.places import Place
from wabot.emulator.signal.sender_keys import SenderKeyReader
from wabot.emulator.wire.stanza import JID, LID_SERVER, PHONE_SERVER, Node, Value
from wabot.emulator.world.service import Service, now_text

_MAX_RETRIES = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """A message of the bot as the customer could read it; `at` is in seconds of the monotonic clock.

    `bot_tag` says whether the stanza was marked as one of a business bot (<bot biz_bot="1"/>), and
    `expiration_seconds` when it disappears (0: never). `file` is what came with it, and `place` where it
    says that something is.
    """

    text: str
    message_id: str
    at: float
    kind: str = "text"
    bot_tag: bool = False
    expiration_seconds: int = 0
    file: ReceivedFile | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class UnreadableReply:
    """A message of the bot that the customer could not decrypt, `at` seconds (monotonic clock)."""

    message_id: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class TypingEvent:
    """The bot was seen "composing" or "paused", `at` seconds (monotonic clock)."""

    state: str
    at: float


class Reader:
    """Somebody with one device that the bot writes to.

    While `online` is False no delivery receipts come. `asks_retry` says whether the device asks for what it
    could not decrypt, as real ones do. The next `damaged_replies` messages arrive spoilt. `duplicates` counts
    the messages that came again under an id the device has read: it ignores those.
    """

    def __init__(self, service: Service, phone: str, lid: str, name: str) -> None:
        self.phone = phone
        self.lid = lid
        self.name = name
        self.online = True
        self.asks_retry = True
        self.damaged_replies = 0
        self.duplicates = 0
        self._service = service
        self._endpoint = Endpoint(service, SignalParty.generate())
        self._seen: set[str] = set()
        self._retries: dict[str, int] = {}
        self._replies: list[Reply] = []
        self._group_replies: dict[JID, list[Reply]] = {}
        self._bot_keys: dict[JID, SenderKeyReader] = {}  # by the group that they are for
        self._unreadable: list[UnreadableReply] = []
        self._typing: list[TypingEvent] = []

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
        """The address they are known under."""
        return self.lid_jid

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

    def group_replies(self, group: JID) -> list[Reply]:
        """What they could read of the bot's messages to a group, in order, each message once."""
        with self._service.lock:
            return list(self._group_replies.get(group, []))

    def wait_for_replies(self, count: int, timeout_seconds: float = 20.0) -> list[Reply]:
        """The replies once there are `count` of them; raises TimeoutError that says what came instead."""
        with self._service.lock:
            if self._service.lock.wait_for(lambda: len(self._replies) >= count, timeout_seconds):
                return list(self._replies)
            seen = [reply.text[:60] for reply in self._replies]
            raise TimeoutError(
                f"{self.name} waited {timeout_seconds:g} s for {count} replies and saw {seen}; "
                f"{len(self._unreadable)} unreadable, {self.duplicates} duplicates"
            )

    def bundle(self) -> Bundle:
        """The keys to begin a Signal session with them."""
        return self._endpoint.party.bundle()

    def receive(self, stanza: Node, enc: Node) -> list[Node]:
        """Take in a message of the bot; returns the receipt, or the request to send it again."""
        return self._receive(stanza, lambda: self._endpoint.decrypt(self._as_it_comes(enc)), None)

    def receive_in_group(self, stanza: Node, enc: Node, hand_over: Node | None) -> list[Node]:
        """Take in a message of the bot to a group, and its sender key, if that comes with it."""
        group = stanza.jid("to")
        key = self._bot_keys.setdefault(group, SenderKeyReader())
        return self._receive(
            stanza, lambda: read_from_group(self._endpoint, key, self._as_it_comes(enc), hand_over), group
        )

    def _as_it_comes(self, enc: Node) -> Node:
        if not self.damaged_replies:
            return enc
        self.damaged_replies -= 1
        return damaged(enc)

    def _receive(self, stanza: Node, decrypt: Callable[[], bytes], group: JID | None) -> list[Node]:
        message_id = stanza.text("id")
        if message_id in self._seen:
            self.duplicates += 1
            self._service.note("duplicate", self.phone, message_id)
            return self._receipts(message_id, group)
        try:
            content = plaintexts.read(decrypt())
        except (Unreadable, plaintexts.PlaintextError) as error:
            return self._ask_again(message_id, str(error), group)
        self._seen.add(message_id)
        bot_tag = stanza.child("bot") is not None
        file = fetch(self._service.media, content.file) if content.file is not None else None
        reply = Reply(
            content.text,
            message_id,
            time.monotonic(),
            content.kind,
            bot_tag,
            content.expiration_seconds,
            file,
            content.place,
        )
        if group is None:
            self._replies.append(reply)
        else:
            self._group_replies.setdefault(group, []).append(reply)
        shown = str(file or content.place or content.text)
        self._service.note("reply" if group is None else "group reply", self.phone, shown)
        return self._receipts(message_id, group)

    def see_typing(self, state: str) -> None:
        """Note that the bot shows itself typing or pausing."""
        self._typing.append(TypingEvent(state, time.monotonic()))
        self._service.note("typing", self.phone, state)

    def receipt(self, message_id: str, receipt_type: str | None = None, group: JID | None = None) -> Node:
        """A receipt of theirs for a message of the bot, maybe in a `group`; without a type: delivered."""
        attributes: dict[str, Value] = {"from": self.jid, "id": message_id, "t": now_text()}
        if group is not None:
            attributes |= {"from": group, "participant": self.lid_jid}
        if receipt_type is not None:
            attributes["type"] = receipt_type
        return Node("receipt", attributes)

    def _receipts(self, message_id: str, group: JID | None) -> list[Node]:
        return [self.receipt(message_id, None, group)] if self.online else []

    def _ask_again(self, message_id: str, reason: str, group: JID | None) -> list[Node]:
        self._unreadable.append(UnreadableReply(message_id, time.monotonic(), reason))
        self._service.note("unreadable", self.phone, reason)
        count = self._retries.get(message_id, 0) + 1
        if not self.asks_retry or count > _MAX_RETRIES:
            return []
        self._retries[message_id] = count
        receipt = self.receipt(message_id, "retry", group)
        retry = Node("retry", {"v": "1", "count": str(count), "id": message_id, "t": now_text()})
        registration, *keys = bundle_nodes(self.bundle())
        # The first request hopes that the message alone was spoilt; later ones bring keys for a new session.
        receipt.content = [retry, registration, *([Node("keys", {}, keys)] if count > 1 else [])]
        return [receipt]
