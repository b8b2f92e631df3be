from __future__ import annotations

import pytest

from wabot.outbound.receipts import AwaitedReceipts, Evidence

NOON = 1000.0


def later(seconds: float) -> float:
    return NOON + seconds


@pytest.fixture
def deliveries() -> AwaitedReceipts:
    return AwaitedReceipts()


def test_a_confirmed_reply_is_readable(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.confirmed("A")
    assert deliveries.take_unreadable(later(3000)) == ([], None)


def test_silence_alone_proves_nothing(deliveries: AwaitedReceipts) -> None:
    """The phone is switched off."""
    deliveries.sent("A", 1, NOON)
    assert deliveries.take_unreadable(later(3000)) == ([], None)


def test_a_phone_that_asks_again_and_gets_nothing(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.asked_again("A", later(1))
    deliveries.asked_again("A", later(9))
    assert deliveries.take_unreadable(later(1)) == ([], later(11))
    assert deliveries.take_unreadable(later(11)) == ([("A", Evidence.ASKED_AGAIN)], None)
    assert deliveries.take_unreadable(later(99)) == ([], None)


def test_a_phone_that_asks_again_and_is_served_by_the_library(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.asked_again("A", later(1))
    deliveries.confirmed("A")
    assert deliveries.take_unreadable(later(99)) == ([], None)


def test_a_phone_may_ask_for_what_an_earlier_process_sent(deliveries: AwaitedReceipts) -> None:
    deliveries.asked_again("A", NOON)
    assert deliveries.take_unreadable(later(10)) == ([("A", Evidence.ASKED_AGAIN)], None)


def test_a_later_reply_that_arrived_convicts_an_earlier_one(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.sent("B", 1, later(1))
    deliveries.confirmed("B")
    assert deliveries.take_unreadable(later(2)) == ([], later(7))
    deliveries.sent("C", 1, later(6))
    deliveries.confirmed("C")
    assert deliveries.take_unreadable(later(7)) == ([("A", Evidence.OVERTAKEN)], None)


def test_an_earlier_reply_that_arrived_convicts_no_later_one(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.sent("B", 1, later(1))
    deliveries.confirmed("A")
    assert deliveries.take_unreadable(later(99)) == ([], None)


def test_later_replies_to_others_convict_later(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.sent("B", 2, later(1))
    deliveries.confirmed("B")
    assert deliveries.take_unreadable(later(2)) == ([], later(30))
    assert deliveries.take_unreadable(later(30)) == ([("A", Evidence.OTHERS_ONLY)], None)


def test_after_lost_receipts_silence_proves_nothing(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.forget()
    deliveries.sent("B", 1, later(1))
    deliveries.confirmed("B")
    assert deliveries.take_unreadable(later(99)) == ([], None)


def test_memory_is_bounded(deliveries: AwaitedReceipts) -> None:
    for number in range(20_000):
        deliveries.sent(f"S{number}", number, later(number))
        deliveries.sent(f"C{number}", number, later(number))
        deliveries.confirmed(f"C{number}")
        deliveries.asked_again(f"R{number}", later(number))
    assert max(len(deliveries._sent), len(deliveries._newest_in_chat)) <= 5000
