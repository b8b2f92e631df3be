"""How a file is sealed for the media hosts, and what whoever opens it checks.

The keys come from a random media key that only the message carries, by the kind of media. A blob is the
AES-256-CBC ciphertext and ten bytes of an HMAC-SHA256 over iv and ciphertext (whatsmeow download.go and
upload.go).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import Enum

from wabot.emulator.crypto import BLOCK_SIZE, KEY_SIZE, decrypt_cbc, encrypt_cbc, hkdf

_MAC_BYTES = 10


class MediaError(ValueError):
    """A file is not what the message says that names it."""


class MediaType(Enum):
    """As what a file is sealed; the value stands in the addresses of the media hosts."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class FileSeal:
    """What a message says so that a file can be opened and checked.

    Attributes:
        media_key: what the keys are derived from.
        sha256: the hash of the file itself.
        enc_sha256: the hash of the blob.
        length: the bytes of the file itself.
    """

    media_key: bytes = field(repr=False)
    sha256: bytes
    enc_sha256: bytes
    length: int

    @classmethod
    def of_nothing(cls) -> FileSeal:
        """The seal of a file that exists nowhere."""
        media_key, sha256, enc_sha256 = (secrets.token_bytes(KEY_SIZE) for _ in range(3))
        return cls(media_key, sha256, enc_sha256, length=4096)

    def open(self, blob: bytes, media_type: MediaType) -> bytes:
        """The file in `blob`.

        Raises:
            MediaError: a hash, the authentication code, the padding or the length is wrong; it says which.
        """
        for name, value in (("media key", self.media_key), ("hash", self.sha256), ("hash", self.enc_sha256)):
            if len(value) != KEY_SIZE:
                raise MediaError(f"the {name} has {len(value)} bytes instead of {KEY_SIZE}")
        if hashlib.sha256(blob).digest() != self.enc_sha256:
            raise MediaError("the hash of the encrypted file is wrong")
        iv, cipher_key, mac_key = _derive(self.media_key, media_type)
        ciphertext, mac = blob[:-_MAC_BYTES], blob[-_MAC_BYTES:]
        if not hmac.compare_digest(_authenticate(mac_key, iv, ciphertext), mac):
            raise MediaError("the authentication code of the file is wrong")
        try:
            content = decrypt_cbc(cipher_key, iv, ciphertext)
        except ValueError as error:
            raise MediaError(f"the padding of the file is wrong: {error}") from error
        if hashlib.sha256(content).digest() != self.sha256:
            raise MediaError("the hash of the file is wrong")
        if len(content) != self.length:
            raise MediaError(f"the file has {len(content)} bytes and not the {self.length} of its message")
        return content


def seal(content: bytes, media_type: MediaType) -> tuple[bytes, FileSeal]:
    """The blob of a file, and what opens it."""
    media_key = secrets.token_bytes(KEY_SIZE)
    iv, cipher_key, mac_key = _derive(media_key, media_type)
    ciphertext = encrypt_cbc(cipher_key, iv, content)
    blob = ciphertext + _authenticate(mac_key, iv, ciphertext)
    sha256, enc_sha256 = hashlib.sha256(content).digest(), hashlib.sha256(blob).digest()
    return blob, FileSeal(media_key, sha256, enc_sha256, len(content))


def _derive(media_key: bytes, media_type: MediaType) -> tuple[bytes, bytes, bytes]:
    """The iv, the cipher's key and the authentication code's key."""
    # The last 32 of the 112 bytes are of no use any more.
    keys = hkdf(media_key, b"", f"WhatsApp {media_type.value.title()} Keys".encode(), 112)
    return keys[:BLOCK_SIZE], keys[BLOCK_SIZE:48], keys[48:80]


def _authenticate(mac_key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    return hmac.digest(mac_key, iv + ciphertext, hashlib.sha256)[:_MAC_BYTES]
