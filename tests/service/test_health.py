from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.threads import promise
from wabot.service.health import Health, HealthVerdict

WELL = HealthVerdict(True, "")


def nothing(_health: Health) -> None:
    pass


def main_turned(health: Health) -> None:
    promise(health, "main", 100, 30)


def send_began(health: Health) -> None:
    promise(health, "main", 130, 30)
    promise(health, "sender", 100, 60)


def send_ended(health: Health) -> None:
    promise(health, "main", 130, 30)
    promise(health, "sender", 100, 60).idle()


def worker_beat_again(health: Health) -> None:
    promise(health, "reply-1", 100, 20)
    promise(health, "reply-1", 115, 20)


def link_waits(health: Health) -> None:
    health.link_waits(100, "reconnecting")


def link_came_back(health: Health) -> None:
    health.link_waits(100, "reconnecting")
    health.link_is_live()


def link_waits_for_something_else(health: Health) -> None:
    health.link_waits(100, "reconnecting")
    health.link_waits(200, "in backoff")


@pytest.mark.parametrize(
    ("happened", "now", "reason"),
    [
        (nothing, 100, ""),
        (main_turned, 100, ""),
        (main_turned, 130, ""),
        (main_turned, 131, "main silent for 31 s, allowed are 30 s"),
        (send_began, 160, ""),
        (send_began, 161, "main silent for 31 s, allowed are 30 s; sender silent for 61 s, allowed are 60 s"),
        (send_ended, 160, ""),
        (send_ended, 161, "main silent for 31 s, allowed are 30 s"),
        (worker_beat_again, 135, ""),
        (worker_beat_again, 136, "reply-1 silent for 21 s, allowed are 20 s"),
        (link_waits, 110, ""),
        (link_waits, 111, "link reconnecting, 11 s past its deadline"),
        (link_came_back, 1000, ""),
        (link_waits_for_something_else, 210, ""),
        (link_waits_for_something_else, 211, "link in backoff, 11 s past its deadline"),
    ],
)
def test_verdict(happened: Callable[[Health], None], now: float, reason: str) -> None:
    health = Health(link_slack_seconds=10)
    happened(health)
    assert health.verdict(now) == HealthVerdict(not reason, reason)


def test_overdue_seconds() -> None:
    health = Health()
    assert health.overdue_seconds("sender", 1000) == 0
    pulse = promise(health, "sender", 100, 60)
    assert health.overdue_seconds("sender", 159) == 0
    assert health.overdue_seconds("sender", 165) == 5
    pulse.idle()
    pulse.idle()
    assert health.overdue_seconds("sender", 1000) == 0


def test_it_recovers() -> None:
    health = Health()
    promise(health, "main", 100, 30)
    assert not health.verdict(200).healthy
    promise(health, "main", 200, 30)
    assert health.verdict(200) == WELL
