"""The answer to an album waits until all of it is here, and not for ever."""

from __future__ import annotations

import pytest

from wabot.conversation.files.albums import BETWEEN_SECONDS, LONGEST_SECONDS, Albums

ANA, EVA = "1@lid", "2@lid"


@pytest.fixture
def albums() -> Albums:
    made = Albums()
    made.announce(ANA, "A", 3, 0)
    return made


def test_it_is_waited_for_until_it_is_whole(albums: Albums) -> None:
    albums.note(ANA, "A", "1", 1)
    assert albums.seconds_to_wait(ANA, 2) == BETWEEN_SECONDS - 1
    assert albums.seconds_to_wait(EVA, 2) == 0
    albums.note(ANA, "A", "1", 3)
    albums.note(ANA, "A", "2", 4)
    assert albums.seconds_to_wait(ANA, 4) == BETWEEN_SECONDS, "the same picture twice is one"
    albums.note(ANA, "A", "3", 5)
    assert albums.seconds_to_wait(ANA, 5) == 0


def test_one_that_stays_incomplete_is_not_waited_for(albums: Albums) -> None:
    assert albums.seconds_to_wait(ANA, BETWEEN_SECONDS - 1) == 1
    assert albums.seconds_to_wait(ANA, BETWEEN_SECONDS) == 0
    albums.announce(ANA, "B", 100, 0)
    for second in range(int(LONGEST_SECONDS)):
        albums.note(ANA, "B", str(second), second)
    assert albums.seconds_to_wait(ANA, LONGEST_SECONDS - 1) == 1
    assert albums.seconds_to_wait(ANA, LONGEST_SECONDS) == 0


def test_what_nobody_announced_is_no_album_and_very_many_are_bounded(albums: Albums) -> None:
    albums.note(EVA, "A", "1", 0)
    assert albums.seconds_to_wait(EVA, 0) == 0
    for number in range(500):
        albums.announce(EVA, str(number), 2, 1)
    assert albums.seconds_to_wait(ANA, 1) == 0
