"""A sealed file is opened only if everything about it is right."""

from __future__ import annotations

import hashlib
import hmac
import io

import pytest

from wabot.emulator.signal.media_keys import MediaType, seal
from wabot.media.cipher import MAC_BYTES, OVERHEAD_BYTES, DamagedFile, FileKeys, open_blob


def opened(blob: bytes, keys: FileKeys, sha256: bytes) -> bytes:
    into = io.BytesIO()
    open_blob(io.BytesIO(blob), len(blob), keys, sha256, into)
    return into.getvalue()


@pytest.mark.parametrize("media_type", MediaType)
@pytest.mark.parametrize("size_bytes", [0, 1, 15, 16, 65_535, 65_536, 200_001])
def test_what_phones_seal_is_opened(media_type: MediaType, size_bytes: int) -> None:
    content = bytes(range(256)) * (size_bytes // 256 + 1)
    content = content[:size_bytes]
    blob, sealed = seal(content, media_type)
    assert len(blob) <= size_bytes + OVERHEAD_BYTES
    assert opened(blob, FileKeys.of(sealed.media_key, media_type.value.title()), sealed.sha256) == content


def test_whatever_is_wrong_is_noticed() -> None:
    blob, sealed = seal(b"a voice" * 100, MediaType.AUDIO)
    keys = FileKeys.of(sealed.media_key, "Audio")
    flipped = bytearray(blob)
    flipped[40] ^= 1
    wrong = {
        "key": (blob, FileKeys.of(sealed.media_key, "Image"), sealed.sha256),
        "length": (blob[:-1], keys, sealed.sha256),
        "no length": (b"", keys, sealed.sha256),
        "sealed with": (bytes(flipped), keys, sealed.sha256),
        "another file": (blob, keys, hashlib.sha256(b"").digest()),
    }
    for what, (each, with_keys, sha256) in wrong.items():
        with pytest.raises(DamagedFile, match=what):
            opened(each, with_keys, sha256)
    with pytest.raises(DamagedFile, match="too soon"):
        open_blob(io.BytesIO(blob[:100]), len(blob), keys, sealed.sha256, io.BytesIO())


def test_a_wrong_padding_below_a_right_seal_is_noticed() -> None:
    # Sealed by somebody who has the key, but not as phones do: the last block decrypts to anything.
    blob, sealed = seal(b"x" * 64, MediaType.AUDIO)
    keys = FileKeys.of(sealed.media_key, "Audio")
    ciphertext = blob[: -MAC_BYTES - 16] + bytes(16)
    mac = hmac.digest(keys.mac_key, keys.iv + ciphertext, hashlib.sha256)[:MAC_BYTES]
    with pytest.raises(DamagedFile, match=r"padding|another file"):
        opened(ciphertext + mac, keys, sealed.sha256)
