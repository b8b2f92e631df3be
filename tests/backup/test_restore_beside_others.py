"""A restore while other bots use the database, or will."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.support.backed_up_bot import NOW, Bot, beside, command
from tests.support.session_directories import make_session
from wabot.database.models import database as bound_database
from wabot.session.lock import SessionLock


@pytest.mark.parametrize(
    "more", ["", "[chats]\ngroups = 7\n"], ids=["good", "of which nobody knows the database"]
)
def test_another_bot_on_the_same_database_refuses_it_too(small_bot: Bot, more: str) -> None:
    path = small_bot.backup()
    other = small_bot.configuration.read_text().replace('"ana"', '"ben"')
    (small_bot.home / "other.toml").write_text(other + more)
    with SessionLock(small_bot.state / "sessions" / "ben.lock").acquire(0):
        assert small_bot.run("restore", str(path), "--yes") == 78
    assert small_bot.run("restore", str(path), "--yes") == 0


def keep_addresses_apart(bot: Bot) -> Path:
    """Let each of two numbers have a secret of the same name, the address of a database of its own.

    Returns:
        The lock of the second.
    """
    lock = beside(bot, "env:DATABASE_URL")
    bot.configuration.write_text(bot.configuration.read_text().replace(bot.url, "env:DATABASE_URL"))
    for name, url in (("wabot", bot.url), ("other", "postgresql://wabot@127.0.0.1:1/shop")):
        bot.configuration.with_name(f"{name}.env").write_text(f"DATABASE_URL={url}\n")
        bot.configuration.with_name(f"{name}.env").chmod(0o600)
    return lock


def test_a_bot_on_another_database_is_left_alone(small_bot: Bot) -> None:
    path = small_bot.backup()
    lock = keep_addresses_apart(small_bot)
    with SessionLock(lock).acquire(0):
        assert small_bot.run("restore", str(path), "--yes", "--database-only") == 0
    with SessionLock(small_bot.state / "sessions" / "ana.lock").acquire(0):
        assert small_bot.run("restore", str(path), "--yes", "--database-only") == 78


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read what others may not")
def test_also_where_root_alone_can_read_which_one_that_is() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        bot = Bot(Path(home), f"sqlite:///{home}/wabot.db")
        path = bot.backup()
        lock = keep_addresses_apart(bot)
        readable = (bot.home, *bot.home.glob("*.toml"), bot.home / "wabot.db")
        for place in (*readable, bot.state, *bot.state.rglob("*")):
            os.chown(place, 65_534, 65_534)
        bound_database.close()
        with SessionLock(lock).acquire(0):
            typed = ("restore", str(path), "--yes", "--database-only", "--config", str(bot.configuration))
            done = command(*typed)
            assert done.returncode == 0, done.stderr


def test_a_bot_on_the_same_database_by_another_address_refuses_it(small_bot: Bot) -> None:
    path = small_bot.backup()
    lock = beside(small_bot, f"sqlite:///{small_bot.home}/state/../wabot.db")
    # The number whose backup it is may have lost its configuration.
    small_bot.configuration.unlink()
    with SessionLock(lock).acquire(0):
        assert small_bot.run("restore", str(path), "--yes") == 78
    assert small_bot.run("restore", str(path), "--yes") == 0


def test_every_number_on_the_database_is_to_be_started_again(
    small_bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup()
    beside(small_bot, small_bot.url)
    make_session(small_bot.state / "sessions", "ben", linked=True, used_at=NOW)
    # One with a database of its own, and one that is as the installer leaves it.
    apart = small_bot.configuration.read_text().replace("wabot.db", "own.db")
    (small_bot.home / "own.toml").write_text(apart.replace('"ana"', '"own"'))
    example = small_bot.configuration.read_text().replace("user_id", "# user_id")
    (small_bot.home / "example.toml").write_text(example)
    (small_bot.home / "nobodys.toml").write_text("[account")
    assert small_bot.run("restore", str(path), "--yes") == 0
    told = capsys.readouterr().out.splitlines()[-1]
    one, other = small_bot.configuration, small_bot.home / "other.toml"
    assert told.startswith(f"done; go on: wabot run --config {one}, and wabot run --config {other}; and look")
    assert not (small_bot.state / "sessions" / ".lock").exists()


def test_the_number_of_a_configuration_without_a_user_is_to_be_linked_and_started_again(
    small_bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    text = small_bot.configuration.read_text()
    small_bot.configuration.write_text(text.replace('user_id = "ana"', ""))
    path = small_bot.backup()
    assert small_bot.run("restore", str(path), "--yes") == 0
    own = f"--config {small_bot.configuration}"
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith(f"done; link the number: wabot pair {own}; then: wabot run {own}; ")
