"""The client's own store, the database and the wire: what the link relies on besides the network."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.bot_process import REPOSITORY, BotProcess
from tests.e2e.conftest import MakeBot
from tests.support.provider_server import ProviderServer
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_behaviours import say

pytestmark = pytest.mark.e2e

QUESTION = "Do you have gift cards?"


def store_of(bot: BotProcess) -> Path:
    """The client library's SQLite file."""
    return bot.state / "sessions" / bot.user_id / "whatsapp.db"


def assert_refused(bot: BotProcess, sentence: str) -> None:
    """One line, the operator's code, no traceback, and nobody was dialled."""
    dials = bot.emulator.bot.dials
    assert bot.wait_for_exit() == 78
    assert sentence in bot.log()
    assert "Traceback" not in bot.log()
    assert bot.log().count("ERROR") == 1
    assert bot.emulator.bot.dials == dials


@pytest.mark.parametrize("damage", ["garbage", "truncated"])
def test_a_damaged_store(start_linked: MakeBot, damage: str) -> None:
    def spoil(bot: BotProcess) -> None:
        store = store_of(bot)
        content = store.read_bytes()
        garbage = b"This is not SQLite." * 1000
        store.write_bytes(garbage if damage == "garbage" else content[: len(content) // 2])

    bot = start_linked(prepare=spoil)
    assert_refused(bot, f"the session store {store_of(bot)} cannot be used")


def test_a_store_that_another_program_has_locked(start_linked: MakeBot) -> None:
    others = []

    def lock(bot: BotProcess) -> None:
        others.append(sqlite3.connect(store_of(bot), isolation_level=None))
        others[0].execute("PRAGMA locking_mode=EXCLUSIVE")
        others[0].execute("BEGIN EXCLUSIVE")

    bot = start_linked(prepare=lock)
    assert_refused(bot, "database is locked")
    others[0].close()


def test_a_lock_file_that_somebody_removed_is_made_anew_by_the_next_process(start_linked: MakeBot) -> None:
    """A second bot could lock a file of the same name and dial: two on one number evict each other."""
    bot = start_linked()
    bot.wait_for_state("connected")
    (bot.state / "sessions" / f"{bot.user_id}.lock").unlink()
    assert bot.wait_for_exit() == 75
    assert "the lock file of the session was removed" in bot.systemd.statuses[-1]
    bot.restart()
    assert bot.stop() == 0


def test_a_store_whose_device_was_logged_out_pairs_again(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    """The file is there; only the row in it proves a link."""

    def log_out(bot: BotProcess) -> None:
        with closing(sqlite3.connect(store_of(bot))) as store:
            store.execute("PRAGMA foreign_keys=ON")
            store.execute("DELETE FROM whatsmeow_device")
            store.commit()

    bot = start_linked(prepare=log_out)
    status = bot.wait_for_state("pairing")
    assert status["qr"]
    assert status["jid"] is None


def test_a_mention_in_an_answer_stays_plain_text_and_replies_carry_no_bot_tag(
    emulator: Emulator, make_bot: MakeBot, model: ProviderServer, tmp_path: Path
) -> None:
    """The library would make a mention of the one, and add the other, where it is not kept from it."""
    text = "Ask @34600000002 or @120363025246125486@g.us, please."
    model.default = say(text)
    (tmp_path / "persona.txt").write_text(text)
    bot = make_bot(
        provider=model.base_url, sections={"ai": f'system_prompt_file = "{tmp_path / "persona.txt"}"'}
    )
    bot.pair()
    for customer in (emulator.customer(1), emulator.customer(2, addressing="phone")):
        customer.send("Who can help me?")
        reply = customer.wait_for_replies(1)[0]
        assert (reply.text, reply.kind, reply.bot_tag) == (text, "text", False)
    assert (emulator.phone.copies[0].text, emulator.phone.copies[0].mentions) == (text, ())


@pytest.mark.parametrize(
    ("name", "value"), [("NEONIZE_BOT_TAG", None), ("NEONIZE_BOT_TAG", "on"), ("GOMAXPROCS", None)]
)
def test_the_process_starts_itself_again_without_what_the_library_needs(
    emulator: Emulator, make_bot: MakeBot, name: str, value: str | None
) -> None:
    """Go reads its environment when the process starts; whoever forgets to set it is helped."""
    bot = make_bot()
    environment = {**emulator.environment(), "HTTPS_PROXY": "http://127.0.0.1:9"}
    del environment[name]
    if value is not None:
        environment[name] = value
    process = subprocess.Popen(
        [sys.executable, "-m", "wabot", "run", "--config", str(bot.config)],
        env=environment,
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
    )
    try:
        bot.process = process
        bot.wait_for(lambda status: status["state"] == "backoff")
        variables = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        assert {b"NEONIZE_BOT_TAG=off", b"GOMAXPROCS=1"} <= set(variables)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize("maker", ["ours", "library"])
def test_a_second_client_in_one_process_is_refused_because_its_collection_would_end_the_first(
    linked_emulator: Emulator, linked_state: Path, ana: Customer, tmp_path: Path, maker: str
) -> None:
    """The library's own second client shows what it is kept from: one day it may no longer be needed."""
    shutil.copytree(linked_state, tmp_path / "state")
    store = tmp_path / "state" / "sessions" / "shop" / "whatsapp.db"
    script = Path(__file__).with_name("second_client.py")
    logins = linked_emulator.bot.logins
    with subprocess.Popen(
        linked_emulator.command_for_script(script, str(store), maker),
        env={**linked_emulator.environment(), "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = iter(process.stdout.readline, "")
        linked_emulator.wait_for_login(logins + 1)
        assert "CONNECTED\n" in told
        print(file=process.stdin, flush=True)
        if maker == "library":
            assert "collected\n" in told
            assert "the line is dead\n" in told
            assert process.wait(20) == 3
            return
        assert "a second client wabot-shop: when it is collected, the first one is stopped\n" in told
        assert "collected\n" in told
        ana.send(QUESTION)
        assert f"message {QUESTION}\n" in told
        print(file=process.stdin, flush=True)
        assert process.wait(20) == 0


def test_an_exception_in_a_handler_is_counted_and_the_next_message_is_answered(
    start_linked: MakeBot, ana: Customer
) -> None:
    """The library swallows what its callbacks raise."""
    bot = start_linked()
    bot.wait_for_state("connected")
    bot.execute("CREATE TRIGGER spoil BEFORE INSERT ON wabot_inbox BEGIN SELECT RAISE(ABORT, 'spoilt'); END")
    ana.send("This one is lost.")
    wait_until(lambda: bot.systemd.statuses[-1].endswith("; 1 internal error, see the journal"))
    bot.execute("DROP TRIGGER spoil")
    ana.send(QUESTION)
    ana.wait_for_replies(1)
    assert "IntegrityError: spoilt" in bot.log()


def wait_until(reached: Callable[[], bool], timeout_seconds: float = 15) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + timeout_seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)
