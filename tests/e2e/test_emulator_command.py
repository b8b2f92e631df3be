"""`wabot emulator` beside a bot that is linked for real, and its end when the terminal goes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.bot_process import REPOSITORY, BotProcess
from wabot.emulator.server.emulator import Emulator
from wabot.whatsapp.store import read_device

pytestmark = pytest.mark.e2e


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What a process says until it says this."""
    assert process.stdout is not None
    seen = ""
    while text not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    return seen


def directories(of: Path) -> set[str]:
    return {each.name for each in of.iterdir()}


def test_a_linked_session_is_not_touched(linked_state: Path, tmp_path: Path) -> None:
    with Emulator(seed=77) as other:
        bot = BotProcess(other, tmp_path / "bot", sections={"account": 'language = "pt"'})
        shutil.copytree(linked_state, bot.state)
        bot.close()
    store = bot.state / "sessions" / "shop" / "whatsapp.db"
    linked = read_device(store)
    assert linked is not None
    command = [sys.executable, "-m", "wabot.emulator", "--run", "--config", str(bot.config)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write("Do you have gift cards?\n")
        process.stdin.flush()
        read_until(process, "Customer 1 reads: ")
        process.stdin.close()
        assert process.wait(40) == 0
    assert read_device(store) == linked


def test_a_session_that_is_linked_elsewhere_is_not_told_that_it_is_logged_out(
    linked_state: Path, tmp_path: Path
) -> None:
    """By hand it can still be led here: the library deletes a session that it is told is over."""
    with Emulator(seed=77) as other:
        bot = BotProcess(other, tmp_path / "bot")
        shutil.copytree(linked_state, bot.state)
        bot.start()
        other.wait_until(lambda: any(event.kind == "foreign session" for event in other.transcript))
        bot.stop()
        bot.close()
    assert read_device(bot.state / "sessions" / "shop" / "whatsapp.db") is not None


STRANGER = """
import sys
from neonize.client import NewClient
from neonize.events import MessageEv
client = NewClient(sys.argv[1])
@client.event(MessageEv)
def answer(client, event):
    client.reply_message("echo " + event.Message.conversation, event)
client.connect()
"""


def test_somebodys_own_bot_is_linked_and_answers(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(STRANGER)
    program = [sys.executable, "-m", "stranger", str(tmp_path / "session.sqlite")]
    with subprocess.Popen(
        [sys.executable, "-m", "wabot.emulator", "--", *program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        read_until(process, "the bot is logged in")
        process.stdin.write("hola\n")
        process.stdin.flush()
        read_until(process, "Customer 1 reads: echo hola")
        process.stdin.close()
        assert process.wait(40) == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_the_end_of_the_terminal_ends_the_bot_and_takes_its_files_away(
    tmp_path: Path, number: signal.Signals
) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "wabot.emulator", "--run"]
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        read_until(process, "The bot is linked")
        (state,) = tmp_path.glob("wabot-emulator-bot-*/state")
        bot = int((state / "sessions" / "shop.lock").read_text().split('"pid": ')[1].split(",")[0])
        process.send_signal(number)
        process.send_signal(number)  # a shell sends it once more to what it has started
        assert process.stdout is not None
        process.stdout.close()
        process.wait(40)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{bot}").exists():
        assert time.monotonic() < deadline, "the bot lives on"
        time.sleep(0.05)
    assert directories(tmp_path) == set()
