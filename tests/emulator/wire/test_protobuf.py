"""The protobuf wire format: published examples, round trips, rubbish."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import ProtobufError

numbers = st.integers(1, (1 << 29) - 1)
values = st.one_of(st.integers(0, (1 << 64) - 1), st.binary(max_size=40))


def test_the_published_examples() -> None:
    # protobuf.dev, "Encoding": a = 150, b = "testing", c = message with a = 150, and -2 as int64
    assert protobuf.encode([(1, 150)]) == bytes.fromhex("089601")
    assert protobuf.encode([(2, "testing")]) == bytes.fromhex("120774657374696e67")
    assert protobuf.encode([(3, protobuf.encode([(1, 150)]))]) == bytes.fromhex("1a03089601")
    assert protobuf.encode([(1, -2)]) == bytes.fromhex("08feffffffffffffffff01")


def test_fixed_width_fields_are_read() -> None:
    assert protobuf.decode(bytes.fromhex("0d01000000110200000000000000")) == {1: [1], 2: [2]}


def test_repeated_fields_keep_their_order() -> None:
    assert protobuf.decode(protobuf.encode([(1, 7), (2, "x"), (1, 8)])) == {1: [7, 8], 2: [b"x"]}


def test_fields_are_taken_by_kind() -> None:
    fields = protobuf.decode(protobuf.encode([(1, 7), (2, "x")]))
    assert protobuf.first(fields, 1) == 7 and protobuf.first(fields, 3) is None
    assert protobuf.first_int(fields, 1) == 7 and protobuf.first_int(fields, 3, default=9) == 9
    assert protobuf.first_bytes(fields, 2) == b"x"
    for take, number in ((protobuf.first_int, 2), (protobuf.first_int, 3), (protobuf.first_bytes, 1)):
        with pytest.raises(ProtobufError, match=f"field {number}"):
            take(fields, number)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x08",  # no value
        b"\x08\x80",  # the value goes on
        b"\x08" + b"\xff" * 10,  # too long
        b"\x08" + b"\xff" * 9 + b"\x7f",  # wider than 64 bits
        b"\x00\x01",  # field number 0
        b"\x0b\x0c",  # a group
        b"\x12\x05abc",  # longer than the message
        b"\x0d\x01\x00",  # half a fixed32
    ],
)
def test_rubbish_is_refused(rubbish: bytes) -> None:
    with pytest.raises(ProtobufError):
        protobuf.decode(rubbish)


@given(st.lists(st.tuples(numbers, values), max_size=20))
def test_what_is_encoded_is_decoded(fields: list[tuple[int, int | bytes]]) -> None:
    expected: dict[int, list[int | bytes]] = {}
    for number, value in fields:
        expected.setdefault(number, []).append(value)
    assert protobuf.decode(protobuf.encode(fields)) == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    with suppress(ProtobufError):
        protobuf.decode(data)
