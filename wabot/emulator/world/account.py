"""The one account of the service: a phone, and at most one device linked to it (the bot)."""

from __future__ import annotations

import random
import secrets
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from wabot.emulator.signal.party import Bundle
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import ProtobufError
from wabot.emulator.wire.stanza import JID, LID_SERVER, PHONE_SERVER, Node


class Mailbox:
    """Stanzas in the order they came, each kept until it is acknowledged. Not thread-safe: callers lock."""

    def __init__(self) -> None:
        self._stanzas: OrderedDict[int, tuple[str, Node]] = OrderedDict()
        self._last = 0

    def __len__(self) -> int:
        return len(self._stanzas)

    def __iter__(self) -> Iterator[Node]:
        """The stanzas still kept, oldest first."""
        return iter([stanza for _, stanza in self._stanzas.values()])

    def put(self, message_id: str, stanza: Node) -> None:
        """Keep `stanza` until `message_id` is acknowledged."""
        self._last += 1
        self._stanzas[self._last] = (message_id, stanza)

    def acknowledge(self, message_id: str) -> bool:
        """Let go of the oldest stanza of `message_id`; False when there is none."""
        for number, (kept_id, _) in self._stanzas.items():
            if kept_id == message_id:
                del self._stanzas[number]
                return True
        return False


_MAX_PREKEYS = 10_000
_MAX_DEVICE = 255  # one byte in an address


@dataclass(slots=True)
class Device:
    """The linked device as the service knows it: addresses, public keys and what it uploaded."""

    jid: JID
    lid: JID
    noise_public: bytes
    registration_id: int
    identity: bytes
    signed_prekey_id: int
    signed_prekey: bytes
    signed_prekey_signature: bytes
    prekeys: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=_MAX_PREKEYS))
    name_shared: bool = False

    @property
    def address(self) -> str:
        """The address its Signal sessions are kept under."""
        return str(self.lid)

    def bundle(self) -> Bundle:
        """What somebody needs to write to the device first; uses up one of its one-time prekeys."""
        prekey_id, prekey = self.prekeys.popleft() if self.prekeys else (None, None)
        return Bundle(
            self.registration_id,
            self.identity,
            self.signed_prekey_id,
            self.signed_prekey,
            self.signed_prekey_signature,
            prekey_id,
            prekey,
        )

    def store_keys(self, query: Node) -> None:
        """Take in the keys of an "encrypt set" query; raises StanzaError when it is malformed."""
        for child in query.children():
            if child.tag == "registration":
                self.registration_id = int.from_bytes(child.data, "big")
            elif child.tag == "list":
                self.prekeys.extend(_key(prekey) for prekey in child.children("key"))
            elif child.tag == "skey":
                self.signed_prekey_id, self.signed_prekey = _key(child)
                signature = child.child("signature")
                if signature is not None:
                    self.signed_prekey_signature = signature.data


@dataclass(slots=True)
class Account:
    """The account: its number, its hidden id (LID), the owner's name, and the device linked to it."""

    phone: str
    lid: str
    push_name: str
    raw_id: int = field(default_factory=lambda: secrets.randbelow(1 << 31))
    device: Device | None = None
    devices_linked: int = 0

    @classmethod
    def make(cls, numbers: random.Random) -> Account:
        """An account whose number and LID are drawn from `numbers`."""
        phone = f"1555{numbers.randrange(10**7):07}"
        return cls(phone, f"2{numbers.randrange(10**13):013}", "Tienda Aurora")

    @property
    def phone_jid(self) -> JID:
        """The phone's address by number."""
        return JID(self.phone, PHONE_SERVER)

    @property
    def lid_jid(self) -> JID:
        """The phone's address by LID."""
        return JID(self.lid, LID_SERVER)

    def is_own(self, jid: JID) -> bool:
        """Whether `jid` is the phone or the linked device."""
        return jid.user in (self.phone, self.lid)

    def new_device(self, client_payload: protobuf.Fields, noise_public: bytes) -> Device:
        """The device that registers with `client_payload` (ClientPayload.devicePairingData, field 19).

        It is not linked yet. Raises ProtobufError when the payload lacks a key.
        """
        registration = protobuf.decode(protobuf.first_bytes(client_payload, 19))
        number = self.devices_linked + 1
        if number > _MAX_DEVICE:
            raise ProtobufError(f"this account has linked {_MAX_DEVICE} devices: start a new emulator")
        return Device(
            jid=JID(self.phone, PHONE_SERVER, number),
            lid=JID(self.lid, LID_SERVER, number),
            noise_public=noise_public,
            registration_id=int.from_bytes(protobuf.first_bytes(registration, 1), "big"),
            identity=protobuf.first_bytes(registration, 3),
            signed_prekey_id=int.from_bytes(protobuf.first_bytes(registration, 4), "big"),
            signed_prekey=protobuf.first_bytes(registration, 5),
            signed_prekey_signature=protobuf.first_bytes(registration, 6),
        )


def _key(node: Node) -> tuple[int, bytes]:
    key_id, value = node.child("id"), node.child("value")
    if key_id is None or value is None:
        raise ProtobufError("a prekey has no id or no value")
    return int.from_bytes(key_id.data, "big"), value.data
