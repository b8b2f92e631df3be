"""The container itself: small programs in the place of the bot show that systemd does there what it does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.container import Container

pytestmark = pytest.mark.systemd

NOTIFIES = """
import os, socket, sys, time, faulthandler
faulthandler.enable()
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
notify.send(b"READY=1")
print("<4>ready", file=sys.stderr)
while True:
    notify.send(b"WATCHDOG=1")
    time.sleep(0.2)
"""


@pytest.fixture
def unit(container: Container) -> Iterator[str]:
    yield "wabot.service"
    container.reset("wabot.service")


def test_a_program_in_the_place_of_the_bot(container: Container, unit: str) -> None:
    container.write("/opt/test/notifies.py", NOTIFIES)
    container.override(
        unit,
        [
            "[Service]",
            "ExecStart=",
            "ExecStart=/opt/wabot/bin/python /opt/test/notifies.py",
            "WatchdogSec=1",
            "RestartSec=0",
        ],
    )
    container.run("systemctl", "start", unit)
    assert container.property(unit, "ActiveState") == "active"
    container.wait_until(lambda: "ready" in [line.message for line in container.journal(unit)], unit)
    container.kill(unit, "STOP")
    container.wait_for_property(unit, NRestarts="1", ActiveState="active")
    messages = [line.message for line in container.journal(unit)]
    assert any("Watchdog timeout" in message for message in messages)
    assert any("Fatal Python error: Aborted" in message for message in messages)


def test_its_network_is_its_own(container: Container) -> None:
    shown = container.run("cat", "/proc/net/dev").stdout
    assert [line.split(":")[0].strip() for line in shown.splitlines()[2:]] == ["lo"]


def test_two_share_no_control_group(container: Container, tmp_path: Path) -> None:
    with Container(tmp_path / "machine") as other:
        groups = [(each.path("/").parent / "cgroup").read_text() for each in (container, other)]
        group = [line for line in groups[0].splitlines() if "payload" in line]
        assert group and not set(group) & set(groups[1].splitlines())
