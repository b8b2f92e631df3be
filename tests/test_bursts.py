from __future__ import annotations

from wabot.bursts import QUIET_SECONDS, Bursts


def test_an_answer_to_a_single_message_never_waits() -> None:
    bursts = Bursts()
    assert bursts.seconds_left(1, 100.0) == 0
    bursts.note(1, 100.0)
    assert bursts.seconds_left(1, 100.0) == 0
    bursts.note(1, 101.0)
    assert bursts.seconds_left(1, 101.0) == 0


def test_a_burst_is_waited_for_until_it_is_quiet() -> None:
    bursts = Bursts()
    for at in (-0.25, -0.125, 0.0):
        bursts.note(1, at)
    assert bursts.seconds_left(1, 0.0) == QUIET_SECONDS
    assert 0 < bursts.seconds_left(1, 0.25) < QUIET_SECONDS
    assert bursts.seconds_left(1, QUIET_SECONDS) == 0
    assert bursts.seconds_left(2, 0.0) == 0


def test_the_chats_of_long_ago_are_forgotten() -> None:
    bursts = Bursts()
    for chat_id in range(3000):
        bursts.note(chat_id, 0.0)
        bursts.note(chat_id, 0.0)
    assert bursts.seconds_left(2999, 0.0) == QUIET_SECONDS
    assert bursts.seconds_left(0, 0.0) == 0
