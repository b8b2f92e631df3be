"""Curve25519 keys as Signal and WhatsApp use them: agreement, XEdDSA signatures, HKDF; and AES-CBC."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import xeddsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

KEY_SIZE = 32
SIGNATURE_SIZE = 64
_SIGN_BIT = 0x80


class CurveError(ValueError):
    """A key has the wrong size or is one of the weak points that agree with everybody."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A Curve25519 key pair; both halves are 32 raw bytes, without Signal's type byte 0x05."""

    private: bytes = field(repr=False)
    public: bytes

    @classmethod
    def generate(cls) -> KeyPair:
        """A fresh random key pair."""
        return cls.from_private(secrets.token_bytes(KEY_SIZE))

    @classmethod
    def from_private(cls, private: bytes) -> KeyPair:
        """The key pair of the 32-byte scalar `private`."""
        if len(private) != KEY_SIZE:
            raise CurveError(f"a private key has {KEY_SIZE} bytes, not {len(private)}")
        public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        return cls(private, public)

    def agree(self, other_public: bytes) -> bytes:
        """The 32-byte secret shared with the holder of `other_public` (X25519, RFC 7748)."""
        try:
            other = X25519PublicKey.from_public_bytes(other_public)
            return X25519PrivateKey.from_private_bytes(self.private).exchange(other)
        except ValueError as error:
            raise CurveError(f"no agreement with this public key: {error}") from error

    def sign(self, message: bytes) -> bytes:
        """A 64-byte XEdDSA signature of `message`.

        libsignal keeps the sign of the Edwards point in bit 7 of the last byte. XEdDSA forces that sign to 0
        (signal.org, "The XEdDSA and VXEdDSA Signature Schemes"), so the signature satisfies both conventions.
        """
        return xeddsa.ed25519_priv_sign(xeddsa.priv_force_sign(self.private, False), message)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is one of `message` by the holder of the Curve25519 key `public`.

    The Edwards sign bit is read from bit 7 of the last byte, as libsignal does.
    """
    if len(public) != KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    sign_bit = bool(signature[-1] & _SIGN_BIT)
    plain_signature = signature[:-1] + bytes([signature[-1] & ~_SIGN_BIT])
    edwards_public = xeddsa.curve25519_pub_to_ed25519_pub(public, sign_bit)
    return xeddsa.ed25519_verify(plain_signature, edwards_public, message)


def hkdf(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """`length` bytes derived from `ikm` with HKDF-SHA256 (RFC 5869)."""
    return HKDF(SHA256(), length, salt or None, info).derive(ikm)


BLOCK_SIZE = 16


def encrypt_cbc(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """The ciphertext of `plaintext` under a 32-byte `key` and a 16-byte `iv`, without the `iv`."""
    padder = PKCS7(BLOCK_SIZE * 8).padder()
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()


def decrypt_cbc(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """The plaintext of `ciphertext`; raises ValueError when its length or padding is wrong."""
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    unpadder = PKCS7(BLOCK_SIZE * 8).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
