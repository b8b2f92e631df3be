"""What the owner is told while the real bot meets trouble."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from tests.e2e.bot_process import REPOSITORY, BotProcess
from tests.e2e.conftest import MakeBot
from tests.support.alert_receivers import MailServer, WebhookReceiver, wait_until
from tests.support.provider_server import ProviderServer
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_behaviours import status

pytestmark = pytest.mark.e2e


def alert_unit(bot: BotProcess) -> subprocess.CompletedProcess[str]:
    """What systemd starts when the bot has failed for good."""
    return subprocess.run(
        [sys.executable, "-m", "wabot", "alert", "--failed", "wabot.service", "--config", str(bot.config)],
        cwd=REPOSITORY,
        env={**os.environ, "MONITOR_EXIT_STATUS": "77", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_logged_out_is_told_once_by_both_ways(
    emulator: Emulator, make_bot: MakeBot, receiver: WebhookReceiver
) -> None:
    with MailServer() as mail:
        channels = f'smtp_url = "smtp://localhost:{mail.port}"\nto = ["owner@example.com"]'
        bot = make_bot(sections={"alerts": f'webhook_url = "{receiver.url}"\n{channels}'})
        bot.pair()
        emulator.log_out()
        assert bot.wait_for_exit() == 77
        assert alert_unit(bot).returncode == 0
        assert receiver.kinds() == ["alert logged_out"]
        (message,) = mail.messages
    assert "la sesión de WhatsApp está cerrada" in message["Subject"]
    assert "wabot pair" in message.get_content()
    assert receiver.url not in bot.log()


def test_what_could_not_be_delivered_goes_out_by_the_alert_unit(
    emulator: Emulator, make_bot: MakeBot, receiver: WebhookReceiver
) -> None:
    bot = make_bot(sections={"alerts": f'webhook_url = "{receiver.url}"'})
    bot.pair()
    receiver.status = 500
    emulator.replace()
    assert bot.wait_for_exit() == 77
    assert set(receiver.kinds()) == {"alert replaced"}
    receiver.status = 204
    tries = len(receiver.calls)
    assert alert_unit(bot).returncode == 0
    assert receiver.kinds()[tries:] == ["alert replaced"]
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1


def test_a_receiver_that_never_answers_holds_nobody_up(emulator: Emulator, make_bot: MakeBot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bot = make_bot(sections={"alerts": f'webhook_url = "http://127.0.0.1:{silent.getsockname()[1]}/"'})
        bot.pair()
        emulator.ban(3)
        bot.wait_for_state("banned")
        called, _ = silent.accept()
        bot.wait_for_state("connected", timeout_seconds=30)
        ana = emulator.customer(1)
        ana.send("Hola, ¿cuánto cuesta el envío a domicilio?")
        ana.wait_for_replies(1)
        assert bot.stop() == 0
        called.close()


def test_unstable_and_offline_are_told_while_the_bot_goes_on(
    emulator: Emulator, make_bot: MakeBot, receiver: WebhookReceiver
) -> None:
    bot = make_bot(
        sections={
            "alerts": f'webhook_url = "{receiver.url}"\noffline_after = 10',
            "account": 'language = "en"',
        }
    )
    bot.pair()
    emulator.faults.refuse(600)
    emulator.cut()
    wait_until(lambda: receiver.kinds() == ["alert offline"], 40, receiver.kinds)
    assert "no connection to WhatsApp" in receiver.calls[0].content["title"]
    emulator.accept_connections()
    assert bot.stop() == 0
    assert receiver.kinds() == ["alert offline"]


def test_a_model_that_is_down_is_told_and_that_it_answers_again(
    emulator: Emulator, make_bot: MakeBot, receiver: WebhookReceiver, model: ProviderServer
) -> None:
    answer, model.default = model.default, status(500)
    with MailServer() as mail:
        bot = make_bot(
            provider=model.base_url,
            sections={
                "alerts": f'webhook_url = "{receiver.url}"\nmodel_down_after = 10\n'
                f'smtp_url = "smtp://localhost:{mail.port}"\nto = ["owner@example.com"]',
                "account": 'language = "pt"',
            },
        )
        bot.pair()
        # One question that is kept, and asked again and again.
        emulator.customer(1).send("What is the capital of Mongolia?")
        wait_until(lambda: receiver.kinds() == ["alert model_down"], 50, receiver.kinds)
        assert "wabot doctor --online" in receiver.calls[0].content["text"]
        model.default = answer
        wait_until(lambda: len(receiver.calls) == 2, 60, receiver.kinds)
        wait_until(lambda: len(mail.messages) == 2, 20, lambda: mail.messages)
        assert bot.stop() == 0
        assert receiver.kinds() == ["alert model_down", "recovery model_down"]
        assert "nenhum modelo responde" in mail.messages[0]["Subject"]


def test_unstable_is_told_with_the_end_of_the_rest(
    emulator: Emulator, make_bot: MakeBot, receiver: WebhookReceiver
) -> None:
    bot = make_bot(
        sections={"alerts": f'webhook_url = "{receiver.url}"', "connection": "max_unstable_cycles = 1"}
    )
    bot.pair()
    emulator.faults.refuse(5.5)
    emulator.cut()
    wait_until(lambda: receiver.kinds() == ["alert unstable"], 40, receiver.kinds)
    assert "descansa hasta 20" in receiver.calls[0].content["text"]
    assert bot.stop() == 0
