"""Sender keys: what a member writes to a group, and what the others make of it."""

from __future__ import annotations

import pytest

from wabot.emulator.signal.ratchet import DuplicateMessage, NotAuthentic, SignalError
from wabot.emulator.signal.sender_keys import SenderKey, SenderKeyReader

GROUP = "1@g.us"


def reader_of(key: SenderKey) -> SenderKeyReader:
    reader = SenderKeyReader()
    reader.learn(key.distribution(GROUP))
    return reader


def test_in_any_order_and_each_once() -> None:
    key = SenderKey()
    reader = reader_of(key)
    first, second, third = (key.encrypt(text) for text in (b"one", b"two", b"three"))
    assert reader.decrypt(third) == b"three"
    assert reader.decrypt(first) == b"one"
    with pytest.raises(DuplicateMessage):
        reader.decrypt(first)
    assert reader.decrypt(second) == b"two"


def test_who_comes_later_reads_what_comes_later() -> None:
    key = SenderKey()
    before = key.encrypt(b"before")
    reader = reader_of(key)
    assert reader.decrypt(key.encrypt(b"after")) == b"after"
    with pytest.raises(DuplicateMessage):
        reader.decrypt(before)


def test_a_key_that_comes_twice_changes_nothing() -> None:
    key = SenderKey()
    reader = reader_of(key)
    first = key.encrypt(b"one")
    reader.learn(key.distribution(GROUP))
    assert reader.decrypt(first) == b"one"


def test_what_cannot_be_read() -> None:
    key = SenderKey()
    reader = reader_of(key)
    message = key.encrypt(b"one")
    with pytest.raises(NotAuthentic):
        reader.decrypt(message[:-1] + bytes([message[-1] ^ 1]))
    with pytest.raises(SignalError, match="never handed over"):
        SenderKeyReader().decrypt(message)
    with pytest.raises(SignalError, match="malformed"):
        reader.decrypt(b"\x33nonsense" + bytes(64))
    with pytest.raises(SignalError, match="skips more"):
        for _ in range(2002):
            last = key.encrypt(b"far")
        reader.decrypt(last)
    assert reader.decrypt(message) == b"one"
