"""Opens edits that are sealed with the secret of the message they change, as phones send them since 2026.

The key is HKDF-SHA256 of that secret, without a salt, over the message's id, who wrote it, who edits it, and
the words "Message Edit"; the text is sealed by AES-256-GCM, with nothing else authenticated.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

SECRET_BYTES = 32
_PURPOSE = b"Message Edit"
_SHORTEST_BYTES = 16  # the tag alone


def open_sealed(
    nonce: bytes, sealed: bytes, secret: bytes, message_id: str, writers: Iterable[str]
) -> bytes | None:
    """What was sealed; None when none of these keys opens it.

    Args:
        nonce: as it came with the edit.
        sealed: the encrypted edit.
        secret: of the message that is edited.
        message_id: of that message.
        writers: JIDs by which its writer may have signed: WhatsApp uses now the number, now the hidden id.
    """
    if len(secret) != SECRET_BYTES or len(sealed) < _SHORTEST_BYTES or not 8 <= len(nonce) <= 128:
        return None
    # Loaded only when such an edit comes: it takes 7 MB and 0.02 s.
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    for writer in writers:
        key = _key(secret, message_id, writer)
        try:
            return AESGCM(key).decrypt(nonce, sealed, None)
        except InvalidTag:
            continue
    return None


def _key(secret: bytes, message_id: str, writer: str) -> bytes:
    """HKDF for one block: only who wrote a message can edit it, so writer and editor are the same."""
    extracted = hmac.digest(bytes(32), secret, hashlib.sha256)
    info = message_id.encode() + 2 * writer.encode() + _PURPOSE
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)
