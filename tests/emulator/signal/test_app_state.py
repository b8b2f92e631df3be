"""The name patch and the key share, checked by a reader of their own and by neonize's protobuf classes."""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tests.support.neonize_protobuf import decode
from wabot.emulator.signal.app_state import COLLECTION, VERSION, SyncKey, push_name_patch

AT = 1_790_000_000_000
KEY = SyncKey(b"\x00\x00\x00\x00\x12\x34", bytes(range(32)), AT)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 of RFC 5869 without a salt, written out."""
    pseudo_random = hmac.digest(bytes(32), key, "sha256")
    output, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudo_random, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def add_lanes(total: bytes, summand: bytes) -> bytes:
    lanes = zip(struct.unpack("<64H", total), struct.unpack("<64H", summand), strict=True)
    return struct.pack("<64H", *((left + right) & 0xFFFF for left, right in lanes))


@pytest.fixture(scope="module")
def patch() -> dict[str, Any]:
    return decode("SyncdPatch", push_name_patch(KEY, "Ferretería Ñandú 🔧", AT + 5))


def test_every_code_of_the_patch_can_be_recomputed(patch: dict[str, Any]) -> None:
    index_key, value_key, value_mac_key, snapshot_key, patch_key = (
        expand(KEY.data, b"WhatsApp Mutation Keys", 160)[start : start + 32] for start in range(0, 160, 32)
    )
    (mutation,) = patch["mutations"]
    record = mutation["record"]
    blob = b64decode(record["value"]["blob"])
    encrypted, value_mac = blob[:-32], blob[-32:]

    message = b"\x01" + KEY.key_id + encrypted + struct.pack(">Q", 1 + len(KEY.key_id))
    assert hmac.new(value_mac_key, message, hashlib.sha512).digest()[:32] == value_mac
    index_mac = hmac.digest(index_key, b'["setting_pushName"]', "sha256")
    assert b64decode(record["index"]["blob"]) == index_mac

    lthash = add_lanes(bytes(128), expand(value_mac, b"WhatsApp Patch Integrity", 128))
    version_and_name = struct.pack(">Q", 1) + b"critical_block"
    snapshot_mac = hmac.digest(snapshot_key, lthash + version_and_name, "sha256")
    assert b64decode(patch["snapshotMAC"]) == snapshot_mac
    patch_mac = hmac.digest(patch_key, snapshot_mac + value_mac + version_and_name, "sha256")
    assert b64decode(patch["patchMAC"]) == patch_mac
    assert b64decode(patch["keyID"]["ID"]) == b64decode(record["keyID"]["ID"]) == KEY.key_id
    assert mutation["operation"] == "SET"
    assert int(patch["version"]["version"]) == VERSION == 1
    assert COLLECTION == "critical_block"

    decryptor = Cipher(AES(value_key), CBC(encrypted[:16])).decryptor()
    padded = decryptor.update(encrypted[16:]) + decryptor.finalize()
    action = decode("SyncActionData", padded[: -padded[-1]])
    assert b64decode(action["index"]) == b'["setting_pushName"]'
    assert action["value"] == {
        "timestamp": str(AT + 5),
        "pushNameSetting": {"name": "Ferretería Ñandú 🔧"},
    }
    assert action["version"] == 1
    assert action["padding"] == ""


def test_each_patch_is_encrypted_anew() -> None:
    assert push_name_patch(KEY, "Ana", AT) != push_name_patch(KEY, "Ana", AT)


def test_the_key_share_is_what_a_device_expects() -> None:
    message = decode("Message", KEY.share_message(raw_id=77, key_index=3))
    protocol = message["protocolMessage"]
    assert protocol["type"] == "APP_STATE_SYNC_KEY_SHARE"
    (key,) = protocol["appStateSyncKeyShare"]["keys"]
    assert b64decode(key["keyID"]["keyID"]) == KEY.key_id
    assert b64decode(key["keyData"]["keyData"]) == KEY.data
    assert key["keyData"]["fingerprint"] == {"rawID": 77, "currentIndex": 3, "deviceIndexes": [0, 3]}
    assert key["keyData"]["timestamp"] == str(AT)


def test_keys_are_random_and_not_shown() -> None:
    first, second = SyncKey.generate(AT), SyncKey.generate(AT)
    assert first.data != second.data
    assert first.key_id != second.key_id
    assert (len(first.key_id), len(first.data)) == (6, 32)
    assert repr(first.data) not in repr(first)
