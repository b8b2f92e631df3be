from __future__ import annotations

import pytest

from wabot.outbound.chat_presence import TypingIndicator

NOON = 1000.0


def later(seconds: float) -> float:
    return NOON + seconds


@pytest.fixture
def typing() -> TypingIndicator:
    return TypingIndicator()


def test_it_is_shown_at_once_and_again_every_ten_seconds(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    assert typing.next_at() <= NOON  # type: ignore[operator]
    assert typing.due(NOON) == [("ana", True)]
    assert typing.next_at() == later(10)
    assert typing.due(later(9.9)) == []
    assert typing.due(later(10)) == [("ana", True)]
    assert typing.due(later(25)) == [("ana", True)]


def test_it_ends_by_itself(typing: TypingIndicator) -> None:
    typing.begin("ana", later(15))
    typing.due(NOON)
    assert typing.due(later(15)) == []
    assert typing.next_at() is None


def test_an_answer_that_does_not_come_takes_it_back(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    typing.due(NOON)
    typing.end("ana")
    assert typing.next_at() <= NOON  # type: ignore[operator]
    assert typing.due(later(1)) == [("ana", False)]
    assert typing.next_at() is None
    assert typing.due(later(20)) == []


def test_what_was_never_shown_needs_no_taking_back(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    typing.end("ana")
    typing.end("eva")
    assert typing.due(NOON) == []


def test_a_message_takes_it_away_and_the_next_part_brings_it_again(typing: TypingIndicator) -> None:
    typing.begin("ana", later(8))
    typing.due(NOON)
    typing.message_sent("ana", later(4))
    assert typing.due(later(4)) == [("ana", True)]
    typing.message_sent("ana", later(8))
    assert typing.next_at() is None
    typing.end("ana")
    assert typing.due(later(9)) == []


def test_after_a_drop_it_is_shown_anew(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    typing.begin("eva", later(60))
    assert typing.due(NOON) == [("ana", True), ("eva", True)]
    typing.end("eva")
    typing.link_lost()
    assert typing.due(later(1)) == [("ana", True)]


def test_chats_are_apart(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    typing.due(NOON)
    typing.begin("eva", later(60))
    assert typing.due(later(5)) == [("eva", True)]
    assert typing.next_at() == later(10)
