"""Journeys of the handbook, typed as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.handbook import HANDBOOK, blocks_of, section_of
from tests.systemd.as_typed import lead, scan_with, type_in
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import Container
from tests.systemd.pictures import draw_all
from wabot.emulator.server.emulator import Emulator

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(180)]


def test_the_pictures_are_drawn_from_a_run(container: Container, emulator: Emulator, tmp_path: Path) -> None:
    told = {path.stem: path.read_text() for path in draw_all(container, emulator, tmp_path)}
    assert "Ready: linked as +" in told["pair"] and "crispEdges" in told["pair"]
    assert "wabot: connected as +" in told["status"]
    assert "active (running)" in told["systemctl"] and "2 chats today" in told["systemctl"]
    assert not any("test" in each.rpartition("</title>")[2] for each in told.values()), (
        "as on a machine of one's own"
    )


def test_a_second_number(container: Container, bot: BotUnit) -> None:
    bot.pair()
    with container.in_network(Emulator) as elsewhere:
        lead(container, elsewhere, "north")
        north = BotUnit(container, elsewhere, "north")
        try:
            container.write("/etc/credstore/wabot.ai-api-key", "sk-1", mode=0o600)
            for line in "".join(blocks_of(section_of(HANDBOOK["install"], "Several numbers"))).splitlines():
                command = line.removeprefix("sudo ")
                if command.startswith("sudoedit "):
                    file = command.split()[1]
                    container.run("sed", "-i", 's/^user_id.*/user_id = "north"/', file)
                elif command.startswith("wabot pair"):
                    scan = scan_with(elsewhere, lambda: north.status()["qr"])
                    assert "Ready: linked as" in type_in(container, command, scan, "/etc/wabot/north.env")
                elif command == "wabot status":
                    north.wait_for_state("connected")
                    # Its exit code is 0 when both are connected.
                    shown = type_in(container, command)
                    assert shown.count(": connected as +") == 2, shown
                else:
                    container.run(*shlex.split(command))
            customer = elsewhere.customer(1)
            customer.send("Hola, ¿cuánto cuesta el envío a domicilio?")
            customer.wait_for_replies(1)
            north.kill("KILL")
            assert bot.status()["state"] == "connected", "one that ends takes none of the others along"
        finally:
            north.remove()


@pytest.mark.parametrize(
    "shown", re.findall(r"^\| `(?:failed|activating.*?)` \| `(\d+/\w+)`", HANDBOOK["troubleshoot"], re.M)
)
def test_systemctl_calls_the_exit_codes_so(container: Container, shown: str) -> None:
    unit = "wabot-test-exit.service"
    code = shown.partition("/")[0]
    container.write(f"/run/systemd/system/{unit}", f"[Service]\nExecStart=/bin/sh -c 'exit {code}'\n")
    container.run("systemctl", "daemon-reload")
    container.run("systemctl", "start", unit)
    container.wait_for_property(unit, ActiveState="failed")
    status = container.run("systemctl", "status", "--no-pager", unit, check=False).stdout
    container.reset(unit)
    assert "Active: failed" in status
    # In the journal's lines below, that is; above them stands the number alone.
    assert f"status={shown}\n" in status and f"status={code})" in status
