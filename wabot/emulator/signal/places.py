"""Messages that say where something is: a pin on the map, and one that moves."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import Fields

_LOCATION, _LIVE_LOCATION = 5, 18
_LATITUDE, _LONGITUDE = 1, 2
_NAME, _ADDRESS = 3, 4  # of a LocationMessage
_CAPTION, _SEQUENCE_NUMBER, _SECONDS_UNDER_WAY = 6, 7, 8  # of a LiveLocationMessage


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is, in degrees, and what it is called."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""

    def __str__(self) -> str:
        """In a few words, for who watches."""
        return f"[location {self.latitude:g},{self.longitude:g}] {self.name}".rstrip()


def location(place: Place) -> bytes:
    """A waE2E.Message with a pin."""
    words = protobuf.encode(
        [(number, text) for number, text in ((_NAME, place.name), (_ADDRESS, place.address)) if text]
    )
    return protobuf.encode([(_LOCATION, _degrees(place) + words)])


def live_location(place: Place, sequence_number: int = 1, seconds_under_way: int = 0) -> bytes:
    """A waE2E.Message with a pin that moves: each move is another message with a higher number."""
    moved = [(_SECONDS_UNDER_WAY, seconds_under_way)] if seconds_under_way else []
    rest = protobuf.encode([(_CAPTION, place.name), (_SEQUENCE_NUMBER, sequence_number), *moved])
    return protobuf.encode([(_LIVE_LOCATION, _degrees(place) + rest)])


def place_in(message: Fields) -> Place | None:
    """The place in a decoded waE2E.Message out of its envelopes, or None when it names none."""
    number = next((one for one in (_LOCATION, _LIVE_LOCATION) if one in message), None)
    fields = protobuf.decode(protobuf.first_bytes(message, number)) if number else {}
    latitude, longitude = (protobuf.first(fields, one) for one in (_LATITUDE, _LONGITUDE))
    if not isinstance(latitude, int) or not isinstance(longitude, int):
        return None
    numbers = (_NAME, _ADDRESS) if number == _LOCATION else (_CAPTION, None)
    name, address = (protobuf.first(fields, one) if one else None for one in numbers)
    return Place(_double(latitude), _double(longitude), _text(name), _text(address))


def _degrees(place: Place) -> bytes:
    # Two doubles, which the codec of small protobufs reads as integers and does not write.
    both = ((_LATITUDE, place.latitude), (_LONGITUDE, place.longitude))
    return b"".join(bytes([number << 3 | 1]) + struct.pack("<d", degrees) for number, degrees in both)


def _double(bits: int) -> float:
    (value,) = struct.unpack("<d", (bits & (1 << 64) - 1).to_bytes(8, "little"))
    return float(value)


def _text(value: int | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""
