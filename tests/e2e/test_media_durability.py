"""A kill with a file in the bot's hands loses nothing, says nothing twice, and leaves no file behind."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeCustomer
from wabot.emulator.people.attachments import File
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.sample_files import silent_voice
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_server import Handler, ModelServer
from wabot.trials.peers.transcriber_behaviours import hear_words
from wabot.trials.soak.account import doubts_in, draw_up, open_work
from wabot.trials.soak.database import SqliteFile
from wabot.trials.soak.model import answer_references

pytestmark = pytest.mark.e2e

WRITERS, EVERY_SECONDS, SETTLE_SECONDS = 3, 0.3, 60
TRANSCRIBER = """
[[ai.transcribers]]
name = "words"
base_url = "{base_url}"
model = "words"
"""
BROKEN_OFF = "SELECT count(*) FROM wabot_inbox WHERE state = 'pending' AND attempts > 0"
# The bot's own Python loads it: whatever deletes a whole file in the media directory waits for its end.
HOLD_DELETIONS = """
import os, sys, time
def hold(event, details, held={held!r}):
    path = str(details[0]) if event == "os.remove" else ""
    if "/media/" in path and path[-1].isdigit() and os.path.exists(path) and os.path.exists(held):
        os.rename(held, held + ".reached")
        time.sleep(60)
sys.addaudithook(hold)
"""


class Bot(BotProcess):
    """A bot whose deletions of files can be held."""

    hook: Path

    def _environment(self) -> dict[str, str]:
        environment = super()._environment()
        paths = (str(self.hook), environment.get("PYTHONPATH", ""))
        return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


class Shop:
    """The bot, whoever writes to it, and what they wrote."""

    def __init__(
        self, bot: Bot, transcriber: ModelServer, customers: list[Customer], speaker: Customer
    ) -> None:
        self.bot = bot
        self.transcriber = transcriber
        self.speaker = speaker
        self.media = bot.state / "sessions" / "shop" / "media"
        self.sent: dict[Customer, dict[str, str]] = defaultdict(dict)
        self.database = SqliteFile(bot.state / "wabot.db")
        self._count = 0
        self._customers = customers
        self._over = threading.Event()
        self._traffic = threading.Thread(target=self._write)

    def question(self) -> str:
        """One that nobody else asks."""
        self._count += 1
        return f"¿Y R1-{self._count}?"

    def speak(self) -> None:
        """Let the speaker say a question."""
        words = self.question()
        note = File(silent_voice(words=words), "audio/ogg; codecs=opus")
        self.sent[self.speaker][self.speaker.send_media("voice", note)] = words

    def write(self, customer: Customer, text: str) -> None:
        """Let somebody write."""
        self.sent[customer][customer.send(text)] = text

    def begin(self) -> None:
        """Let the others write, all the time."""
        self._traffic.start()

    def stop(self) -> None:
        """Let nobody write any more."""
        self._over.set()
        if self._traffic.is_alive():
            self._traffic.join()

    def end(self) -> list[str]:
        """Let all of it be answered; what must not be."""
        self.stop()
        deadline = time.monotonic() + SETTLE_SECONDS
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 1:
            assert time.monotonic() < deadline, self.bot.log()
            if open_work(self.database) or self.bot.emulator.bot.waiting:
                quiet_since = time.monotonic()
            time.sleep(0.1)
        account = draw_up(self.database, self.sent, self.bot.emulator.bot.waiting, doubts_in(self.bot.log()))
        assert account.messages.total() > 10
        left = [path.name for path in self.media.iterdir()] if self.media.exists() else []
        return account.faults + account.unfinished + left

    def _write(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self.write(self._customers[self._count % WRITERS], self.question())


@pytest.fixture
def shop(
    linked_emulator: Emulator, linked_state: Path, new_customer: MakeCustomer, tmp_path: Path
) -> Iterator[Shop]:
    held, hook = tmp_path / "held", tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOLD_DELETIONS.format(held=str(held)))
    with ModelServer(hear_words()) as transcriber, ModelServer(answer_references(1)) as model:
        sections = {
            "ai": TRANSCRIBER.format(base_url=transcriber.base_url),
            "media": "per_chat_per_day = 0",
            "chats": "loop_ceiling = 0\nloop_repetitions = 0",
        }
        bot = Bot(linked_emulator, tmp_path / "bot", provider=model.base_url, sections=sections)
        bot.hook = hook
        shutil.copytree(linked_state, bot.state)
        bot.restart()
        running = Shop(bot, transcriber, [new_customer() for _ in range(WRITERS)], new_customer())
        try:
            yield running
        finally:
            running.stop()
            bot.close()
            linked_emulator.faults.clear()
            linked_emulator.wait_until(lambda: not linked_emulator.bot.connected)


def in_the_fetch(shop: Shop) -> None:
    """While half of the file is here."""
    faults = shop.bot.emulator.faults.media
    faults.spoil_download("stalled", times=1)
    shop.speak()
    shop.bot.wait_until(lambda: not faults.are_left)


def before_the_text(shop: Shop) -> None:
    """While the file is here, and nobody knows what is in it."""
    is_asked = threading.Event()
    well = shop.transcriber.default

    def never(handler: Handler, body: dict[str, Any]) -> None:
        shop.transcriber.default = well
        is_asked.set()
        handler.close_connection = True
        time.sleep(1)

    shop.transcriber.default = never
    shop.speak()
    assert is_asked.wait(20), shop.bot.log()


def before_the_deletion(shop: Shop) -> None:
    """When its text is stored, and the file is still here."""
    held = shop.bot.hook.with_name("held")
    held.touch()
    shop.speak()
    reached = Path(f"{held}.reached")
    shop.bot.wait_until(reached.exists)
    assert list(shop.media.iterdir())
    reached.unlink()


MOMENTS: list[Callable[[Shop], None]] = [in_the_fetch, before_the_text, before_the_deletion]


def test_a_kill_with_a_file_in_its_hands(shop: Shop) -> None:
    shop.begin()
    for moment in [*MOMENTS, *MOMENTS]:
        moment(shop)
        shop.bot.kill()
        shop.bot.restart()
        # Three kills in one answer would be held against its message.
        shop.bot.wait_until(lambda: shop.bot.rows(BROKEN_OFF) == [(0,)])
    assert shop.end() == []
