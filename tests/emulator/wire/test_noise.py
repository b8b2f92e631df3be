"""The handshake with a client written here, and the frames of the link it makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from wabot.emulator.crypto import KeyPair, hkdf, verify
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.noise import (
    GREETING,
    FrameCipher,
    FrameReader,
    Handshake,
    NoiseError,
    NoiseIdentity,
    frame,
)
from wabot.emulator.wire.protobuf import ProtobufError

PATTERN = b"Noise_XX_25519_AESGCM_SHA256" + bytes(4)


@dataclass
class Client:
    """The other side, from the description of the pattern."""

    static: KeyPair = field(default_factory=KeyPair.generate)
    ephemeral: KeyPair = field(default_factory=KeyPair.generate)

    def __post_init__(self) -> None:
        self.hash = self.salt = self.key = PATTERN
        self.counter = 0
        self.absorb(GREETING)

    def absorb(self, data: bytes) -> None:
        self.hash = sha256(self.hash + data).digest()

    def mix(self, secret: bytes) -> None:
        keys = hkdf(secret, self.salt, b"", 64)
        self.salt, self.key, self.counter = keys[:32], keys[32:], 0

    def crypt(self, data: bytes, encrypt: bool) -> bytes:
        nonce = self.counter.to_bytes(12, "big")
        self.counter += 1
        cipher = AESGCM(self.key)
        result = (cipher.encrypt if encrypt else cipher.decrypt)(nonce, data, self.hash)
        self.absorb(result if encrypt else data)
        return result

    def hello(self) -> bytes:
        self.absorb(self.ephemeral.public)
        return protobuf.encode([(2, protobuf.encode([(1, self.ephemeral.public)]))])

    def finish(self, answer: bytes, payload: bytes) -> bytes:
        hello = protobuf.decode(protobuf.first_bytes(protobuf.decode(answer), 3))
        server_ephemeral = protobuf.first_bytes(hello, 1)
        self.absorb(server_ephemeral)
        self.mix(self.ephemeral.agree(server_ephemeral))
        server_static = self.crypt(protobuf.first_bytes(hello, 2), encrypt=False)
        self.mix(self.ephemeral.agree(server_static))
        self.chain = self.crypt(protobuf.first_bytes(hello, 3), encrypt=False)
        self.server_static = server_static
        public = self.crypt(self.static.public, encrypt=True)
        self.mix(self.static.agree(server_ephemeral))
        encrypted = self.crypt(payload, encrypt=True)
        return protobuf.encode([(4, protobuf.encode([(1, public), (2, encrypted)]))])

    def ciphers(self) -> tuple[FrameCipher, FrameCipher]:
        keys = hkdf(b"", self.salt, b"", 64)
        return FrameCipher(keys[:32]), FrameCipher(keys[32:])


def test_both_sides_agree() -> None:
    identity, client = NoiseIdentity.generate(), Client()
    service = Handshake(identity)
    agreed = service.finish(client.finish(service.answer(client.hello()), b"about me"))
    assert agreed.client_public == client.static.public
    assert agreed.payload == b"about me"
    assert client.server_static == identity.static.public
    send, receive = client.ciphers()
    for number in range(3):
        assert agreed.receive.decrypt(send.encrypt(b"up %d" % number)) == b"up %d" % number
        assert receive.decrypt(agreed.send.encrypt(b"down %d" % number)) == b"down %d" % number


def test_the_chain_of_certificates_ends_in_the_root() -> None:
    identity = NoiseIdentity.generate()
    chain = protobuf.decode(identity.chain)
    leaf, intermediate = (protobuf.decode(protobuf.first_bytes(chain, number)) for number in (1, 2))
    leaf_details, details = (protobuf.first_bytes(part, 1) for part in (leaf, intermediate))
    above = protobuf.decode(details)
    assert verify(identity.root.public, details, protobuf.first_bytes(intermediate, 2))
    assert verify(protobuf.first_bytes(above, 3), leaf_details, protobuf.first_bytes(leaf, 2))
    below = protobuf.decode(leaf_details)
    assert protobuf.first_bytes(below, 3) == identity.static.public
    assert protobuf.first_int(below, 2) == protobuf.first_int(above, 1)
    assert protobuf.first_int(above, 2) == 0


def test_a_client_of_another_version_is_refused() -> None:
    client = Client()
    service = Handshake(NoiseIdentity.generate(), prologue=b"WA\x06\x02")
    answer = service.answer(client.hello())
    with pytest.raises(InvalidTag):
        client.finish(answer, b"")


def test_a_changed_finish_is_refused() -> None:
    client = Client()
    service = Handshake(NoiseIdentity.generate())
    finish = client.finish(service.answer(client.hello()), b"about me")
    with pytest.raises(NoiseError, match="does not belong to this link"):
        service.finish(finish[:-1] + bytes([finish[-1] ^ 1]))


@given(st.binary(max_size=100))
def test_rubbish_in_the_handshake_is_refused(data: bytes) -> None:
    with pytest.raises((ProtobufError, NoiseError)):
        Handshake(_IDENTITY).finish(data)


_IDENTITY = NoiseIdentity.generate()


def test_a_frame_cannot_be_repeated() -> None:
    send, receive = FrameCipher(bytes(32)), FrameCipher(bytes(32))
    data = send.encrypt(b"once")
    assert receive.decrypt(data) == b"once"
    with pytest.raises(NoiseError):
        receive.decrypt(data)


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 40))
def test_frames_need_not_align_with_messages(bodies: list[bytes], chunk: int) -> None:
    stream = GREETING + b"".join(frame(body) for body in bodies)
    reader = FrameReader()
    read = [
        body for start in range(0, len(stream), chunk) for body in reader.feed(stream[start : start + chunk])
    ]
    assert read == bodies


@pytest.mark.parametrize("greeting", [b"WA\x06\x02", b"GET ", b"X"])
def test_another_greeting_is_refused(greeting: bytes) -> None:
    with pytest.raises(NoiseError, match="does not greet"):
        list(FrameReader().feed(greeting))


def test_a_frame_that_does_not_fit_is_not_written() -> None:
    with pytest.raises(NoiseError, match="too long"):
        frame(bytes(1 << 24))
