"""The sender while the database is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peewee
import pytest

from tests.support.office import (
    WAIT_SECONDS,
    Office,
    in_doubt,
    states,
    wait_until,
)
from wabot.conversation.send_queue import SendQueue
from wabot.outbound import unconfirmed as unconfirmed


class AwayDepartures(SendQueue):
    """Replies whose database goes away at a chosen moment."""

    def __init__(self, method: str, times: int) -> None:
        super().__init__("shop")
        self._away = {method: times}

    def _maybe(self, method: str) -> None:
        if self._away.get(method, 0):
            self._away[method] -= 1
            raise peewee.OperationalError("server closed the connection unexpectedly")

    def next(self, *arguments: Any) -> Any:
        self._maybe("next")
        return super().next(*arguments)

    def begin(self, *arguments: Any) -> bool:
        self._maybe("begin")
        return super().begin(*arguments)

    def mark_sent(self, *arguments: Any) -> None:
        self._maybe("mark_sent")
        super().mark_sent(*arguments)

    def mark_in_doubt(self, *arguments: Any) -> None:
        self._maybe("mark_in_doubt")
        super().mark_in_doubt(*arguments)


@pytest.mark.parametrize("method", ["next", "begin", "mark_sent"])
def test_a_database_that_is_away_costs_a_delay_and_never_a_second_copy(
    make_office: Callable[..., Office], method: str
) -> None:
    office = make_office(replies=AwayDepartures(method, 5))
    office.sender.start()
    office.sender.link_up()
    office.put("one", "two")
    wait_until(lambda: states() == {"one": "sent", "two": "sent"})
    assert office.phone.tried == ["one", "two"]


def test_a_doubt_is_not_forgotten_while_the_database_is_away(make_office: Callable[..., Office]) -> None:
    office = make_office(replies=AwayDepartures("mark_in_doubt", 5))
    office.phone.failures = [in_doubt()]
    office.sender.start()
    office.sender.link_up()
    office.put("one", "two")
    wait_until(lambda: states() == {"one": "sent", "two": "sent"})
    assert office.phone.tried == ["one", "one", "two"]


def test_a_stop_does_not_wait_for_a_database_that_is_away(make_office: Callable[..., Office]) -> None:
    office = make_office(replies=AwayDepartures("mark_sent", 1_000_000))
    office.sender.start()
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: office.phone.texts == ["hello"])
    assert office.sender.stop(WAIT_SECONDS)
    assert states() == {"hello": "sending"}
