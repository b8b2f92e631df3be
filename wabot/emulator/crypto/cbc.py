"""AES in CBC mode with PKCS #7 padding, as the Signal messages and the app state are encrypted."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK_SIZE = 16


def encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """The ciphertext of `plaintext` under a 32-byte `key` and a 16-byte `iv`, without the `iv`."""
    padder = PKCS7(BLOCK_SIZE * 8).padder()
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()


def decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """The plaintext of `ciphertext`; raises ValueError when its length or padding is wrong."""
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    unpadder = PKCS7(BLOCK_SIZE * 8).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
