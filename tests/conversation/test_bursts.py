from __future__ import annotations

import pytest

from wabot.conversation.bursts import LONGEST_HOLD_SECONDS, QUIET_SECONDS, Bursts

ANA, BEN = "34600000001@s.whatsapp.net", "299000111222@lid"


def test_an_answer_to_a_single_message_never_waits() -> None:
    bursts = Bursts()
    assert bursts.seconds_to_hold(ANA, 100.0) == 0
    bursts.note(ANA, 100.0)
    assert bursts.seconds_to_hold(ANA, 100.0) == 0
    bursts.note(ANA, 101.0)
    assert bursts.seconds_to_hold(ANA, 101.0) == 0


def test_a_burst_is_waited_for_until_it_is_quiet() -> None:
    bursts = Bursts()
    for at in (-0.25, -0.125, 0.0):
        bursts.note(ANA, at)
    assert bursts.seconds_to_hold(ANA, 0.0) == QUIET_SECONDS
    assert 0 < bursts.seconds_to_hold(ANA, 0.25) < QUIET_SECONDS
    assert bursts.seconds_to_hold(ANA, QUIET_SECONDS) == 0
    assert bursts.seconds_to_hold(ANA, 0.5) == 0
    assert bursts.seconds_to_hold(BEN, 0.0) == 0


def keep_writing(bursts: Bursts, start: float) -> tuple[float, float]:
    """Ana writes every tenth of a second; when she would have got her next reply."""
    for step in range(1000):
        now = start + step / 10
        bursts.note(ANA, now)
        if step and not bursts.seconds_to_hold(ANA, now):
            return now, now - start
    raise AssertionError("held for ever")


def test_a_burst_without_end_holds_each_reply_only_so_long() -> None:
    bursts = Bursts()
    first_at, held_seconds = keep_writing(bursts, 0.0)
    assert held_seconds == pytest.approx(LONGEST_HOLD_SECONDS, abs=0.2)
    _, held_seconds = keep_writing(bursts, first_at)
    assert held_seconds == pytest.approx(LONGEST_HOLD_SECONDS, abs=0.2)


def test_a_new_burst_is_waited_for_anew_though_what_the_last_one_held_was_taken_back() -> None:
    bursts = Bursts()
    for at in (0.0, 0.1):
        bursts.note(ANA, at)
    assert bursts.seconds_to_hold(ANA, 0.1)
    for at in (60.0, 60.25):
        bursts.note(ANA, at)
    assert bursts.seconds_to_hold(ANA, 60.25) > 0


def test_the_chats_of_long_ago_are_forgotten() -> None:
    bursts = Bursts()
    for number in range(3000):
        for _ in range(2):
            bursts.note(f"{number}@lid", 0.0)
    assert bursts.seconds_to_hold("2999@lid", 0.0) == QUIET_SECONDS
    assert bursts.seconds_to_hold("0@lid", 0.0) == 0


def test_a_chat_of_long_ago_that_writes_again_is_not_forgotten() -> None:
    bursts = Bursts()
    bursts.note(ANA, 0.0)
    for number in range(999):
        bursts.note(f"{number}@lid", 0.0)
    for at in (60.0, 60.1):
        bursts.note(ANA, at)
    bursts.note("new@lid", 60.1)
    assert bursts.seconds_to_hold(ANA, 60.1) > 0
