"""Sender keys: how a member of a group writes once for all others, and how they read it.

Protocol: Signal's "Sender Keys", as WhatsApp speaks it (message version 3). A member hands its key to every
other device over their pairwise session, in a message of its own; what it then writes to the group is
encrypted once with the chain that follows from the key, and signed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from wabot.emulator.crypto import KeyPair, decrypt_cbc, encrypt_cbc, hkdf, verify
from wabot.emulator.signal.ratchet import (
    MAX_SKIPPED_MESSAGES,
    VERSION_BYTE,
    DuplicateMessage,
    NotAuthentic,
    SignalError,
    message_body,
    message_seed,
    next_chain,
    raw_key,
    wire_key,
)
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import ProtobufError

_SIGNATURE_SIZE = 64
_DISTRIBUTION = 2  # waE2E.Message.senderKeyDistributionMessage


class SenderKey:
    """The key with which one device writes to one group. Not thread-safe."""

    def __init__(self) -> None:
        self._id = secrets.randbelow(1 << 31)
        self._chain_key = secrets.token_bytes(32)
        self._iteration = 0
        self._signing = KeyPair.generate()

    def distribution(self, group: str) -> bytes:
        """The waE2E.Message that hands the key, as it is now, to a member of `group` (a JID)."""
        fields: list[tuple[int, int | bytes | str]] = [
            (1, self._id),
            (2, self._iteration),
            (3, self._chain_key),
            (4, wire_key(self._signing.public)),
        ]
        handed_over = protobuf.encode([(1, group), (2, VERSION_BYTE + protobuf.encode(fields))])
        return protobuf.encode([(_DISTRIBUTION, handed_over)])

    def encrypt(self, plaintext: bytes) -> bytes:
        """The next message of this member to the group."""
        iv, key = _message_keys(self._chain_key)
        fields = ((1, self._id), (2, self._iteration), (3, encrypt_cbc(key, iv, plaintext)))
        signed = VERSION_BYTE + protobuf.encode(fields)
        self._chain_key = next_chain(self._chain_key)
        self._iteration += 1
        return signed + self._signing.sign(signed)


@dataclass(slots=True)
class _Chain:
    key: bytes
    iteration: int
    signing: bytes
    skipped: dict[int, bytes] = field(default_factory=dict)


class SenderKeyReader:
    """What one device knows of the key of one member of a group. Not thread-safe."""

    def __init__(self) -> None:
        self._chains: dict[int, _Chain] = {}

    def learn(self, message: bytes) -> None:
        """Take the key out of a waE2E.Message, if there is one; raises SignalError or ProtobufError."""
        fields = protobuf.decode(message)
        if _DISTRIBUTION not in fields:
            return
        handed_over = protobuf.decode(protobuf.first_bytes(fields, _DISTRIBUTION))
        distribution = protobuf.decode(message_body(protobuf.first_bytes(handed_over, 2)))
        key_id = protobuf.first_int(distribution, 1)
        signing = raw_key(protobuf.first_bytes(distribution, 4))
        known = self._chains.get(key_id)
        if known is None or known.signing != signing:
            chain_key, iteration = (
                protobuf.first_bytes(distribution, 3),
                protobuf.first_int(distribution, 2, 0),
            )
            self._chains[key_id] = _Chain(chain_key, iteration, signing)

    def decrypt(self, data: bytes) -> bytes:
        """The plaintext of a message to the group.

        Raises DuplicateMessage when it was read before, NotAuthentic when somebody changed it, SignalError
        for anything else that cannot be read.
        """
        signed, signature = data[:-_SIGNATURE_SIZE], data[-_SIGNATURE_SIZE:]
        try:
            fields = protobuf.decode(message_body(signed))
            key_id, iteration = protobuf.first_int(fields, 1), protobuf.first_int(fields, 2, 0)
            ciphertext = protobuf.first_bytes(fields, 3)
        except ProtobufError as error:
            raise SignalError(f"a message to the group is malformed: {error}") from error
        chain = self._chains.get(key_id)
        if chain is None:
            raise SignalError(f"the sender key {key_id} was never handed over")
        if not verify(chain.signing, signed, signature):
            raise NotAuthentic("the signature of the message is wrong")
        iv, key = _message_keys(self._chain_key(chain, iteration))
        try:
            return decrypt_cbc(key, iv, ciphertext)
        except ValueError as error:
            raise SignalError(f"the ciphertext is not well formed: {error}") from error

    def _chain_key(self, chain: _Chain, iteration: int) -> bytes:
        """The chain key of one message; the chain goes on behind it."""
        if iteration < chain.iteration:
            if iteration not in chain.skipped:
                raise DuplicateMessage(f"message {iteration} of this sender key was read before")
            return chain.skipped.pop(iteration)
        if iteration - chain.iteration > MAX_SKIPPED_MESSAGES:
            raise SignalError(f"message {iteration} skips more than {MAX_SKIPPED_MESSAGES} messages")
        while chain.iteration < iteration:
            chain.skipped[chain.iteration] = chain.key
            chain.key, chain.iteration = next_chain(chain.key), chain.iteration + 1
        key = chain.key
        chain.key, chain.iteration = next_chain(key), iteration + 1
        return key


def _message_keys(chain_key: bytes) -> tuple[bytes, bytes]:
    """CBC initialisation vector and AES-256 key of the message at this place of a chain."""
    keys = hkdf(message_seed(chain_key), bytes(32), b"WhisperGroup", 48)
    return keys[:16], keys[16:]
