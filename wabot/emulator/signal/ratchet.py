"""The double ratchet of one Signal session: message keys, order of arrival, wire form of a message.

Protocol: signal.org, "The Double Ratchet Algorithm", with the constants of Signal's message version 3, which
is what WhatsApp speaks. Nothing here changes before a message has proved authentic.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from wabot.emulator.crypto import KEY_SIZE, KeyPair, decrypt_cbc, encrypt_cbc, hkdf
from wabot.emulator.wire import protobuf

VERSION_BYTE = b"\x33"  # message version 3, and version 3 is the newest the sender knows
MAX_SKIPPED_MESSAGES = 2000  # per chain: what one message may skip, and how many skipped keys are kept
MAX_RECEIVING_CHAINS = 5  # as many earlier ratchet keys as libsignal remembers
_KEY_TYPE = b"\x05"  # Curve25519, in front of every public key on the wire
_MAC_SIZE = 8
_NO_SALT = bytes(32)


class SignalError(Exception):
    """A message cannot be read or written with the keys at hand."""


class DuplicateMessage(SignalError):
    """The key of this message was used up: it was read before, or it is older than the keys that are kept."""


class NotAuthentic(SignalError):
    """The message does not belong to this session, or somebody changed it."""


def wire_key(public: bytes) -> bytes:
    """The 33-byte form in which the 32-byte `public` key travels."""
    return _KEY_TYPE + public


def raw_key(wire: bytes) -> bytes:
    """The 32-byte key of its 33-byte wire form; raises SignalError when it is something else."""
    if len(wire) != 1 + KEY_SIZE or wire[:1] != _KEY_TYPE:
        raise SignalError("a public key on the wire is 33 bytes that start with 05")
    return wire[1:]


def message_body(data: bytes) -> bytes:
    """`data` without its version byte; raises SignalError unless that is version 3."""
    if data[:1] != VERSION_BYTE:
        raise SignalError(f"message version {data[:1].hex() or 'missing'} is not {VERSION_BYTE.hex()}")
    return data[1:]


def next_root(root_key: bytes, agreement: bytes) -> tuple[bytes, bytes]:
    """The root key and the chain key that follow from a new Diffie-Hellman `agreement`."""
    keys = hkdf(agreement, root_key, b"WhisperRatchet", 64)
    return keys[:32], keys[32:]


def next_chain(chain_key: bytes) -> bytes:
    """The chain key of the following message."""
    return hmac.digest(chain_key, b"\x02", sha256)


def message_seed(chain_key: bytes) -> bytes:
    """What the keys of the message at this place of the chain are derived from."""
    return hmac.digest(chain_key, b"\x01", sha256)


def message_keys(seed: bytes) -> tuple[bytes, bytes, bytes]:
    """AES-256 key, HMAC key and 16-byte CBC initialisation vector of one message."""
    keys = hkdf(seed, _NO_SALT, b"WhisperMessageKeys", 80)
    return keys[:32], keys[32:64], keys[64:]


@dataclass(frozen=True, slots=True)
class RatchetMessage:
    """A received SignalMessage, parsed but not yet authenticated."""

    ratchet_key: bytes
    counter: int
    ciphertext: bytes
    authenticated: bytes
    mac: bytes

    @classmethod
    def parse(cls, data: bytes) -> RatchetMessage:
        """Split `data` into its parts; raises SignalError or ProtobufError when it is no such message."""
        authenticated, mac = data[:-_MAC_SIZE], data[-_MAC_SIZE:]
        fields = protobuf.decode(message_body(authenticated))
        return cls(
            ratchet_key=raw_key(protobuf.first_bytes(fields, 1)),
            counter=protobuf.first_int(fields, 2, default=0),
            ciphertext=protobuf.first_bytes(fields, 4),
            authenticated=authenticated,
            mac=mac,
        )


@dataclass(slots=True)
class _ReceivingChain:
    key: bytes
    counter: int = 0
    skipped_seeds: dict[int, bytes] = field(default_factory=dict)

    def advanced_to(self, counter: int) -> tuple[bytes, _ReceivingChain]:
        """The seed of message `counter`, and the chain as it is once that message has been read."""
        skipped = dict(self.skipped_seeds)
        if counter < self.counter:
            if counter not in skipped:
                raise DuplicateMessage(f"message {counter} of this chain was read before, or its key is gone")
            return skipped.pop(counter), _ReceivingChain(self.key, self.counter, skipped)
        if counter - self.counter > MAX_SKIPPED_MESSAGES:
            raise SignalError(f"message {counter} skips more than {MAX_SKIPPED_MESSAGES} messages")
        key = self.key
        for passed in range(self.counter, counter):
            skipped[passed] = message_seed(key)
            key = next_chain(key)
        for oldest in list(skipped)[: max(0, len(skipped) - MAX_SKIPPED_MESSAGES)]:
            del skipped[oldest]
        return message_seed(key), _ReceivingChain(next_chain(key), counter + 1, skipped)


@dataclass(slots=True)
class _SendingChain:
    ratchet: KeyPair
    key: bytes
    counter: int = 0


class Session:
    """One session between two devices. Not thread-safe."""

    def __init__(
        self,
        own_identity: bytes,
        peer_identity: bytes,
        base_key: bytes,
        root_key: bytes,
        own_ratchet: KeyPair,
    ) -> None:
        """A session without a chain in either direction: `initiate` and `respond` make those that work."""
        self.base_key = base_key
        self._own_identity = wire_key(own_identity)
        self._peer_identity = wire_key(peer_identity)
        self._root_key = root_key
        self._own_ratchet = own_ratchet
        self._sending: _SendingChain | None = None
        self._previous_counter = 0
        self._receiving: dict[bytes, _ReceivingChain] = {}

    @classmethod
    def initiate(
        cls, own_identity: bytes, peer_identity: bytes, base_key: bytes, root_key: bytes, peer_ratchet: bytes
    ) -> Session:
        """The side that begins: `peer_ratchet` is the other side's signed prekey.

        Identities and `base_key` are 32-byte public keys; `root_key` is the first half of the agreed secret.
        Raises CurveError on an unusable `peer_ratchet`.
        """
        session = cls(own_identity, peer_identity, base_key, root_key, KeyPair.generate())
        session._begin_sending(peer_ratchet)
        return session

    @classmethod
    def respond(
        cls, own_identity: bytes, peer_identity: bytes, base_key: bytes, root_key: bytes, own_ratchet: KeyPair
    ) -> Session:
        """The side that answers: `own_ratchet` is its signed prekey. It cannot send before it has read."""
        return cls(own_identity, peer_identity, base_key, root_key, own_ratchet)

    def has_chain(self, ratchet_key: bytes) -> bool:
        """Whether a message with the peer's `ratchet_key` was read in this session, not too long ago."""
        return ratchet_key in self._receiving

    def encrypt(self, plaintext: bytes) -> bytes:
        """The next SignalMessage of this side; raises SignalError before the responder has read anything."""
        chain = self._sending
        if chain is None:
            raise SignalError("this session has not read a message yet and cannot send")
        aes_key, mac_key, iv = message_keys(message_seed(chain.key))
        body = protobuf.encode(
            [
                (1, wire_key(chain.ratchet.public)),
                (2, chain.counter),
                (3, self._previous_counter),
                (4, encrypt_cbc(aes_key, iv, plaintext)),
            ]
        )
        chain.key = next_chain(chain.key)
        chain.counter += 1
        authenticated = VERSION_BYTE + body
        return authenticated + _mac(mac_key, self._own_identity, self._peer_identity, authenticated)

    def decrypt(self, message: RatchetMessage) -> bytes:
        """The plaintext of `message`, in whatever order messages come.

        Raises DuplicateMessage when its key was used up, NotAuthentic when it is not one of this session,
        SignalError when it skips too many. The session changes only when a plaintext is returned.
        """
        chain = self._receiving.get(message.ratchet_key)
        root_key = self._root_key
        is_new_ratchet = chain is None
        if chain is None:
            root_key, chain_key = next_root(root_key, self._own_ratchet.agree(message.ratchet_key))
            chain = _ReceivingChain(chain_key)
        seed, advanced = chain.advanced_to(message.counter)
        aes_key, mac_key, iv = message_keys(seed)
        expected = _mac(mac_key, self._peer_identity, self._own_identity, message.authenticated)
        if not hmac.compare_digest(expected, message.mac):
            raise NotAuthentic("the authentication code of the message is wrong")
        try:
            plaintext = decrypt_cbc(aes_key, iv, message.ciphertext)
        except ValueError as error:
            raise SignalError(f"the ciphertext is not well formed: {error}") from error
        self._receiving[message.ratchet_key] = advanced
        if is_new_ratchet:
            self._root_key = root_key
            self._own_ratchet = KeyPair.generate()
            self._begin_sending(message.ratchet_key)
            while len(self._receiving) > MAX_RECEIVING_CHAINS:
                del self._receiving[next(iter(self._receiving))]
        return plaintext

    def _begin_sending(self, peer_ratchet: bytes) -> None:
        self._root_key, chain_key = next_root(self._root_key, self._own_ratchet.agree(peer_ratchet))
        if self._sending is not None:
            self._previous_counter = max(self._sending.counter - 1, 0)
        self._sending = _SendingChain(self._own_ratchet, chain_key)


def _mac(key: bytes, sender: bytes, receiver: bytes, authenticated: bytes) -> bytes:
    return hmac.digest(key, sender + receiver + authenticated, sha256)[:_MAC_SIZE]
