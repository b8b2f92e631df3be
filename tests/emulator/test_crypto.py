"""Agreement, signatures and key derivation against published vectors."""

from __future__ import annotations

import pytest

from wabot.emulator.crypto import CurveError, KeyPair, hkdf, verify


def test_agreement_as_in_rfc_7748() -> None:
    pair = KeyPair.from_private(
        bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    )
    peer = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    assert pair.agree(peer).hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"


def test_derivation_as_in_rfc_5869() -> None:
    derived = hkdf(bytes([0x0B] * 22), bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
    assert derived.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def test_a_signature_of_libsignal_is_accepted() -> None:
    # libsignal, Curve25519Test: its sign bit stands in the last byte
    public = bytes.fromhex("ab7e717d4a163b7d9a1d8071dfe9dcf8cdcd1cea3339b6356be84d887e322c64")
    message = bytes.fromhex("05edce9d9c415ca78cb7252e72c2c4a554d3eb29485a0e1d503118d1a82d99fb4a")
    signature = bytes.fromhex(
        "5de88ca9a89b4a115da79109c67c9c7464a3e4180274f1cb8c63c2984e286dfb"
        "ede82deb9dcd9fae0bfbb821569b3d9001bd8130cd11d486cef047bd60b86e88"
    )
    assert signature[-1] & 0x80
    assert verify(public, message, signature)
    assert not verify(public, message + b"!", signature)
    assert not verify(public, message, signature[:-1] + bytes([signature[-1] ^ 0x80]))


def test_own_signatures_have_sign_bit_zero() -> None:
    for _ in range(8):  # half of all keys have the other sign and need the correction
        pair = KeyPair.generate()
        signature = pair.sign(b"message")
        assert not signature[-1] & 0x80
        assert verify(pair.public, b"message", signature)
        assert not verify(KeyPair.generate().public, b"message", signature)


@pytest.mark.parametrize(("public", "signature"), [(bytes(31), bytes(64)), (bytes(32), bytes(63))])
def test_a_signature_of_the_wrong_size_is_none(public: bytes, signature: bytes) -> None:
    assert not verify(public, b"", signature)


def test_weak_and_short_keys_are_refused() -> None:
    with pytest.raises(CurveError, match="no agreement"):
        KeyPair.generate().agree(bytes(32))
    with pytest.raises(CurveError, match="no agreement"):
        KeyPair.generate().agree(b"short")
    with pytest.raises(CurveError, match="32 bytes"):
        KeyPair.from_private(b"short")


def test_a_private_key_is_not_shown() -> None:
    pair = KeyPair.generate()
    assert repr(pair.private) not in repr(pair)
