from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wabot.outbound.pacing import Rates

NOON = 1000.0


def later(seconds: float) -> float:
    return NOON + seconds


def test_no_limit() -> None:
    rates = Rates(0, 0)
    for number in range(1000):
        rates.count(1, later(number / 1000))
    assert rates.opens_at() is None
    assert rates.chat_opens_at(1) is None


def test_everybody_together_in_any_minute() -> None:
    rates = Rates(3, 0)
    for second in (0, 10, 20):
        assert rates.opens_at() is None
        rates.count(second, later(second))
    assert rates.opens_at() == later(60)
    rates.count(9, later(60))
    assert rates.opens_at() == later(70)


def test_first_answers_leave_a_quarter_of_the_minute_to_the_others() -> None:
    rates = Rates(4, 0)
    for second in (0, 10, 20):
        assert rates.firsts_open_at() is None
        rates.count(second, later(second), is_first=True)
    assert rates.firsts_open_at() == later(60)
    assert rates.opens_at() is None
    rates.count(9, later(30))
    assert rates.opens_at() == later(60)
    assert Rates(0, 0).firsts_open_at() is None
    assert not Rates(0, 5).distinguishes


def test_one_chat_in_any_hour() -> None:
    rates = Rates(0, 2)
    rates.count(1, later(0))
    rates.count(2, later(1))
    assert rates.chat_opens_at(1) is None
    rates.count(1, later(100))
    assert rates.chat_opens_at(1) == later(3600)
    assert rates.chat_opens_at(2) is None
    rates.count(1, later(3600))
    assert rates.chat_opens_at(1) == later(3700)


def test_chats_that_fell_silent_are_forgotten() -> None:
    rates = Rates(0, 1)
    for chat_id in range(10_000):
        rates.count(chat_id, NOON)
    rates.count(10_000, later(3600))
    assert rates.chat_opens_at(5) is None
    assert rates.chat_opens_at(10_000) == later(7200)


@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40)), max_size=60),
)
def test_waiting_for_ones_turn_keeps_every_rate(
    per_minute: int, per_chat: int, wishes: list[tuple[int, int]]
) -> None:
    rates = Rates(per_minute, per_chat)
    now, left = NOON, []
    for chat_id, pause in wishes:
        now += pause
        now = max(now, rates.opens_at() or now, rates.chat_opens_at(chat_id) or now)
        rates.count(chat_id, now)
        left.append((chat_id, now))
    for _, end in left:
        recent = [at for _, at in left if end - 60 < at <= end]
        assert len(recent) <= per_minute
        for chat_id in (1, 2, 3):
            to_chat = [at for chat, at in left if chat == chat_id and end - 3600 < at <= end]
            assert len(to_chat) <= per_chat
