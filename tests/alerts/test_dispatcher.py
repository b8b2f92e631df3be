from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.alert_receivers import WebhookReceiver
from tests.support.owners_alerts import NOON, TO, configured
from wabot.alerts.dispatcher import Dispatcher, channels
from wabot.alerts.mail import Mail
from wabot.alerts.notice import Condition, Problem
from wabot.config.settings import AlertSettings


def test_a_unit_that_fails_every_hour_is_told_once_a_day(
    tmp_path: Path, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = Dispatcher(configured(tmp_path, f'webhook_url = "{receiver.url}"'))
    clock = [NOON]
    monkeypatch.setattr("wabot.clock.time.time", lambda: clock[0])
    for hour in range(49):
        clock[0] = NOON + 3600 * hour
        dispatcher.tell_failure(Problem(Condition.PROCESS_FAILED, values=(("unit", "x"),), subject="x"))
        dispatcher.deliver()
    assert [call.content["at"][5:13] for call in receiver.calls] == ["11-22T12", "11-23T13"]


def test_only_what_is_configured() -> None:
    assert channels(AlertSettings()) == []
    assert channels(AlertSettings(to=TO)) == []
    both = AlertSettings(webhook_url="http://127.0.0.1/", smtp_url="smtp://localhost", to=TO)
    assert [channel.name for channel in channels(both)] == ["webhook", "mail"]
    (mail,) = channels(AlertSettings(smtp_url="smtp://localhost", to=TO, sender="bot@example.org"))
    assert isinstance(mail, Mail)
    assert mail._sender == "bot@example.org"
