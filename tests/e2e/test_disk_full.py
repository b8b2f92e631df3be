"""A disk that fills up, with the client library's store on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot, MakeCustomer
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e

QUESTION = "Do you have gift cards?"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """6 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root mounts a disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, spared_bytes: int = 0) -> Path:
    """Leave so much free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while (free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - spared_bytes) > 0:
            file.write(bytes(min(free, 65_536)))
    return filler


@pytest.mark.parametrize("spared_bytes", [0, 300_000], ids=["full", "nearly"])
def test_without_room_there_is_no_link_and_no_message_is_lost(
    linked_emulator: Emulator,
    start_linked: MakeBot,
    new_customer: MakeCustomer,
    small_disk: Path,
    spared_bytes: int,
) -> None:
    def put_on_small_disk(bot: BotProcess) -> None:
        shutil.move(bot.state, small_disk / "state")
        bot.state.symlink_to(small_disk / "state")

    bot = start_linked(prepare=put_on_small_disk)
    bot.wait_for_state("connected")
    customers = [new_customer() for _ in range(5)]
    filler = fill(small_disk, spared_bytes)
    linked_emulator.wait_until(lambda: not linked_emulator.bot.connected)
    bot.wait_until(lambda: any("no room" in status for status in bot.systemd.statuses))
    for customer in customers:
        customer.send(QUESTION)
    assert linked_emulator.bot.backlog == 5
    filler.unlink()
    for customer in customers:
        assert "gift" in customer.wait_for_replies(1, timeout_seconds=30)[0].text
    bot.wait_for_state("connected")
    assert [len(customer.replies) for customer in customers] == [1] * 5
    assert bot.status()["undecryptable"] == 0
