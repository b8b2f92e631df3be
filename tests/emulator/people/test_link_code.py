"""The exchange behind a typed code, with a device written here."""

from __future__ import annotations

import secrets
from hashlib import pbkdf2_hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from wabot.emulator.crypto import KeyPair, hkdf
from wabot.emulator.people.pairing import CodeExchange, PairingError

CODE = "ABCD1234"


def crypt(code: str, head: bytes, key: bytes) -> bytes:
    secret = pbkdf2_hmac("sha256", code.encode(), head[:32], 131072, 32)
    return Cipher(AES(secret), CTR(head[32:48])).encryptor().update(key)


class Device:
    def __init__(self, code: str) -> None:
        self.code = code
        self.identity, self.ephemeral = KeyPair.generate(), KeyPair.generate()
        head = secrets.token_bytes(48)
        self.wrapped = head + crypt(code, head, self.ephemeral.public)

    def answer(self, wrapped: bytes, phone_identity: bytes) -> tuple[bytes, bytes]:
        """What the device sends to finish, and the secret it expects."""
        phone_key = crypt(self.code, wrapped[:48], wrapped[48:])
        shared = self.ephemeral.agree(phone_key)
        salt, nonce, randomness = secrets.token_bytes(32), secrets.token_bytes(12), secrets.token_bytes(32)
        key = hkdf(shared, salt, b"link_code_pairing_key_bundle_encryption_key", 32)
        bundle = self.identity.public + phone_identity + randomness
        secret = hkdf(shared + self.identity.agree(phone_identity) + randomness, b"", b"adv_secret", 32)
        return salt + nonce + AESGCM(key).encrypt(nonce, bundle, None), secret


@pytest.mark.parametrize("typed", [CODE, "abcd-1234", " ABCD-1234 "])
def test_both_sides_derive_the_same_secret(typed: str) -> None:
    device, phone = Device(CODE), KeyPair.generate()
    exchange = CodeExchange(typed, device.wrapped)
    finish, secret = device.answer(exchange.wrapped_key(), phone.public)
    assert exchange.finish(phone, device.identity.public, finish) == secret


def test_another_code_is_noticed() -> None:
    device, phone = Device(CODE), KeyPair.generate()
    exchange = CodeExchange("ABCD1235", device.wrapped)
    finish, _ = device.answer(exchange.wrapped_key(), phone.public)
    with pytest.raises(PairingError, match="the code is wrong"):
        exchange.finish(phone, device.identity.public, finish)


def test_another_identity_is_noticed() -> None:
    device, phone = Device(CODE), KeyPair.generate()
    exchange = CodeExchange(CODE, device.wrapped)
    finish, _ = device.answer(exchange.wrapped_key(), KeyPair.generate().public)
    with pytest.raises(PairingError, match="mistook the phone's identity"):
        exchange.finish(phone, device.identity.public, finish)


@pytest.mark.parametrize("finish", [b"", bytes(40), bytes(200)])
def test_rubbish_is_a_wrong_code(finish: bytes) -> None:
    device, phone = Device(CODE), KeyPair.generate()
    with pytest.raises(PairingError, match="the code is wrong"):
        CodeExchange(CODE, device.wrapped).finish(phone, device.identity.public, finish)


def test_a_key_of_the_wrong_size() -> None:
    with pytest.raises(PairingError, match="wrong size"):
        CodeExchange(CODE, bytes(79))
