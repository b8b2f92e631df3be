from __future__ import annotations

from pathlib import Path

from tests.support.alert_receivers import WebhookReceiver
from tests.support.examined_bot import illnesses
from wabot.alerts.dispatcher import Dispatcher
from wabot.alerts.notice import Condition, Problem
from wabot.cli.parser import main
from wabot.config.load import load_settings


def test_alerts_that_a_channel_refuses(file: Path, state: Path, receiver: WebhookReceiver) -> None:
    file.write_text(file.read_text() + f'[alerts]\nwebhook_url = "{receiver.url}"\n')
    receiver.status = 404
    settings = load_settings(file, {})
    dispatcher = Dispatcher(settings)
    dispatcher.tell_failure(Problem(Condition.PROCESS_FAILED, values=(("unit", "x"),), subject="x"))
    assert not dispatcher.deliver_within(1)
    found = illnesses(file)["alerts"]
    assert found.text.startswith("by webhook: the web address answered 404, since 20")
    assert found.text.endswith("; none arrive so")
    assert "alert --test" in found.cure
    receiver.status = 204
    assert main(["alert", "--test", "--config", str(file)]) == 0
    assert "alerts" not in illnesses(file)
    assert dispatcher.deliver_within(1)
    assert receiver.kinds() == ["alert process_failed", "test", "alert process_failed"]
