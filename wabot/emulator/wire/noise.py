"""The Noise handshake of WhatsApp Web, on the side of the service, and the frames it protects.

Noise_XX_25519_AESGCM_SHA256 (noiseprotocol.org) with WhatsApp's own prologue and a chain of two certificates
that ends in a key pinned in the client (whatsmeow handshake.go, socket/noisehandshake.go).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wabot.emulator.crypto import CurveError, KeyPair, hkdf
from wabot.emulator.wire import protobuf

GREETING = b"WA\x06\x03"
"""The first four bytes of a client: protocol 6, dictionary version 3."""

_PATTERN = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"
_LENGTH_BYTES = 3
_MAX_FRAME_BYTES = (1 << 8 * _LENGTH_BYTES) - 1
_DAY_SECONDS = 86_400


class NoiseError(ValueError):
    """The client does not follow the handshake, or a frame was not made with the agreed key."""


@dataclass(frozen=True, slots=True)
class NoiseIdentity:
    """What the service proves itself with: its root key, its own key, and the certificates between them."""

    root: KeyPair
    static: KeyPair
    chain: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> NoiseIdentity:
        """A fresh identity, valid from yesterday for a month."""
        root, intermediate, static = KeyPair.generate(), KeyPair.generate(), KeyPair.generate()
        chain = protobuf.encode(
            [
                (1, _certificate(2, 1, static.public, intermediate)),
                (2, _certificate(1, 0, intermediate.public, root)),
            ]
        )
        return cls(root, static, chain)


def _certificate(serial: int, issuer_serial: int, key: bytes, issuer: KeyPair) -> bytes:
    now = int(time.time())
    validity = [(4, now - _DAY_SECONDS), (5, now + 30 * _DAY_SECONDS)]
    details = protobuf.encode([(1, serial), (2, issuer_serial), (3, key), *validity])
    return protobuf.encode([(1, details), (2, issuer.sign(details))])


class FrameCipher:
    """One direction of an established link: AES-256-GCM under a counter."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._counter = 0

    def _nonce(self) -> bytes:
        nonce = self._counter.to_bytes(12, "big")
        self._counter += 1
        return nonce

    def encrypt(self, plaintext: bytes, associated: bytes = b"") -> bytes:
        """The ciphertext of the next frame."""
        return self._cipher.encrypt(self._nonce(), plaintext, associated)

    def decrypt(self, ciphertext: bytes, associated: bytes = b"") -> bytes:
        """The plaintext of the next frame; raises NoiseError when it was tampered with or is out of order."""
        try:
            return self._cipher.decrypt(self._nonce(), ciphertext, associated)
        except InvalidTag as error:
            raise NoiseError("a frame does not belong to this link") from error


@dataclass(frozen=True, slots=True)
class Handshaken:
    """The outcome of a handshake: who the client is, what it says about itself, and both ciphers."""

    client_public: bytes
    payload: bytes = field(repr=False)
    receive: FrameCipher
    send: FrameCipher


class Handshake:
    """The service's side of one handshake: `answer` the first message, `finish` with the second."""

    def __init__(self, identity: NoiseIdentity, prologue: bytes = GREETING) -> None:
        self._identity = identity
        self._ephemeral = KeyPair.generate()
        self._hash = self._salt = _PATTERN
        self._cipher = FrameCipher(_PATTERN)
        self._authenticate(prologue)

    def answer(self, message: bytes) -> bytes:
        """The ServerHello that answers the ClientHello `message`."""
        client_ephemeral = protobuf.first_bytes(_part(message, 2), 1)
        self._authenticate(client_ephemeral)
        self._authenticate(self._ephemeral.public)
        self._mix(self._ephemeral.agree(client_ephemeral))
        static = self._encrypt(self._identity.static.public)
        self._mix(self._identity.static.agree(client_ephemeral))
        certificates = self._encrypt(self._identity.chain)
        hello = protobuf.encode([(1, self._ephemeral.public), (2, static), (3, certificates)])
        return protobuf.encode([(3, hello)])

    def finish(self, message: bytes) -> Handshaken:
        """Check the ClientFinish `message` and derive the keys of the link."""
        parts = _part(message, 4)
        client_public = self._decrypt(protobuf.first_bytes(parts, 1))
        try:
            self._mix(self._ephemeral.agree(client_public))
        except CurveError as error:
            raise NoiseError(str(error)) from error
        payload = self._decrypt(protobuf.first_bytes(parts, 2))
        keys = hkdf(b"", self._salt, b"", 64)
        return Handshaken(client_public, payload, receive=FrameCipher(keys[:32]), send=FrameCipher(keys[32:]))

    def _authenticate(self, data: bytes) -> None:
        self._hash = sha256(self._hash + data).digest()

    def _mix(self, secret: bytes) -> None:
        keys = hkdf(secret, self._salt, b"", 64)
        self._salt, self._cipher = keys[:32], FrameCipher(keys[32:])

    def _encrypt(self, plaintext: bytes) -> bytes:
        ciphertext = self._cipher.encrypt(plaintext, self._hash)
        self._authenticate(ciphertext)
        return ciphertext

    def _decrypt(self, ciphertext: bytes) -> bytes:
        plaintext = self._cipher.decrypt(ciphertext, self._hash)
        self._authenticate(ciphertext)
        return plaintext


def _part(message: bytes, number: int) -> protobuf.Fields:
    return protobuf.decode(protobuf.first_bytes(protobuf.decode(message), number))


def frame(body: bytes) -> bytes:
    """`body` behind its 3-byte length, as both sides write it to the stream."""
    if len(body) > _MAX_FRAME_BYTES:
        raise NoiseError(f"a frame of {len(body)} bytes is too long")
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class FrameReader:
    """Cuts the client's byte stream into frames; they need not align with WebSocket messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._greeted = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take `data` in and yield each frame that is complete; raises NoiseError on a wrong greeting."""
        self._buffer += data
        if not self._greeted:
            if not GREETING.startswith(self._buffer[: len(GREETING)]):
                raise NoiseError("the client does not greet with WA and dictionary version 3")
            if len(self._buffer) < len(GREETING):
                return
            del self._buffer[: len(GREETING)]
            self._greeted = True
        while len(self._buffer) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH_BYTES:end])
            del self._buffer[:end]
            yield body
