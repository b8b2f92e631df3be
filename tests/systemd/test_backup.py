"""Backups on a booted systemd: the nightly unit beside a running bot, and what root types."""

from __future__ import annotations

import time

import pytest

from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import Container
from tests.systemd.hostile import HOT, LED_AWAY, attack
from wabot.emulator.server.emulator import Emulator

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(180)]

BACKUP, NIGHTLY = "wabot-backup@wabot.service", "/var/lib/wabot/backups/nightly"
COUNT = "SELECT count(*) FROM wabot_inbox"


def test_from_the_nightly_backup_to_the_next_answer(
    container: Container, emulator: Emulator, bot: BotUnit
) -> None:
    bot.pair()
    ana = emulator.customer(1)
    ana.send("Hola, ¿dónde está la tienda?")
    ana.wait_for_replies(1)
    container.run("systemctl", "start", BACKUP)
    (path,) = container.path(NIGHTLY).iterdir()
    assert bot.status()["state"] == "connected"
    ana.send("¿Hacen envíos a Francia?")
    ana.wait_for_replies(2)
    assert bot.rows(COUNT) == [[2]]

    command = ["/opt/wabot/bin/wabot", "restore", NIGHTLY, "--yes"]
    refused = container.run(*command, check=False)
    assert refused.returncode == 78
    assert "systemctl stop wabot.service" in refused.stderr
    bot.stop()
    # As the newest of its directory, by root, who typed it.
    assert f"{path.name}, made" in container.run(*command).stdout
    assert bot.rows(COUNT) == [[1]]
    assert container.run("find", "/var/lib/wabot", "-not", "-user", "wabot").stdout == ""
    shown = container.run("stat", "--format", "%U:%G %a", bot.config, "/var/lib/wabot/wabot.db").stdout
    assert shown == "root:wabot 640\nwabot:wabot 600\n"
    bot.start()
    bot.wait_for_state("connected")
    ana.send("¿A qué hora abren los sábados?")
    ana.wait_for_replies(3)
    assert len(ana.replies) == 3, "nobody is told that a message was lost, and nothing is said twice"


def test_the_timer_comes_every_night(container: Container, bot: BotUnit) -> None:
    timer = BACKUP.replace(".service", ".timer")
    container.run("systemctl", "start", timer)
    following = container.property(timer, "NextElapseUSecRealtime")
    seconds = int(container.run("date", "--date", following, "+%s").stdout) - time.time()
    container.reset(timer)
    assert 0 < seconds < 24.6 * 3600, following


@pytest.mark.timeout(900)
def test_nothing_that_root_types_helps_whoever_is_the_user_of_the_bot(
    container: Container, bot: BotUnit
) -> None:
    bot.pair()
    bot.stop()

    def typed(command: str) -> str:
        done = container.run("/opt/wabot/bin/wabot", *command.split(), check=False)
        return done.stdout + done.stderr

    attack(container, typed, HOT, LED_AWAY)
    bot.start()
    bot.wait_for_state("connected")


def test_what_root_types_belongs_to_the_service(container: Container, bot: BotUnit) -> None:
    """Whatever it was, the bot starts again afterwards."""
    bot.pair()
    bot.stop()

    def wabot(*arguments: str) -> str:
        return container.run("/opt/wabot/bin/wabot", *arguments).stdout

    wabot("backup", "/var/backups/wabot", "--session")
    entry = wabot("reset", "--yes").rpartition(" ")[2].strip()
    wabot("janitor", "--apply")
    wabot("janitor", "--restore", entry)
    wabot("restore", "/var/backups/wabot", "--session", "--yes")
    # Nobody has written from there.
    container.run("/opt/wabot/bin/wabot", "pause", "+34600111222", check=False)
    assert container.run("find", "/var/lib/wabot", "-not", "-user", "wabot").stdout == ""
    assert container.run("find", "/var/backups/wabot", "-not", "-user", "root").stdout == ""
    bot.start()
    bot.wait_for_state("connected")
