"""The owner's name, as the phone syncs it to a linked device: a key share, then a signed and encrypted patch.

A device cannot send its presence before it knows that name. Keys, authentication codes and the sum over all
records ("LTHash") are those of whatsmeow appstate/.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256, sha512

from wabot.emulator.crypto import BLOCK_SIZE, encrypt_cbc, hkdf
from wabot.emulator.wire import protobuf

COLLECTION = "critical_block"
VERSION = 1  # of the collection once the patch is in: it holds this one record

_INDEX = json.dumps(["setting_pushName"]).encode()
_ACTION_VERSION = 1
_OPERATION_SET = b"\x01"  # as it is authenticated; the enum value in the record is 0
_KEY_SHARE_TYPE = 6
_SUM_LANES = 64
_LANE_BYTES = 2


@dataclass(frozen=True, slots=True)
class SyncKey:
    """A key of the phone that linked devices read app state with; `created_at` is in Unix milliseconds."""

    key_id: bytes
    data: bytes = field(repr=False)
    created_at: int

    @classmethod
    def generate(cls, created_at: int) -> SyncKey:
        """A fresh random key, made at `created_at` in Unix milliseconds."""
        return cls(b"\x00\x00" + secrets.token_bytes(4), secrets.token_bytes(32), created_at)

    def share_message(self, raw_id: int, key_index: int) -> bytes:
        """The waE2E.Message (without padding) in which the phone gives this key to a linked device.

        `raw_id` and `key_index` are those of the device identity that the phone signed for it.
        """
        phone_index = 0
        fingerprint = protobuf.encode([(1, raw_id), (2, key_index), (3, phone_index), (3, key_index)])
        key_data = protobuf.encode([(1, self.data), (2, fingerprint), (3, self.created_at)])
        key = protobuf.encode([(1, protobuf.encode([(1, self.key_id)])), (2, key_data)])
        key_share = protobuf.encode([(1, key)])
        return protobuf.encode([(12, protobuf.encode([(2, _KEY_SHARE_TYPE), (7, key_share)]))])


@dataclass(frozen=True, slots=True)
class _MutationKeys:
    index: bytes
    value: bytes
    value_mac: bytes
    snapshot_mac: bytes
    patch_mac: bytes


def push_name_patch(key: SyncKey, push_name: str, changed_at: int) -> bytes:
    """The SyncdPatch that takes COLLECTION from nothing to VERSION and sets the owner's name to `push_name`.

    `changed_at` is in Unix milliseconds. The device must have been given `key` before.
    """
    keys = _mutation_keys(key.data)
    setting = protobuf.encode([(1, changed_at), (7, protobuf.encode([(1, push_name)]))])
    action = protobuf.encode([(1, _INDEX), (2, setting), (3, b""), (4, _ACTION_VERSION)])
    iv = secrets.token_bytes(BLOCK_SIZE)
    encrypted = iv + encrypt_cbc(keys.value, iv, action)
    value_mac = _value_mac(keys.value_mac, key.key_id, encrypted)
    snapshot_mac = hmac.digest(keys.snapshot_mac, _record_sum(value_mac) + _version_and_name(), sha256)
    patch_mac = hmac.digest(keys.patch_mac, snapshot_mac + value_mac + _version_and_name(), sha256)
    key_id = protobuf.encode([(1, key.key_id)])
    record = protobuf.encode(
        [
            (1, protobuf.encode([(1, hmac.digest(keys.index, _INDEX, sha256))])),
            (2, protobuf.encode([(1, encrypted + value_mac)])),
            (3, key_id),
        ]
    )
    return protobuf.encode(
        [
            (1, protobuf.encode([(1, VERSION)])),
            (2, protobuf.encode([(1, 0), (2, record)])),
            (4, snapshot_mac),
            (5, patch_mac),
            (6, key_id),
        ]
    )


def _mutation_keys(key_data: bytes) -> _MutationKeys:
    keys = hkdf(key_data, b"", b"WhatsApp Mutation Keys", 160)
    return _MutationKeys(*(keys[start : start + 32] for start in range(0, 160, 32)))


def _value_mac(key: bytes, key_id: bytes, encrypted: bytes) -> bytes:
    associated = _OPERATION_SET + key_id
    return hmac.digest(key, associated + encrypted + len(associated).to_bytes(8, "big"), sha512)[:32]


def _record_sum(value_mac: bytes) -> bytes:
    """The sum over the collection's one record: lanes that start at 0 plus the expanded `value_mac`."""
    return hkdf(value_mac, b"", b"WhatsApp Patch Integrity", _SUM_LANES * _LANE_BYTES)


def _version_and_name() -> bytes:
    return VERSION.to_bytes(8, "big") + COLLECTION.encode()
