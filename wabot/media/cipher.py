"""What a file is sealed with for the media hosts: opened block by block, and only if everything is right.

The keys come from the media key that the message carries, by the kind of file: a blob is AES-256-CBC with
ten bytes of an HMAC-SHA256 over iv and ciphertext behind it (whatsmeow download.go).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK_BYTES = 16
KEY_BYTES = 32
MAC_BYTES = 10
OVERHEAD_BYTES = BLOCK_BYTES + MAC_BYTES
"""A blob is at most so much longer than its file."""
_PIECE_BYTES = 1 << 16


class DamagedFile(Exception):
    """A file is not what its message says. The message says what is wrong, for the operator."""


@dataclass(frozen=True, slots=True)
class FileKeys:
    """What opens one file."""

    iv: bytes = field(repr=False)
    cipher_key: bytes = field(repr=False)
    mac_key: bytes = field(repr=False)

    @classmethod
    def of(cls, media_key: bytes, sealed_as: str) -> FileKeys:
        """The keys that come from a media key.

        Args:
            media_key: of the message.
            sealed_as: "Image", "Video", "Audio" or "Document".
        """
        derived = HKDF(SHA256(), 112, None, f"WhatsApp {sealed_as} Keys".encode()).derive(media_key)
        return cls(derived[:16], derived[16:48], derived[48:80])


def open_blob(blob: BinaryIO, size_bytes: int, keys: FileKeys, sha256: bytes, into: BinaryIO) -> None:
    """Write the file in a blob, whose own hash is right already, if it is whole and is what was meant.

    Args:
        blob: the blob.
        size_bytes: how long it is.
        keys: open it.
        sha256: of the file.
        into: where the file goes; worthless after an error.

    Raises:
        Damaged: it is not.
    """
    sealed_bytes = size_bytes - MAC_BYTES
    if sealed_bytes < BLOCK_BYTES or sealed_bytes % BLOCK_BYTES:
        raise DamagedFile("it has no length that a sealed file can have")
    mac = hmac.new(keys.mac_key, keys.iv, hashlib.sha256)
    for piece in _pieces(blob, sealed_bytes):
        mac.update(piece)
    if not hmac.compare_digest(mac.digest()[:MAC_BYTES], blob.read(MAC_BYTES)):
        raise DamagedFile("it is not sealed with the key of its message")
    decryptor = Cipher(algorithms.AES(keys.cipher_key), modes.CBC(keys.iv)).decryptor()
    unpadder = PKCS7(BLOCK_BYTES * 8).unpadder()
    digest = hashlib.sha256()
    for piece in _pieces(blob, sealed_bytes):
        content = unpadder.update(decryptor.update(piece))
        digest.update(content)
        into.write(content)
    try:
        last = unpadder.update(decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise DamagedFile("its padding is wrong") from None
    digest.update(last)
    into.write(last)
    if digest.digest() != sha256:
        raise DamagedFile("it is another file than that of its message")


def _pieces(blob: BinaryIO, length: int) -> Iterator[bytes]:
    blob.seek(0)
    while length:
        piece = blob.read(min(_PIECE_BYTES, length))
        if not piece:
            raise DamagedFile("it ends too soon")
        length -= len(piece)
        yield piece
