"""The janitor's units on a booted systemd."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import Container

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(180)]

TIMER = "wabot-janitor.timer"
JANITOR = "wabot-janitor.service"


@pytest.fixture
def timer(container: Container) -> Iterator[str]:
    yield TIMER
    container.reset(TIMER)
    container.reset(JANITOR)


def test_the_timer_comes_within_the_hour(container: Container, timer: str) -> None:
    container.run("systemctl", "start", timer)
    following = container.property(timer, "NextElapseUSecRealtime")
    seconds = int(container.run("date", "--date", following, "+%s").stdout) - time.time()
    assert 0 < seconds < 65 * 60, following


def test_the_timer_starts_the_janitor_beside_a_running_bot(
    container: Container, bot: BotUnit, timer: str
) -> None:
    bot.pair()
    # A session of nobody, which the janitor moves aside.
    container.run(
        "install", "-d", "-m", "0700", "-o", "wabot", "-g", "wabot", "/var/lib/wabot/sessions/phantom"
    )
    container.run("touch", "-d", "3 days ago", "/var/lib/wabot/sessions/phantom")
    began = container.cursor()
    every_second = ["OnCalendar=", "OnCalendar=*:*:*", "RandomizedDelaySec=0", "AccuracySec=100ms"]
    container.override(timer, ["[Timer]", *every_second])
    container.run("systemctl", "start", timer)
    container.wait_until(
        lambda: any("Finished" in line.message for line in container.journal(JANITOR, began)), JANITOR
    )
    container.run("systemctl", "stop", timer)
    container.wait_for_property(JANITOR, ActiveState="inactive", Result="success")
    summaries = [line.message for line in container.journal(JANITOR, began) if "janitor:" in line.message]
    assert "1 done" in summaries[0], summaries
    assert not container.path("/var/lib/wabot/sessions/phantom").exists()
    assert bot.status()["state"] == "connected"
    assert bot.show("NRestarts") == {"NRestarts": "0"}
