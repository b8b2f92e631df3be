from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.alert_receivers import WebhookReceiver, wait_until
from tests.support.owners_alerts import NOON, banned, configured, well
from wabot.alerts.checks import LinkView, look_at_replies
from wabot.alerts.notice import Findings
from wabot.alerts.notification_log import NotificationFile
from wabot.alerts.watcher import Watcher, report_database_away
from wabot.brain.providers.counts import CallCounts
from wabot.link.states import State

KEY = b"k" * 32


SECRET = "whsec_" + base64.b64encode(KEY).decode()


MakeAlerts = Callable[..., Watcher]


@pytest.fixture
def make_alerts(
    tmp_path: Path, receiver: WebhookReceiver, sqlite_database: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeAlerts]:
    monkeypatch.setattr("wabot.alerts.watcher._LOOK_SECONDS", 0.05)
    monkeypatch.setattr("wabot.alerts.watcher.PAUSE_SECONDS", 0.05)
    monkeypatch.setattr("wabot.alerts.notification_log._FIRST_RETRY_SECONDS", 0.1)
    settings = configured(
        tmp_path, f'webhook_url = "{receiver.url}"\nwebhook_secret = "env:SIGN"', {"SIGN": SECRET}
    )
    running: list[Watcher] = []

    def make(storing: Any = None) -> Watcher:
        alerts = Watcher(settings, CallCounts(), storing)
        running.append(alerts)
        alerts.start()
        return alerts

    yield make
    for alerts in running:
        alerts.stop(10)


def test_each_change_is_told_once(make_alerts: MakeAlerts, receiver: WebhookReceiver) -> None:
    alerts = make_alerts()
    for _ in range(5):
        alerts.link_changed(banned())
        time.sleep(0.06)
    receiver.wait_for(1)
    alerts.link_changed(well())
    receiver.wait_for(2)
    alerts.stop(10)
    assert receiver.kinds() == ["alert banned", "recovery banned"]
    assert all(call.is_signed_with(KEY) for call in receiver.calls)


def test_a_refusal_is_told_at_once_and_nothing_is_sent_again_until_something_changes(
    make_alerts: MakeAlerts, receiver: WebhookReceiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 404
    alerts = make_alerts()
    alerts.link_changed(banned())
    receiver.wait_for(1)
    alerts.link_changed(well())
    receiver.wait_for(2)
    alerts.stop(10)
    told = "alerts by webhook do not arrive until that is mended: the web address answered 404"
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [told]
    assert receiver.kinds() == ["alert banned", "recovery banned"]
    book = NotificationFile(tmp_path / "state" / "alerts" / "shop.json").read()
    assert book.refused["webhook"][1] == "the web address answered 404"
    # Mended, and started again.
    receiver.status = 204
    make_alerts()
    receiver.wait_for(4)
    assert receiver.kinds()[2:] == ["alert banned", "recovery banned"]


def test_how_long_the_process_lives_is_counted_from_its_beginning(
    make_alerts: MakeAlerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[tuple[Any, ...]] = []
    monkeypatch.setattr("wabot.alerts.watcher.look_at_link", lambda *asked: looks.append(asked) or Findings())
    began = time.time()
    alerts = make_alerts()
    made = time.time()
    alerts.stop(10)
    _, _, started_at, *_ = looks[0]
    assert began <= started_at <= made
    assert looks[-1][2] == started_at


def test_how_often_the_owners_alerts_are_looked_at(
    make_alerts: MakeAlerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wabot.alerts.watcher._LOOK_SECONDS", 10.0)
    monkeypatch.setattr("wabot.alerts.watcher.PAUSE_SECONDS", 1.0)
    alerts = make_alerts()
    alerts.stop(10)
    pauses: list[float | None] = [None, 300.0, 0.0, 4.0]

    def deliver() -> float | None:
        return pauses.pop(0) if pauses else {}["a receiver nobody foresaw"]

    monkeypatch.setattr(alerts._dispatcher, "deliver", deliver)
    assert [alerts._step() for _ in range(5)] == [10.0, 10.0, 1.0, 4.0, 10.0]


def test_a_change_of_the_link_is_looked_at_at_once(
    make_alerts: MakeAlerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[LinkView] = []
    monkeypatch.setattr(Watcher, "_look", lambda _self, link: looks.append(link))
    monkeypatch.setattr("wabot.alerts.watcher._LOOK_SECONDS", 3600.0)
    alerts = make_alerts()
    wait_until(lambda: looks, 20, lambda: looks)
    alerts.link_changed(banned())
    wait_until(lambda: len(looks) > 1, 20, lambda: looks)
    assert looks[1].state is State.BANNED


@pytest.mark.parametrize(("seconds", "settled"), [(5, False), (3600, True)])
def test_replies_that_wait_right_after_a_reconnect_are_not_stuck(
    make_alerts: MakeAlerts, monkeypatch: pytest.MonkeyPatch, seconds: float, settled: bool
) -> None:
    asked: list[bool] = []

    def look(user_id: str, connected: bool, *rest: Any) -> Any:
        asked.append(connected)
        return look_at_replies(user_id, connected, *rest)

    alerts = make_alerts()
    alerts.stop(10)
    monkeypatch.setattr("wabot.alerts.watcher.look_at_replies", look)
    alerts._look(LinkView(State.CONNECTED, "", time.time() - seconds))
    alerts._look(LinkView(State.BACKOFF, "", time.time() - seconds))
    assert asked == [settled, False]


def test_a_restart_repeats_nothing(make_alerts: MakeAlerts, receiver: WebhookReceiver) -> None:
    for _ in range(3):
        alerts = make_alerts()
        alerts.link_changed(banned())
        receiver.wait_for(1)
        alerts.stop(10)
    alerts = make_alerts()
    alerts.link_changed(well())
    receiver.wait_for(2)
    alerts.stop(10)
    assert receiver.kinds() == ["alert banned", "recovery banned"]


def test_the_last_news_is_told_at_the_end(make_alerts: MakeAlerts, receiver: WebhookReceiver) -> None:
    alerts = make_alerts()
    alerts.link_changed(LinkView(State.LOGGED_OUT, "the phone removed it (401)", time.time()))
    alerts.stop(10)
    assert receiver.kinds() == ["alert logged_out"]


def test_a_receiver_that_is_down_gets_it_later_and_once(
    make_alerts: MakeAlerts, receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    receiver.status = 503
    alerts = make_alerts()
    alerts.link_changed(banned())
    receiver.wait_for(3)
    alerts.link_changed(well())
    receiver.status = 204
    wait_until(lambda: "recovery banned" in receiver.kinds(), 20, receiver.kinds)
    alerts.stop(10)
    kinds = receiver.kinds()
    assert kinds == ["alert banned"] * (len(kinds) - 1) + ["recovery banned"]
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 2
    assert "the web address answered 503" in caplog.text
    assert "T0KEN" not in caplog.text


def test_an_outage_of_the_database_is_told_once_and_its_end_once(
    make_alerts: MakeAlerts, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database can be read all the time: only whoever stores messages knows."""
    monkeypatch.setattr("wabot.alerts.checks._DATABASE_SECONDS", 0.1)
    storing = SimpleNamespace(trouble="database away since 10:02, 37 messages kept on disk")
    alerts = make_alerts(storing)
    for _ in range(10):
        alerts.link_changed(well())
        time.sleep(0.06)
    (alert,) = receiver.wait_for(1)
    storing.trouble = ""
    for _ in range(5):
        alerts.link_changed(well())
        time.sleep(0.06)
    receiver.wait_for(2)
    alerts.stop(10)
    assert receiver.kinds() == ["alert database_away", "recovery database_away"]
    assert "database away since 10:02, 37 messages kept on disk" in alert.content["text"]


def test_without_a_channel_there_is_no_thread(tmp_path: Path) -> None:
    alerts = Watcher(configured(tmp_path, ""), CallCounts())
    alerts.start()
    alerts.link_changed(banned())
    alerts.stop(0)
    assert not (tmp_path / "state").exists()


def test_a_database_that_is_away_at_every_start_is_told_after_a_minute_and_once(
    tmp_path: Path, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = configured(tmp_path, f'webhook_url = "{receiver.url}"')
    clock = [NOON]
    monkeypatch.setattr("wabot.clock.time.time", lambda: clock[0])
    for seconds in range(0, 200, 10):
        clock[0] = NOON + seconds
        report_database_away(settings, "connection refused", 5)
        assert len(receiver.calls) == (seconds >= 60)
    assert receiver.kinds() == ["alert database_away"]
