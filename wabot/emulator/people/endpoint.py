"""A device of somebody the bot writes with: its Signal keys, and the stanzas they go into."""

from __future__ import annotations

from wabot.emulator.signal.party import Bundle, SignalError, SignalParty
from wabot.emulator.signal.plaintexts import PlaintextError, pad, unpad
from wabot.emulator.signal.sender_keys import SenderKeyReader
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import ProtobufError
from wabot.emulator.wire.stanza import Node, StanzaError
from wabot.emulator.world.service import Service

KEY_TYPE = b"\x05"
"""Signal's type byte of Curve25519 keys."""


class Unreadable(Exception):
    """A message of the bot cannot be decrypted or is not a message."""


class Endpoint:
    """One device and its session with the bot. Callers hold the service's lock."""

    def __init__(self, service: Service, party: SignalParty) -> None:
        self.party = party
        self._service = service

    def encrypt(self, message: bytes) -> Node:
        """The <enc> that carries `message` to the bot."""
        device = self._service.linked_device()
        bundle = None if self.party.has_session(device.address) else self._service.take_bundle()
        enc_type, data = self.party.encrypt(device.address, pad(message), bundle)
        return Node("enc", {"v": "2", "type": enc_type}, data)

    def decrypt(self, enc: Node) -> bytes:
        """The message in an <enc> of the bot; raises Unreadable."""
        try:
            device = self._service.linked_device()
            return unpad(self.party.decrypt(device.address, enc.text("type"), enc.data))
        except (SignalError, PlaintextError, StanzaError) as error:
            raise Unreadable(str(error)) from error

    def forget_session(self) -> None:
        """Lose the session, as a reinstalled app does: the next messages cannot be read either way."""
        self.party.drop_session(self._service.linked_device().address)


def read_from_group(endpoint: Endpoint, key: SenderKeyReader, enc: Node, hand_over: Node | None) -> bytes:
    """The message to a group in `enc`, after its sender key was learnt where one came; raises Unreadable.

    One that was asked for again comes for one member alone, with the key inside.
    """
    try:
        if hand_over is not None:
            key.learn(endpoint.decrypt(hand_over))
        if enc.text("type") == "skmsg":
            return unpad(key.decrypt(enc.data))
        message = endpoint.decrypt(enc)
        key.learn(message)
        return message
    except (SignalError, PlaintextError, ProtobufError, StanzaError) as error:
        raise Unreadable(str(error)) from error


def damaged(enc: Node) -> Node:
    """`enc` with the authentication code of its message spoilt."""
    message = enc.data
    if enc.text("type") == "pkmsg":  # the message is field 4, behind the version byte
        message = protobuf.first_bytes(protobuf.decode(enc.data[1:]), 4)
    spoilt = message[:-1] + bytes([message[-1] ^ 1])
    return Node(enc.tag, enc.attributes, enc.data.replace(message, spoilt))


def bundle_nodes(bundle: Bundle) -> list[Node]:
    """A bundle as "encrypt get" answers and retry receipts spell it."""
    nodes = [
        Node("registration", {}, bundle.registration_id.to_bytes(4, "big")),
        Node("type", {}, KEY_TYPE),
        Node("identity", {}, bundle.identity),
    ]
    if bundle.prekey_id is not None and bundle.prekey is not None:
        nodes.append(Node("key", {}, _key_nodes(bundle.prekey_id, bundle.prekey)))
    signature = Node("signature", {}, bundle.signed_prekey_signature)
    signed = _key_nodes(bundle.signed_prekey_id, bundle.signed_prekey)
    nodes.append(Node("skey", {}, [*signed, signature]))
    return nodes


def _key_nodes(key_id: int, key: bytes) -> list[Node]:
    return [Node("id", {}, key_id.to_bytes(3, "big")), Node("value", {}, key)]
