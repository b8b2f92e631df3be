"""Linking a device, on the side of the owner's phone: read the code, sign the device, check its answer.

The records are WhatsApp's ADV ("account device verification") protobufs; the messages that are signed and the
prefixes are those of whatsmeow pair.go.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import pbkdf2_hmac, sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from wabot.emulator.crypto import KEY_SIZE, CurveError, KeyPair, hkdf, verify
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import ProtobufError

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


_ACCOUNT_PREFIX = b"\x06\x00"
_DEVICE_PREFIX = b"\x06\x01"
_MAX_CODE_LENGTH = 1000  # a real code has about 240 characters


class PairingError(Exception):
    """A device cannot be linked: its code or its answer is wrong, or the link was refused."""


@dataclass(frozen=True, slots=True)
class PairingCode:
    """What a device asks for in its QR code. Keys are 32 raw bytes; `client_type` is its number as text."""

    ref: str
    noise_public: bytes
    identity_public: bytes
    adv_secret: bytes = field(repr=False)
    client_type: str

    @classmethod
    def parse(cls, text: str) -> PairingCode:
        """Read the text of the QR code: REF,NOISE,IDENTITY,SECRET,CLIENT after the last "#", keys in base64.

        Raises PairingError when it is not a code to link a device with.
        """
        parts = text[:_MAX_CODE_LENGTH].strip().rpartition("#")[2].split(",")
        if len(parts) != 5 or not all(parts):
            raise PairingError("this is no code to link a device: five fields with commas are expected")
        ref, noise_public, identity_public, adv_secret, client_type = parts
        return cls(ref, _key(noise_public), _key(identity_public), _key(adv_secret), client_type)


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """A linked device as the phone signed it."""

    details: bytes
    account_public: bytes
    account_signature: bytes
    companion_public: bytes
    container: bytes
    key_index: int

    @classmethod
    def sign(
        cls, account: KeyPair, code: PairingCode, *, raw_id: int, key_index: int, at: int
    ) -> DeviceIdentity:
        """Sign the device of `code` with the `account` key, which is the Signal identity of the phone.

        `raw_id` stands for the account as long as its key, `key_index` counts the devices linked so far and
        `at` is the time in Unix seconds. `container` is what pair-success carries.
        """
        details = protobuf.encode([(1, raw_id), (2, at), (3, key_index), (4, 0), (5, 0)])
        account_signature = account.sign(_ACCOUNT_PREFIX + details + code.identity_public)
        signed = protobuf.encode([(1, details), (2, account.public), (3, account_signature)])
        container = protobuf.encode([(1, signed), (2, hmac.digest(code.adv_secret, signed, sha256))])
        return cls(details, account.public, account_signature, code.identity_public, container, key_index)

    def check_answer(self, answer: bytes) -> None:
        """Check the record that pair-device-sign brings back; raises PairingError when it is wrong."""
        try:
            fields = protobuf.decode(answer)
            details = protobuf.first_bytes(fields, 1)
            account_signature = protobuf.first_bytes(fields, 3)
            device_signature = protobuf.first_bytes(fields, 4)
        except ProtobufError as error:
            raise PairingError(f"the answer of the device is malformed: {error}") from error
        if (details, account_signature) != (self.details, self.account_signature):
            raise PairingError("the device answered with an identity that the phone did not sign")
        signed = _DEVICE_PREFIX + self.details + self.companion_public + self.account_public
        if not verify(self.companion_public, signed, device_signature):
            raise PairingError("the device's signature of its identity is wrong")


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise PairingError(f"a key in the code is not base64: {error}") from error
    if len(key) != KEY_SIZE:
        raise PairingError(f"a key in the code has {len(key)} bytes instead of {KEY_SIZE}")
    return key
