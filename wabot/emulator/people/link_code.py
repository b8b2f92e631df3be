"""Linking with an eight-character code typed into the phone, instead of a QR code that it scans.

The code protects an exchange of ephemeral keys, from which phone and device derive the secret that a QR code
would have shown (whatsmeow pair-code.go).
"""

from __future__ import annotations

import secrets
from hashlib import pbkdf2_hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from wabot.emulator.crypto.curve import KEY_SIZE, CurveError, KeyPair, hkdf
from wabot.emulator.people.pairing import PairingError

_ITERATIONS = 2 << 16
_SALT_SIZE, _IV_SIZE, _NONCE_SIZE = 32, 16, 12
_WRAPPED_SIZE = _SALT_SIZE + _IV_SIZE + KEY_SIZE
_WRONG_CODE = "the code is wrong: type the one that the device shows"


class CodeExchange:
    """The phone's side of one exchange, with the code as its owner typed it ("ABCD-1234")."""

    def __init__(self, code: str, wrapped_device_key: bytes) -> None:
        """`wrapped_device_key` is what the device sent when it made its code."""
        if len(wrapped_device_key) != _WRAPPED_SIZE:
            raise PairingError("the device's key for the code has the wrong size")
        self._code = code.strip().replace("-", "").upper().encode()
        self._device_key = self._crypt(wrapped_device_key)
        self._own = KeyPair.generate()

    def wrapped_key(self) -> bytes:
        """The phone's ephemeral key as the device expects it."""
        head = secrets.token_bytes(_SALT_SIZE + _IV_SIZE)
        return head + self._crypt(head + self._own.public)

    def finish(self, identity: KeyPair, device_identity: bytes, wrapped_bundle: bytes) -> bytes:
        """The ADV secret both sides share now; raises PairingError when the code was not the device's.

        `identity` is the phone's, `device_identity` the device's public one, and `wrapped_bundle` what the
        device sent to finish.
        """
        salt, rest = wrapped_bundle[:_SALT_SIZE], wrapped_bundle[_SALT_SIZE:]
        try:
            shared = self._own.agree(self._device_key)
            key = hkdf(shared, salt, b"link_code_pairing_key_bundle_encryption_key", 32)
            bundle = AESGCM(key).decrypt(rest[:_NONCE_SIZE], rest[_NONCE_SIZE:], None)
            shared_identity = identity.agree(device_identity)
        except (CurveError, InvalidTag, ValueError) as error:
            raise PairingError(_WRONG_CODE) from error
        if bundle[: 2 * KEY_SIZE] != device_identity + identity.public:
            raise PairingError("the device mistook the phone's identity or its own")
        return hkdf(shared + shared_identity + bundle[2 * KEY_SIZE :], b"", b"adv_secret", 32)

    def _crypt(self, wrapped: bytes) -> bytes:
        salt, iv = wrapped[:_SALT_SIZE], wrapped[_SALT_SIZE : _SALT_SIZE + _IV_SIZE]
        key = pbkdf2_hmac("sha256", self._code, salt, _ITERATIONS, 32)
        cipher = Cipher(AES(key), CTR(iv)).encryptor()
        return cipher.update(wrapped[_SALT_SIZE + _IV_SIZE :]) + cipher.finalize()
