"""The protobuf wire format without message classes: bytes to numbered fields and back.

The handshake, the certificates, the pairing records and the Signal messages are small protobufs whose field
numbers are all that matters here. Wire format: protobuf.dev, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterable

Fields = dict[int, list[int | bytes]]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10
_MAX_FIELD_NUMBER = (1 << 29) - 1
_UINT64 = (1 << 64) - 1
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}


class ProtobufError(ValueError):
    """The bytes are not a protobuf message, or lack a field that is needed."""


def decode(data: bytes) -> Fields:
    """Split `data` into its fields: field number -> values in the order they came.

    Varints and fixed-width fields come as unsigned integers, length-delimited ones as bytes. Raises
    ProtobufError on anything else (truncated data, groups, field number 0, varints longer than 64 bits).
    """
    fields: Fields = {}
    offset = 0
    while offset < len(data):
        key, offset = _read_varint(data, offset)
        number, wire_type = key >> 3, key & 7
        if not 1 <= number <= _MAX_FIELD_NUMBER:
            raise ProtobufError(f"field number {number} is out of range")
        value: int | bytes
        if wire_type == _VARINT:
            value, offset = _read_varint(data, offset)
        elif wire_type == _BYTES:
            size, offset = _read_varint(data, offset)
            value, offset = _read_bytes(data, offset, size), offset + size
        elif wire_type in _FIXED_SIZES:
            size = _FIXED_SIZES[wire_type]
            value, offset = int.from_bytes(_read_bytes(data, offset, size), "little"), offset + size
        else:
            raise ProtobufError(f"wire type {wire_type} of field {number} is not supported")
        fields.setdefault(number, []).append(value)
    return fields


def encode(fields: Iterable[tuple[int, int | bytes | str]]) -> bytes:
    """Join (field number, value) pairs into one message, in the order given.

    Integers become varints (negative ones as 64-bit two's complement), text and bytes length-delimited.
    """
    parts = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            parts += _varint(number << 3 | _VARINT)
            parts += _varint(value & _UINT64)
        else:
            raw = value.encode() if isinstance(value, str) else value
            parts += _varint(number << 3 | _BYTES)
            parts += _varint(len(raw))
            parts += raw
    return bytes(parts)


def first(fields: Fields, number: int) -> int | bytes | None:
    """The first value of field `number`, or None when the message does not have it."""
    values = fields.get(number)
    return values[0] if values else None


def first_bytes(fields: Fields, number: int) -> bytes:
    """The first value of the length-delimited field `number`; raises ProtobufError when there is none."""
    value = first(fields, number)
    if not isinstance(value, bytes):
        raise ProtobufError(f"field {number} is missing or not length-delimited")
    return value


def first_int(fields: Fields, number: int, default: int | None = None) -> int:
    """The first value of the integer field `number`, or `default`; raises ProtobufError without either."""
    value = first(fields, number)
    if value is None and default is not None:
        return default
    if not isinstance(value, int):
        raise ProtobufError(f"field {number} is missing or not an integer")
    return value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(data: bytes, offset: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[offset : offset + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if value > _UINT64:
                raise ProtobufError("a varint is wider than 64 bits")
            return value, offset + index + 1
    raise ProtobufError("a varint is truncated or too long")


def _read_bytes(data: bytes, offset: int, size: int) -> bytes:
    if size > len(data) - offset:
        raise ProtobufError("a field is longer than the message")
    return data[offset : offset + size]
