"""The phone links a device: the code is read, the identity signed, and the device's answer checked."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.neonize_protobuf import decode
from wabot.emulator.crypto import KeyPair, verify
from wabot.emulator.people.pairing import DeviceIdentity, PairingCode, PairingError
from wabot.emulator.wire import protobuf

AT = 1_790_000_000


@dataclass
class Companion:
    """A device that wants to be linked, as the client library behaves."""

    noise: KeyPair = field(default_factory=KeyPair.generate)
    identity: KeyPair = field(default_factory=KeyPair.generate)
    adv_secret: bytes = bytes(range(32))

    def code(self) -> str:
        keys = (self.noise.public, self.identity.public, self.adv_secret)
        fields = ["2@ref", *(b64encode(key).decode() for key in keys), "6"]
        return "https://wa.me/settings/linked_devices#" + ",".join(fields)

    def answer(self, container: bytes) -> bytes:
        outer = protobuf.decode(container)
        signed = protobuf.first_bytes(outer, 1)
        assert hmac.digest(self.adv_secret, signed, sha256) == protobuf.first_bytes(outer, 2)
        fields = protobuf.decode(signed)
        details, account, signature = (protobuf.first_bytes(fields, number) for number in (1, 2, 3))
        assert verify(account, b"\x06\x00" + details + self.identity.public, signature)
        own = self.identity.sign(b"\x06\x01" + details + self.identity.public + account)
        return protobuf.encode([(1, details), (3, signature), (4, own)])


@pytest.fixture
def companion() -> Companion:
    return Companion()


def sign(companion: Companion, account: KeyPair | None = None) -> DeviceIdentity:
    code = PairingCode.parse(companion.code())
    return DeviceIdentity.sign(account or KeyPair.generate(), code, raw_id=77, key_index=1, at=AT)


def test_the_code_is_read(companion: Companion) -> None:
    code = PairingCode.parse(companion.code() + "\n")
    assert code.ref == "2@ref"
    assert code.noise_public == companion.noise.public
    assert code.identity_public == companion.identity.public
    assert code.adv_secret == companion.adv_secret
    assert code.client_type == "6"


def test_the_code_of_older_clients_has_no_address(companion: Companion) -> None:
    assert PairingCode.parse(companion.code().partition("#")[2]) == PairingCode.parse(companion.code())


def test_the_secret_is_not_shown(companion: Companion) -> None:
    assert repr(companion.adv_secret) not in repr(PairingCode.parse(companion.code()))


def test_a_device_is_linked(companion: Companion) -> None:
    account = KeyPair.generate()
    identity = sign(companion, account)
    details = protobuf.decode(identity.details)
    assert details == {1: [77], 2: [AT], 3: [1], 4: [0], 5: [0]}
    assert identity.account_public == account.public
    identity.check_answer(companion.answer(identity.container))


def test_the_signed_identity_is_what_a_device_expects(companion: Companion) -> None:
    identity = sign(companion)
    container = decode("ADVSignedDeviceIdentityHMAC", identity.container)
    assert len(b64decode(container["HMAC"])) == 32
    signed = decode("ADVSignedDeviceIdentity", b64decode(container["details"]))
    assert b64decode(signed["accountSignatureKey"]) == identity.account_public
    assert b64decode(signed["accountSignature"]) == identity.account_signature
    details = decode("ADVDeviceIdentity", b64decode(signed["details"]))
    assert details == {
        "rawID": 77,
        "timestamp": str(AT),
        "keyIndex": 1,
        "accountType": "E2EE",
        "deviceType": "E2EE",
    }


def test_an_answer_of_another_device_is_refused(companion: Companion) -> None:
    identity = sign(companion)
    impostor = Companion(identity=KeyPair.generate())
    answer = protobuf.decode(companion.answer(identity.container))
    message = b"\x06\x01" + identity.details + companion.identity.public + identity.account_public
    forged = protobuf.encode(
        [
            (1, identity.details),
            (3, protobuf.first_bytes(answer, 3)),
            (4, impostor.identity.sign(message)),
        ]
    )
    with pytest.raises(PairingError, match="signature"):
        identity.check_answer(forged)


def test_an_answer_to_another_linking_is_refused(companion: Companion) -> None:
    account = KeyPair.generate()
    earlier = companion.answer(sign(companion, account).container)
    with pytest.raises(PairingError, match="did not sign"):
        sign(companion).check_answer(earlier)


@given(st.binary(max_size=200))
def test_rubbish_is_no_answer(rubbish: bytes) -> None:
    with pytest.raises(PairingError):
        IDENTITY.check_answer(rubbish)


@given(st.integers(0, 999), st.integers(1, 255))
def test_a_changed_answer_is_refused(place: int, change: int) -> None:
    changed = bytearray(COMPANION.answer(IDENTITY.container))
    changed[place % len(changed)] ^= change
    with pytest.raises(PairingError):
        IDENTITY.check_answer(bytes(changed))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "https://wa.me/settings/linked_devices#",
        "https://wa.me/settings/linked_devices#ref,AAAA,AAAA,AAAA,6",
        "ref,!!,!!,!!,6",
        "ref,ñ,ñ,ñ,6",
        ",,,,",
        "x" * 100_000,
    ],
)
def test_other_codes_are_refused(text: str) -> None:
    with pytest.raises(PairingError):
        PairingCode.parse(text)


@pytest.mark.parametrize("missing", range(5))
def test_a_code_with_an_empty_field_is_refused(companion: Companion, missing: int) -> None:
    fields = companion.code().partition("#")[2].split(",")
    fields[missing] = ""
    with pytest.raises(PairingError):
        PairingCode.parse(",".join(fields))


@given(st.text() | st.text("AB=,#+/", max_size=300))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(PairingError):
        PairingCode.parse(text)


COMPANION = Companion()
IDENTITY = sign(COMPANION)
