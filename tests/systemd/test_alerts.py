"""The alert unit as it is shipped: it reaches the owner from inside its sandbox."""

from __future__ import annotations

import pytest

from tests.support.alert_receivers import WebhookReceiver
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import Container
from wabot.emulator.server.emulator import Emulator

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def addresses(container: Container, receiver: WebhookReceiver) -> None:
    """Where the owner is, in the credential store."""
    container.write("/etc/credstore/wabot.webhook-url", receiver.url, mode=0o600)
    container.write("/etc/credstore/wabot.webhook-secret", "s3cret", mode=0o600)


ALERTS = '[alerts]\nwebhook_url = "credential:webhook-url"\nwebhook_secret = "credential:webhook-secret"'


def test_the_reason_is_told_by_the_bot_and_not_again_by_the_unit(
    container: Container, emulator: Emulator, bot: BotUnit, receiver: WebhookReceiver
) -> None:
    bot.add_settings(ALERTS)
    bot.pair()
    after = container.cursor()
    emulator.log_out()
    bot.wait_for(ActiveState="failed", ExecMainStatus="77")
    unit = "wabot-alert@wabot.service"
    container.wait_until(
        lambda: any("Finished" in line.message for line in container.journal(unit, after)), unit
    )
    assert receiver.kinds() == ["alert logged_out"]
    assert receiver.calls[0].is_signed_with(b"s3cret")
    assert receiver.url not in "\n".join(line.message for line in [*bot.journal(), *container.journal(unit)])


def test_what_the_bot_cannot_tell_the_unit_tells(
    container: Container, bot: BotUnit, receiver: WebhookReceiver
) -> None:
    bot.add_settings(ALERTS, "[typo]")
    bot.start(check=False)
    receiver.wait_for(1)
    assert receiver.kinds() == ["alert process_failed"]
    assert "exit 78" in receiver.calls[0].content["text"]


def test_each_unit_tells_its_own_failure(
    container: Container, bot: BotUnit, receiver: WebhookReceiver
) -> None:
    """With all of them known to systemd, as on a machine where the handbook was followed."""
    bot.add_settings(ALERTS, "[typo]")
    others = ("wabot-backup@wabot", "wabot-janitor")
    try:
        for unit in others:
            container.run("systemctl", "start", f"{unit}.timer")
        bot.start(check=False)
        receiver.wait_for(1)
        for unit in others:
            container.run("systemctl", "start", f"{unit}.service", check=False)
        receiver.wait_for(3)
    finally:
        for unit in others:
            container.reset(f"{unit}.timer")
            container.reset(f"{unit}.service")
    assert receiver.kinds() == ["alert process_failed", "alert process_failed", "alert janitor_refused"]
    told = [call.content["text"] for call in receiver.calls]
    assert "systemctl status wabot.service" in told[0]
    assert "systemctl status wabot-backup@wabot.service" in told[1]
    assert all("exit 78" in text for text in told)
