"""The emulator is true for more libraries than one: Baileys links, answers, and exchanges files there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.file_messages import FILE_KINDS

pytestmark = [pytest.mark.e2e, pytest.mark.npm]

SOURCE = Path(__file__).with_name("baileys")


class BaileysBot:
    """The bot's process, and what it has told."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator = emulator
        self._told: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            ["node", "bot.mjs", "session"],
            cwd=folder,
            env=emulator.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith('{"event"'):
                with self._changed:
                    self._told.append(json.loads(line))
                    self._changed.notify_all()

    def wait_for(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What it told, once it has."""
        with self._changed:
            if not self._changed.wait_for(lambda: any(map(is_wanted, self._told)), 15):
                raise TimeoutError(f"it told {self._told}")
            return next(filter(is_wanted, self._told))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Baileys is installed, with the bot."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("baileys") / "bot"
    shutil.copytree(SOURCE, folder)
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if installed.returncode:
        pytest.skip(f"npm could not get Baileys: {installed.stderr[-300:]}")
    return folder


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def bot(emulator: Emulator, folder: Path) -> Iterator[BaileysBot]:
    process = BaileysBot(emulator, folder)
    try:
        emulator.phone.scan(process.wait_for(lambda told: told["event"] == "code")["code"])
        emulator.wait_for_login(1)
        yield process
    finally:
        process.close()


@pytest.fixture
def ana(emulator: Emulator, bot: BaileysBot) -> Customer:
    return emulator.customer(1, name="Ana")


def test_it_answers_also_after_a_cut(emulator: Emulator, ana: Customer) -> None:
    ana.send("hola")
    assert ana.wait_for_replies(1)[-1].text == "echo hola"
    logins = emulator.bot.logins
    emulator.cut()
    ana.send("again")
    emulator.wait_for_login(logins + 1)
    assert ana.wait_for_replies(2)[-1].text == "echo again"


@pytest.mark.parametrize("kind", [kind for kind in FILE_KINDS if kind != "lottie"])
def test_it_opens_what_a_customer_sends(bot: BaileysBot, ana: Customer, kind: str) -> None:
    message_id = ana.send_media(kind)
    told = bot.wait_for(lambda told: told.get("id") == message_id)
    assert told.get("sha256") == ana.attachment(message_id).seal.sha256.hex(), told


@pytest.mark.parametrize(("kind", "byte"), [("picture", 1), ("document", 2)])
def test_a_customer_opens_what_it_sends(ana: Customer, kind: str, byte: int) -> None:
    count = len(ana.replies)
    ana.send(kind)
    reply = ana.wait_for_replies(count + 1)[-1]
    assert reply.file is not None
    assert hashlib.sha256(reply.file.open()).digest() == hashlib.sha256(bytes([byte]) * 10_240).digest()


def test_it_answers_a_group(emulator: Emulator, ana: Customer) -> None:
    ben = emulator.customer(2, name="Ben")
    group = emulator.group("Club", [ana, ben])
    group.send(ana, "to all")
    emulator.wait_until(lambda: all(each.group_replies(group.jid) for each in (ana, ben)))
    assert ben.group_replies(group.jid)[0].text == "echo to all"
