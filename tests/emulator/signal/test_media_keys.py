"""Files under seal: what is opened is what was sealed, and each lie is named."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from wabot.emulator.signal.media_keys import FileSeal, MediaError, MediaType, seal


def expand(media_key: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 written out (RFC 5869), 112 bytes."""
    pseudorandom = hmac.digest(bytes(32), media_key, "sha256")
    output = block = b""
    for number in range(1, 5):
        block = hmac.digest(pseudorandom, block + info + bytes([number]), "sha256")
        output += block
    return output[:112]


@pytest.mark.parametrize(
    ("media_type", "info"),
    [
        (MediaType.IMAGE, b"WhatsApp Image Keys"),
        (MediaType.VIDEO, b"WhatsApp Video Keys"),
        (MediaType.AUDIO, b"WhatsApp Audio Keys"),
        (MediaType.DOCUMENT, b"WhatsApp Document Keys"),
    ],
)
def test_the_blob_is_as_whatsapp_makes_it(media_type: MediaType, info: bytes) -> None:
    blob, sealed = seal(b"x" * 100, media_type)
    keys = expand(sealed.media_key, info)
    iv, cipher_key, mac_key = keys[:16], keys[16:48], keys[48:80]
    decryptor = Cipher(AES(cipher_key), CBC(iv)).decryptor()
    assert decryptor.update(blob[:-10]) + decryptor.finalize() == b"x" * 100 + bytes([12]) * 12
    assert hmac.digest(mac_key, iv + blob[:-10], "sha256")[:10] == blob[-10:]
    assert sealed.enc_sha256 == hashlib.sha256(blob).digest()
    assert sealed.sha256 == hashlib.sha256(b"x" * 100).digest()
    assert sealed.length == 100


@given(st.binary(max_size=200), st.sampled_from(MediaType))
def test_what_is_sealed_can_be_opened(content: bytes, media_type: MediaType) -> None:
    blob, sealed = seal(content, media_type)
    assert sealed.open(blob, media_type) == content


def test_each_lie_is_named() -> None:
    blob, sealed = seal(b"hello", MediaType.IMAGE)
    spoilt = bytes([blob[0] ^ 1]) + blob[1:]
    lies: list[tuple[str, FileSeal, bytes, MediaType]] = [
        ("hash of the encrypted file", sealed, spoilt, MediaType.IMAGE),
        ("hash of the encrypted file", sealed, blob[:-1], MediaType.IMAGE),
        ("hash of the encrypted file", sealed, b"", MediaType.IMAGE),
        ("authentication code", hashed(sealed, spoilt), spoilt, MediaType.IMAGE),
        ("authentication code", hashed(sealed, b""), b"", MediaType.IMAGE),
        ("authentication code", sealed, blob, MediaType.AUDIO),
        ("authentication code", replace(sealed, media_key=bytes(32)), blob, MediaType.IMAGE),
        ("media key has 5 bytes", replace(sealed, media_key=b"short"), blob, MediaType.IMAGE),
        ("hash of the file", replace(sealed, sha256=bytes(32)), blob, MediaType.IMAGE),
        ("hash has 0 bytes", replace(sealed, sha256=b""), blob, MediaType.IMAGE),
        ("has 5 bytes and not the 6", replace(sealed, length=6), blob, MediaType.IMAGE),
    ]
    for reason, said, given_blob, media_type in lies:
        with pytest.raises(MediaError, match=reason):
            said.open(given_blob, media_type)


def hashed(sealed: FileSeal, blob: bytes) -> FileSeal:
    return replace(sealed, enc_sha256=hashlib.sha256(blob).digest())


def test_no_key_is_shown() -> None:
    _blob, sealed = seal(b"hello", MediaType.IMAGE)
    assert repr(sealed.media_key) not in repr(sealed)
