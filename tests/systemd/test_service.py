"""The units as they are shipped, with the real bot, on a booted systemd."""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import Callable

import pytest

from tests.support.provider_server import ProviderServer
from tests.systemd.bot_unit import BotUnit
from tests.systemd.conftest import MakeUnit
from tests.systemd.container import Container
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_behaviours import say

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(180)]

Alerts = Callable[[], list[str]]


def test_from_the_start_to_the_first_answer(container: Container, emulator: Emulator, bot: BotUnit) -> None:
    bot.start()
    assert bot.show("ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}
    bot.wait_for_state("pairing")
    assert "scan this code" in bot.messages()
    assert "█" in bot.messages()

    emulator.phone.scan(bot.status()["qr"])
    bot.wait_for_state("connected")
    assert re.fullmatch(
        r"connected as \+\d\d\.\.\.\d\d since \d\d \w{3} \d\d:\d\d; 0 chats today; .*", bot.status_line()
    )
    ana = emulator.customer(1, name="Ana")
    ana.send("Hola, ¿cuánto cuesta el envío a domicilio?")
    assert "env" in ana.wait_for_replies(1)[0].text.lower()
    assert ana.phone not in bot.messages()
    assert "domicilio" not in bot.messages()

    state = container.path("/var/lib/wabot")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [state, *state.rglob("*")]}
    assert {path.name for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == set()

    bot.stop()
    (kept,) = state.rglob("clock.json")
    named = json.loads(kept.read_text())["boot"]
    bot.start()
    bot.wait_for_state("connected")
    ana.send("¿y mañana?")
    bot.stop()
    assert json.loads(kept.read_text())["boot"] == named, "the next process may use what this one knew"
    assert bot.show("Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    assert bot.status()["state"] == "stopped"
    assert [line for line in bot.journal() if line.priority not in (5, 6)] == []


def test_a_process_that_stands_still_is_replaced(emulator: Emulator, bot: BotUnit) -> None:
    bot.configure(WatchdogSec="10", RestartSec="0")
    bot.pair()
    bot.kill("STOP")
    bot.wait_for(NRestarts="1", ActiveState="active")
    bot.wait_for_state("connected")
    told = bot.messages()
    assert "Watchdog timeout" in told
    assert "wabot.system.process: aborted by SIGABRT; the stacks of all threads follow" in told
    for module in ("service/loop", "link/dialer", "answers/worker", "system/threads"):
        assert f'/wabot/{module}.py"' in told, f"no stack of a thread in {module}"
    # Beneath the last stack, that of main.
    assert "in entry_point" in told.rpartition("hread 0x")[2]
    assert "status=6/ABRT" in told
    ana = emulator.customer(1)
    ana.send("¿Siguen ahí?")
    ana.wait_for_replies(1)


def test_kill_9_loses_no_reply(
    container: Container, emulator: Emulator, bot: BotUnit, model: ProviderServer
) -> None:
    bot.configure(provider=model.base_url, RestartSec="0")
    model.script(say("Sí, claro.", delay_seconds=60))
    bot.pair()
    ana = emulator.customer(1)
    ana.send("¿Me oye?")
    container.wait_until(lambda: model.requests, bot.unit)
    bot.kill("KILL")
    bot.wait_for(NRestarts="1", ActiveState="active")
    ben = emulator.customer(2)
    ben.send("¿Y a mí?")
    assert [reply.text for reply in ana.wait_for_replies(1)] == ["¿Me oye?"]
    assert [reply.text for reply in ben.wait_for_replies(1)] == ["¿Y a mí?"]


def test_a_stop_in_the_middle_of_an_answer(
    container: Container, emulator: Emulator, bot: BotUnit, model: ProviderServer
) -> None:
    bot.configure(provider=model.base_url)
    model.script(say("Nobody hears this one.", delay_seconds=60))
    bot.pair()
    ana = emulator.customer(1)
    ana.send("¿Me oye?")
    container.wait_until(lambda: model.requests, bot.unit)
    asked = time.monotonic()
    bot.stop()
    assert time.monotonic() - asked < 20
    assert bot.show("Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    assert not ana.replies
    bot.start()
    assert [reply.text for reply in ana.wait_for_replies(1)] == ["¿Me oye?"]


def test_a_second_service_on_the_same_session_gives_up(
    container: Container, emulator: Emulator, bot: BotUnit, make_unit: MakeUnit, alerts: Alerts
) -> None:
    bot.pair()
    logins = emulator.bot.logins
    second = make_unit("second")
    second.configure(RestartSec="0")
    assert second.start(check=False) == 1
    failed = {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78", "NRestarts": "0"}
    assert second.show(*failed) == failed
    pid = bot.show("MainPID")["MainPID"]
    assert f"session default is in use by PID {pid}" in second.messages()
    assert "systemctl stop wabot.service" in second.messages()
    container.wait_until(alerts, "wabot-alert@second.service")
    assert alerts() == ["alert: wabot@second.service ended with 78"]
    assert bot.status()["state"] == "connected"
    assert emulator.bot.logins == logins


def test_two_numbers_side_by_side(container: Container, bot: BotUnit) -> None:
    with container.in_network(Emulator) as elsewhere:
        shop = BotUnit(container, elsewhere, "shop")
        try:
            shop.configure(user_id="shop")
            bot.pair()
            shop.pair()
            customer = elsewhere.customer(1)
            customer.send("Hola, ¿cuánto cuesta el envío a domicilio?")
            customer.wait_for_replies(1)
            assert bot.status()["state"] == "connected"
        finally:
            shop.remove()


@pytest.mark.parametrize("end", [Emulator.replace, Emulator.log_out])
def test_a_session_that_ended_ends_the_unit_for_good_with_one_alert(
    container: Container,
    emulator: Emulator,
    bot: BotUnit,
    alerts: Alerts,
    end: Callable[[Emulator], None],
) -> None:
    bot.configure(RestartSec="0")
    bot.pair()
    end(emulator)
    bot.wait_for(ActiveState="failed", ExecMainStatus="77", NRestarts="0")
    container.wait_until(alerts, "wabot-alert@wabot.service")
    assert alerts() == ["alert: wabot.service ended with 77"]


def test_without_network_it_is_ready_and_waits(container: Container, alerts: Alerts) -> None:
    bot = BotUnit(container, None)
    try:
        bot.configure()
        bot.start()
        bot.wait_for_state("backoff")
        assert bot.show("ActiveState", "NRestarts") == {"ActiveState": "active", "NRestarts": "0"}
        bot.stop()
        assert bot.show("Result") == {"Result": "success"}
        assert not alerts()
    finally:
        bot.remove()


def test_a_wrong_configuration_is_named_once(container: Container, bot: BotUnit, alerts: Alerts) -> None:
    bot.start()
    bot.wait_for_state("pairing")
    bot.stop()
    assert bot.status()["reason"] == "asked to stop by SIGTERM"
    good = container.path(bot.config).read_text()
    container.write(bot.config, "[replies]\nworkers = 0\n[typo]\n")
    assert bot.start(check=False) == 1
    failed = {"ActiveState": "failed", "ExecMainStatus": "78", "NRestarts": "0"}
    assert bot.show(*failed) == failed
    errors = [line.message for line in bot.journal() if line.priority == 3]
    for problem in ("replies.workers = 0", "[typo]"):
        assert sum(problem in error for error in errors) == 1, errors
    container.wait_until(alerts, "wabot-alert@wabot.service")
    # Once it is mended, the end that is recorded is not the last.
    container.write(bot.config, good)
    assert re.fullmatch(
        r"asked to stop by SIGTERM; a start ended on \S+ \S+ UTC before it could say here why: "
        "sudo journalctl -u wabot.service -n 20",
        bot.status()["reason"],
    )
    bot.start()
    bot.stop()
    assert bot.status()["reason"] == "asked to stop by SIGTERM"


def test_a_database_that_is_away_is_waited_for(container: Container, bot: BotUnit, alerts: Alerts) -> None:
    bot.configure(RestartSec="0")
    config = container.path(bot.config).read_text()
    container.write(bot.config, config + '[database]\nurl = "postgresql://bot@127.0.0.1:1/none"\n')
    bot.start(check=False)
    container.wait_until(lambda: int(bot.show("NRestarts")["NRestarts"]) >= 2, bot.unit)
    assert "status=69" in bot.messages()
    assert not alerts(), "one alert for the end, none for each try"


def test_a_secret_comes_from_the_credential_store(
    container: Container, emulator: Emulator, bot: BotUnit, model: ProviderServer
) -> None:
    bot.pair()
    bot.stop()
    container.write("/etc/credstore/wabot.ai-api-key", "sk-from-credstore\n", mode=0o600)
    bot.configure(provider=model.base_url, more='api_key = "credential:ai-api-key"')
    bot.start()
    ana = emulator.customer(1)
    ana.send("Hola")
    ana.wait_for_replies(1, timeout_seconds=20)
    assert model.requests[0].headers["Authorization"] == "Bearer sk-from-credstore"
    assert "sk-from-credstore" not in bot.messages()
    pid = bot.show("MainPID")["MainPID"]
    shown = container.run("cat", f"/proc/{pid}/environ", f"/proc/{pid}/cmdline").stdout
    assert "sk-from-credstore" not in shown


def test_the_metrics_can_be_read_by_others_and_nothing_else(
    container: Container, emulator: Emulator, bot: BotUnit
) -> None:
    file = "/run/wabot-metrics/wabot.prom"
    text = container.path(bot.config).read_text()
    container.write(bot.config, f'{text}[metrics]\nfile = "{file}"\n', mode=0o640)
    container.run("chown", "root:wabot", bot.config)
    bot.pair()

    def seen_by_nobody() -> str:
        answer = container.run("runuser", "-u", "nobody", "--", "cat", file, check=False)
        return answer.stdout

    container.wait_until(lambda: 'state="starting"} 0.0' in seen_by_nobody(), bot.unit)
    ana = emulator.customer(1)
    ana.send("Hola, ¿cuánto cuesta el envío a domicilio?")
    ana.wait_for_replies(1)
    bot.stop()
    # What it last wrote is there after the end, and on a machine with two bots the other one's file.
    told = seen_by_nobody()
    assert 'wabot_reply_latency_seconds_count{account="default"} 1.0' in told
    assert 'wabot_state{account="default",state="stopping"} 1.0' in told
    assert ana.phone not in told
    modes = container.run("stat", "--format=%a %U", "/run/wabot-metrics", file).stdout.split("\n")
    assert modes[:2] == ["755 wabot", "644 wabot"]
    assert container.run("runuser", "-u", "nobody", "--", "ls", "/var/lib/wabot", check=False).returncode
