"""`wabot backup` and `wabot restore`: what was saved comes back, and nothing else is harmed on the way."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import REPOSITORY
from tests.support.session_directories import hold, make_session, tree
from wabot.application.users import require_user
from wabot.backup.make import make_backup, newest_backup
from wabot.backup.manifest import MANIFEST
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.config.load import load_settings
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Outbound, Session
from wabot.database.models import database as bound_database
from wabot.errors import OperatorNeeded
from wabot.inbound.lost_messages import StoreCursor, load_mark, save_mark
from wabot.session.host_lock import HostLock
from wabot.session.lock import SessionLock
from wabot.trials.peers.postgresql import PostgresqlServer
from wabot.whatsapp.store import read_device

NOW = datetime(2026, 11, 22, 10, 0, 0)
ANA = "34600111222"


class Bot:
    """A bot that ran before: its configuration, its texts, its database, its session."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.backups = home / "backups"
        self.configuration = home / "wabot.toml"
        self.knowledge = home / "knowledge"
        self.state = home / "state"
        self.knowledge.mkdir()
        (self.knowledge / "prices.md").write_text("# Prices\nShipping is 5 euros.\n")
        (self.knowledge / "more").mkdir()
        (self.knowledge / "more" / "hours.md").write_text("# Hours\nAlways.\n")
        (self.knowledge / ".draft.md").write_text("not yet")
        (home / "persona.txt").write_text("Be brief.")
        self.configuration.write_text(
            f'[account]\nuser_id = "ana"\n[paths]\nstate = "{self.state}"\n[database]\nurl = "{url}"\n'
            f'[ai]\nknowledge = "{self.knowledge}"\nsystem_prompt_file = "{home}/persona.txt"\n'
        )
        self.state.mkdir(mode=0o700)
        make_session(self.state / "sessions", "ana", linked=True, used_at=NOW)
        opened = open_database(url)
        migrate(opened)
        if url.startswith("postgresql"):
            opened.execute_sql("CREATE TABLE users (id TEXT PRIMARY KEY)")
            opened.execute_sql("INSERT INTO users VALUES ('ana')")
        require_user(opened, "ana")
        Session.create(user_id="ana", state="connected", qr="2@abc", updated_at=NOW)
        save_mark("ana", StoreCursor("device", 7, NOW))
        opened.close()
        self.write("before")

    def write(self, text: str, state: str = "pending", user_id: str = "ana") -> None:
        """Store a message to send."""
        opened = open_database(self.url)
        chat, _ = Chat.get_or_create(
            user_id=user_id, contact=ANA, defaults={"jid": f"{ANA}@s.whatsapp.net", "created_at": NOW}
        )
        Outbound.create(
            user_id=user_id, chat=chat, text=text, secret=b"", created_at=NOW, not_before=NOW, state=state
        )
        opened.close()

    def texts(self) -> dict[str, str]:
        """The messages to send, and the state of each."""
        opened = open_database(self.url)
        found = {row.text: row.state for row in Outbound.select().order_by(Outbound.id)}
        opened.close()
        return found

    def says(self) -> tuple[str, str, str | None]:
        """What the database says the bot is doing, and why."""
        opened = open_database(self.url)
        session = Session.get()
        opened.close()
        # No end before this one is without a word: see `wabot.privileges.root_queries`.
        assert utc_now() - session.updated_at < timedelta(minutes=1)
        return session.state, session.reason, session.qr

    def run(self, *arguments: str) -> int:
        """A command with this bot's configuration."""
        return main([*arguments, "--config", str(self.configuration)])

    def backup(self, *options: str) -> Path:
        """Make a backup; the newest there is."""
        assert self.run("backup", str(self.backups), *options) == 0
        return max(self.backups.iterdir())


@pytest.fixture
def bot(tmp_path: Path, database_url: str) -> Iterator[Bot]:
    yield Bot(tmp_path, database_url)
    bound_database.close()


@pytest.fixture
def small_bot(tmp_path: Path, sqlite_url: str) -> Iterator[Bot]:
    """The same on SQLite alone, for what does not depend on the engine."""
    yield Bot(tmp_path, sqlite_url)
    bound_database.close()


def test_there_and_back(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    configuration = bot.configuration.read_text()
    bot.knowledge.chmod(0o755)
    (bot.knowledge / "prices.md").chmod(0o644)
    path = bot.backup()
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.rglob("*") if each.is_file()} == {0o600}
    assert {stat.S_IMODE(each.stat().st_mode) for each in (bot.backups, path, path / "knowledge")} == {0o700}
    assert "session" not in str(sorted(path.iterdir()))
    bot.write("after")
    bot.configuration.write_text(configuration + "[chats]\nexpire = 7\n")
    (bot.knowledge / "prices.md").write_text("changed")
    (bot.home / "persona.txt").unlink()

    assert bot.run("restore", str(path), "--yes") == 0
    told = capsys.readouterr().out
    assert bot.run("restore", str(path), "--yes") == 0
    assert f"put {bot.configuration}" not in capsys.readouterr().out, "it is as it was saved"
    assert f"put {bot.configuration}" in told
    assert f"done; go on: wabot run --config {bot.configuration}; and look at it: wabot doctor" in told
    assert bot.texts() == {"before": "pending"}
    assert bot.configuration.read_text() == configuration
    assert (bot.knowledge / "prices.md").read_text() == "# Prices\nShipping is 5 euros.\n"
    assert (bot.knowledge / "more" / "hours.md").exists()
    assert not (bot.knowledge / ".draft.md").exists()
    assert (bot.home / "persona.txt").read_text() == "Be brief."
    (aside,) = bot.home.glob("wabot.toml.replaced-*")
    assert "expire = 7" in aside.read_text()
    (aside,) = bot.home.glob("knowledge.replaced-*")
    assert (aside / "prices.md").read_text() == "changed"
    open_database(bot.url)
    assert load_mark("ana") is None, "the messages since then were not lost by the client library"


def test_what_was_replaced_can_be_had_again(bot: Bot, postgresql_tool: Callable[..., None]) -> None:
    path = bot.backup()
    bot.write("after")
    assert bot.run("restore", str(path), "--yes", "--database-only") == 0
    if bot.url.startswith("sqlite"):
        (aside,) = bot.home.glob("wabot.db.replaced-*")
        bot.url = f"sqlite:///{aside}"
    else:
        (aside,) = bot.state.glob("wabot.pgdump.replaced-*")
        assert stat.S_IMODE(aside.stat().st_mode) == 0o600
        postgresql_tool("pg_restore", "--clean", "--if-exists", f"--dbname={bot.url}", str(aside))
    assert list(bot.texts()) == ["before", "after"]


@pytest.fixture
def postgresql_tool() -> Callable[..., None]:
    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    return run


def test_with_a_bot_that_runs(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    """It is copied as it is at one moment; what it was sending then is not sent once more."""
    bot.write("leaving", state="sending")
    bot.write("sent before", state="sent")
    bot.write("in doubt", state="in_doubt")
    process = hold(bot.state / "sessions" / "ana.lock")
    try:
        path = bot.backup()
        before = tree(bot.home)
        assert bot.run("restore", str(path), "--yes") == 78
        assert tree(bot.home) == before
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)
    capsys.readouterr()
    assert bot.run("restore", str(path), "--yes") == 0
    assert "replies that were waiting in it are not sent" in capsys.readouterr().out
    withdrawn = dict.fromkeys(("before", "leaving", "in doubt"), "withdrawn")
    assert bot.texts() == {**withdrawn, "sent before": "sent"}
    assert bot.says() == ("stopped", "restored from a backup", None)
    assert bot.run("status") == 1
    assert "to send: 0   not delivered: 0" in capsys.readouterr().out


@pytest.mark.parametrize("runs", [False, True])
def test_each_number_on_the_database_is_judged_by_itself(bot: Bot, runs: bool) -> None:
    opened = open_database(bot.url)
    for user_id, state in (("ben", "connected"), ("cleo", "stopped"), ("dora", "logged_out")):
        Session.create(user_id=user_id, state=state, updated_at=NOW)
        bot.write(user_id, user_id=user_id)
    opened.close()
    with SessionLock(bot.state / "sessions" / "ana.lock").acquire(0) if runs else nullcontext():
        path = bot.backup()
    assert bot.run("restore", str(path), "--yes") == 0
    waiting = {"cleo": "pending", "dora": "pending"}
    assert bot.texts() == {"before": "withdrawn" if runs else "pending", "ben": "withdrawn", **waiting}


def test_a_writer_in_the_middle_of_a_transaction_is_no_obstacle(small_bot: Bot) -> None:
    with closing(sqlite3.connect(small_bot.home / "wabot.db", isolation_level=None)) as writer:
        writer.execute("UPDATE wabot_outbox SET text = 'in the journal'")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE wabot_outbox SET text = 'half done'")
        path = small_bot.backup()
        writer.execute("ROLLBACK")
    assert small_bot.run("restore", str(path), "--yes") == 0
    assert list(small_bot.texts()) == ["in the journal"]


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


def beside(bot: Bot, database: str) -> Path:
    """A second number with the same state directory, `ben`, and its lock."""
    text = bot.configuration.read_text().replace('"ana"', '"ben"').replace(bot.url, database)
    (bot.home / "other.toml").write_text(text)
    return bot.state / "sessions" / "ben.lock"


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


def test_on_a_machine_that_has_nothing(
    small_bot: Bot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup().rename(small_bot.home / "kept")
    monkeypatch.delenv("WABOT_CONFIG", raising=False)
    for gone in (small_bot.state, small_bot.knowledge, small_bot.backups):
        shutil.rmtree(gone)
    for name in ("wabot.toml", "persona.txt", "wabot.db"):
        (small_bot.home / name).unlink()
    assert main(["restore", str(path), "--yes"]) == 0
    own = f"--config {small_bot.configuration}"
    last = capsys.readouterr().out.splitlines()[-1]
    linking = f"link the number: wabot pair {own}; then: wabot run {own}"
    assert last == f"done; {linking}; and look at it: wabot doctor {own}"
    assert small_bot.texts() == {"before": "pending"}
    assert load_settings(small_bot.configuration, {}).account.user_id == "ana"
    assert not list(small_bot.home.glob("*.replaced-*")), "there was nothing to move aside"


def test_the_secret_that_is_missing_is_that_of_the_place(
    small_bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a new machine, where nothing of it is yet."""
    path = small_bot.backup().rename(small_bot.home / "kept")
    saved = path / "configuration.toml"
    saved.write_text('[account]\nuser_id = "ana"\n[database]\nurl = "credential:database-url"\n')
    manifest = json.loads((path / MANIFEST).read_text())
    manifest["files"][saved.name] = hashlib.sha256(saved.read_bytes()).hexdigest()
    (path / MANIFEST).write_text(json.dumps(manifest))
    small_bot.configuration.unlink()
    assert small_bot.run("restore", str(path), "--yes") == 78
    assert "it belongs into /etc/credstore/wabot.database-url" in capsys.readouterr().err


def test_nothing_changes_without_a_yes(
    small_bot: Bot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup()
    (small_bot.state / "sessions" / "ana.lock").touch()
    small_bot.configuration.write_text(small_bot.configuration.read_text() + "# mine\n")
    (small_bot.knowledge / "prices.md").write_text("mine")
    before = tree(small_bot.home)
    monkeypatch.setattr("builtins.input", lambda _question: "n")
    assert small_bot.run("restore", str(path)) == 1
    told = capsys.readouterr().out
    for place in (small_bot.home / "wabot.db", small_bot.configuration, small_bot.knowledge):
        assert f"put {place} back" in told or f"put the database {place} back" in told
    assert "nothing was changed" in told
    (small_bot.state / "sessions" / "ana.lock").write_bytes(b"")
    assert tree(small_bot.home) == before


def test_the_session_only_when_it_is_asked_for(small_bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    path = small_bot.backup("--session")
    assert "throw each other out" in capsys.readouterr().out
    directory = small_bot.state / "sessions" / "ana"
    with closing(sqlite3.connect(directory / "whatsapp.db")) as store:
        store.execute("DELETE FROM whatsmeow_device")
        store.commit()
    assert small_bot.run("restore", str(path), "--yes") == 0
    assert "its session stays where it is; --session puts it back, only for moving" in capsys.readouterr().out
    assert read_device(directory / "whatsapp.db") is None
    (directory / "spool").write_bytes(b"not in the database yet")
    assert small_bot.run("restore", str(path), "--yes", "--session") == 0
    assert "its session stays" not in capsys.readouterr().out
    assert (directory / "spool").read_bytes() == b"not in the database yet"
    device = read_device(directory / "whatsapp.db")
    assert device is not None and device.phone == ANA
    assert stat.S_IMODE((directory / "whatsapp.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    (entry,) = (small_bot.state / "quarantine").iterdir()
    assert json.loads((entry / "note.json").read_text())["reason"] == "wabot restore"
    newer = path / "session.db"
    with closing(sqlite3.connect(newer)) as store, store:
        store.execute("UPDATE whatsmeow_version SET version = 99, compat = 99")
    manifest = json.loads((path / MANIFEST).read_text())
    manifest["files"]["session.db"] = hashlib.sha256(newer.read_bytes()).hexdigest()
    (path / MANIFEST).write_text(json.dumps(manifest))
    before = tree(directory)
    assert small_bot.run("restore", str(path), "--yes", "--session") == 78
    assert "newer client library" in capsys.readouterr().err
    assert tree(directory) == before
    newer.unlink()
    del manifest["files"]["session.db"]
    (path / MANIFEST).write_text(json.dumps(manifest))
    assert small_bot.run("restore", str(path), "--yes", "--session") == 78
    assert "made without --session" in capsys.readouterr().err


def damage(path: Path, name: str, change: str) -> None:
    if change == "gone":
        (path / name).unlink()
    elif change == "more":
        (path / name).write_text("more")
    else:
        with (path / name).open("r+b") as file:
            file.seek(10)
            file.write(b"\x00damaged\x00")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("wabot.db", "changed"),
        ("wabot.db", "gone"),
        ("knowledge/prices.md", "changed"),
        ("knowledge/new.md", "more"),
        ("configuration.toml", "gone"),
        (MANIFEST, "changed"),
        (MANIFEST, "gone"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    small_bot: Bot, name: str, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup()
    damage(path, name, change)
    before = tree(small_bot.home)
    assert small_bot.run("restore", str(path), "--yes") == 78
    assert tree(small_bot.home) == before
    told = capsys.readouterr().err
    assert ("damaged" in told or "no backup" in told) and told.count("\n") == 1


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("wabot", "99.0.0", "made by wabot 99.0.0"),
        ("format", 2, "install that version"),
        ("migrations", ["0001_initial", "9999_from_the_future"], "9999_from_the_future"),
        ("user_id", "ben", "is of user ben"),
        ("engine", "postgresql", "of another kind"),
        ("engine", "oracle", "damaged"),
        ("files", {"../../etc/passwd": "0"}, "damaged"),
        ("files", ["wabot.db"], "damaged"),
        ("places", {"configuration.toml": 7}, "damaged"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(
    small_bot: Bot, key: str, value: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup()
    manifest = json.loads((path / MANIFEST).read_text())
    (path / MANIFEST).write_text(json.dumps(manifest | {key: value}))
    assert small_bot.run("restore", str(path), "--yes") == 78
    assert says in capsys.readouterr().err
    assert not list(small_bot.home.glob("*.replaced-*"))


@pytest.mark.parametrize("option", [(), ("--database-only",)])
def test_another_numbers_backup_is_refused(
    small_bot: Bot, capsys: pytest.CaptureFixture[str], option: tuple[str, ...]
) -> None:
    path = small_bot.backup()
    beside(small_bot, small_bot.url)
    before, other = tree(small_bot.home), small_bot.home / "other.toml"
    assert main(["restore", str(path), "--yes", "--config", str(other), *option]) == 78
    assert tree(small_bot.home) == before
    told = capsys.readouterr().err
    own = small_bot.configuration
    typed = f"restore {path} --config {own}"
    cure = f"its own configuration is {own}; wabot {typed}"
    assert told == f"wabot: {path} is of user ana, and {other} is for ben: {cure}\n"
    assert main([*typed.split(), "--yes"]) == 0


def test_a_configuration_that_was_given_to_another_user_since(
    small_bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup()
    renamed = small_bot.configuration.read_text().replace('"ana"', '"ben"')
    small_bot.configuration.write_text(renamed + "[chats]\ngroups = 7\n")
    assert small_bot.run("restore", str(path), "--yes") == 78
    assert "is for ben: to have that user's back, move this configuration aside" in capsys.readouterr().err
    small_bot.configuration.rename(small_bot.home / "aside")
    assert small_bot.run("restore", str(path), "--yes") == 0
    small_bot.configuration.write_text("# nobody's\n")
    assert small_bot.run("restore", str(path), "--yes") == 0


def test_the_installers_example_is_nobodys_configuration(
    small_bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup()
    small_bot.configuration.write_text(f'[account]\n[paths]\nstate = "{small_bot.state}"\n')
    assert small_bot.run("restore", str(path), "--yes") == 0
    small_bot.configuration.write_text(f'[account]\n[paths]\nstate = "{small_bot.state}"\n')
    (small_bot.state / "sessions" / "default").mkdir()
    assert small_bot.run("restore", str(path), "--yes") == 78, "a bot ran with it"
    assert "is for default: " in capsys.readouterr().err


def test_twice_within_a_second_overwrites_nothing_that_was_moved_aside(small_bot: Bot) -> None:
    path = small_bot.backup()
    for text in ("second", "third"):
        small_bot.write(text)
        (small_bot.knowledge / "prices.md").write_text(text)
        assert small_bot.run("restore", str(path), "--yes") == 0
    kept = sorted(small_bot.home.glob("wabot.db.replaced-*"))
    assert len(kept) == len(list(small_bot.home.glob("knowledge.replaced-*"))) == 2


def test_the_newest_of_a_directory(small_bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(small_bot.configuration, {})
    assert small_bot.run("restore", str(small_bot.home / "nothing"), "--yes") == 78
    small_bot.backups.mkdir()
    assert small_bot.run("restore", str(small_bot.backups), "--yes") == 78
    make_backup(settings, small_bot.backups, NOW, keep=7, with_session=False)
    small_bot.write("second")
    make_backup(settings, small_bot.backups, NOW + timedelta(days=1), keep=7, with_session=False)
    small_bot.write("third")
    (small_bot.backups / "north-20261231T000000Z").mkdir()
    # As lies where a database was put back.
    (small_bot.backups / "wabot.db.replaced-20261231T000000Z").touch()
    assert small_bot.run("restore", str(small_bot.backups), "--yes") == 0, "the name is the configuration's"
    assert list(small_bot.texts()) == ["before", "second"]
    capsys.readouterr()
    assert main(["restore", str(small_bot.backups), "--yes"]) == 78
    assert "backups of north and wabot: name one" in capsys.readouterr().err


def test_a_clock_that_was_ahead_makes_no_old_backup_the_newest(small_bot: Bot) -> None:
    settings = load_settings(small_bot.configuration, {})
    times = (NOW, NOW + timedelta(days=400), NOW + timedelta(hours=1), NOW + timedelta(hours=1))
    made = [make_backup(settings, small_bot.backups, at, keep=2, with_session=False).path for at in times]
    assert sorted(small_bot.backups.glob("*-*Z")) == made[-2:]
    assert newest_backup(small_bot.backups, None) == made[-1]


def test_the_oldest_go(small_bot: Bot) -> None:
    settings = load_settings(small_bot.configuration, {})
    (small_bot.backups / "other-20200101T000000Z").mkdir(parents=True)
    (small_bot.backups / "wabot-of-mine").mkdir()
    for day in range(4):
        made = make_backup(settings, small_bot.backups, NOW + timedelta(days=day), keep=2, with_session=False)
    assert [path.name for path in made.removed] == ["wabot-20261123T100000Z"]
    assert sorted(path.name for path in small_bot.backups.iterdir()) == [
        "other-20200101T000000Z",
        "wabot-20261124T100000Z",
        "wabot-20261125T100000Z",
        "wabot-of-mine",
    ]


def test_two_backups_at_the_same_time(small_bot: Bot) -> None:
    small_bot.backup()
    settings = load_settings(small_bot.configuration, {})
    descriptor = os.open(small_bot.backups, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(OperatorNeeded, match="another backup is being made"):
        make_backup(settings, small_bot.backups, NOW, keep=7, with_session=False)
    os.close(descriptor)


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wabot", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_no_room_leaves_nothing_behind(small_bot: Bot) -> None:
    for _ in range(200):
        small_bot.write("x" * 5000)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    arguments = ("backup", str(small_bot.backups), "--config", str(small_bot.configuration))
    failed = command(*arguments, preexec_fn=little_room)
    assert failed.returncode == 78
    assert failed.stderr.startswith(f"wabot: there is no new backup in {small_bot.backups}: ")
    assert failed.stderr.count("\n") == 1
    assert list(small_bot.backups.iterdir()) == []
    assert command(*arguments).returncode == 0


def test_where_nothing_can_be_written(small_bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (small_bot.configuration, "/proc/backups"):
        assert small_bot.run("backup", str(place)) == 78
        assert f"no backup can be made in {place}: " in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("what", ["backup", "restore"])
def test_who_may_not_is_told_so_in_one_line(small_bot: Bot, what: str) -> None:
    path = small_bot.backup()
    typed = {"backup": ["backup", "/var/tmp/never"], "restore": ["restore", str(path)]}[what]
    as_nobody = f"""
import os, pwd, sys
import wabot.backup.make, wabot.backup.manifest, wabot.backup.restore, wabot.cli.parser
nobody = pwd.getpwnam("nobody")
os.setgroups([]), os.setgid(nobody.pw_gid), os.setuid(nobody.pw_uid)
sys.exit(wabot.cli.parser.main({[*typed, "--config", str(small_bot.configuration)]!r}))
"""
    refused = subprocess.run(
        [sys.executable, "-c", as_nobody],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 78, refused.stderr
    assert "Permission denied" in refused.stderr and refused.stderr.count("\n") == 1
    assert refused.stdout == ""


def test_a_killed_backup_leaves_nothing_that_looks_like_one(small_bot: Bot) -> None:
    dying = f"""
import os, sys
from wabot.backup import make as backup
backup.Manifest.write = lambda self, path: os.kill(os.getpid(), 9)
from wabot.cli.parser import main
main(["backup", {str(small_bot.backups)!r}, "--config", {str(small_bot.configuration)!r}])
"""
    killed = subprocess.run([sys.executable, "-c", dying], cwd=REPOSITORY, timeout=60, check=False)
    assert killed.returncode == -9
    (left_over,) = small_bot.backups.iterdir()
    assert left_over.name.startswith(".unfinished-")
    assert small_bot.run("restore", str(small_bot.backups), "--yes") == 78
    path = small_bot.backup()
    assert list(small_bot.backups.iterdir()) == [path]


def test_a_backup_is_on_the_disk_before_it_takes_its_name(
    small_bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[set[str]] = []
    monkeypatch.setattr(
        "wabot.backup.make.sync", lambda *paths: synced.append({path.name for path in paths if path.exists()})
    )
    path = small_bot.backup()
    everything, directory = synced
    assert everything == {f".unfinished-{path.name}", *(each.name for each in path.rglob("*"))}
    assert directory == {small_bot.backups.name}


def test_the_configuration_goes_where_it_is_wanted_now(small_bot: Bot) -> None:
    saved = small_bot.configuration.read_text()
    path = small_bot.backup()
    changed = saved + "[chats]\nexpire = 7\n"
    small_bot.configuration.write_text(changed)
    elsewhere = small_bot.home / "elsewhere.toml"
    assert main(["restore", str(path), "--yes", "--config", str(elsewhere)]) == 0
    assert (elsewhere.read_text(), small_bot.configuration.read_text()) == (saved, changed)


def test_a_bot_that_never_ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n')
    assert main(["backup", str(tmp_path / "backups"), "--config", str(file)]) == 0
    assert "configuration.toml" in capsys.readouterr().out
    assert not (tmp_path / "state").exists(), "looking made nothing"
    file.unlink()
    assert main(["restore", str(tmp_path / "backups"), "--yes"]) == 0
    assert file.exists()


@pytest.mark.postgresql
def test_where_there_is_nothing_no_good_backup_is_pushed_out(tmp_path: Path) -> None:
    settings = load_settings(None, {"STATE_DIRECTORY": str(tmp_path / "state")})
    good = tmp_path / "backups" / "wabot-20260101T000000Z"
    good.mkdir(parents=True)
    with pytest.raises(OperatorNeeded, match="there is nothing to back up"):
        make_backup(settings, good.parent, NOW, keep=1, with_session=False)
    assert list(good.parent.iterdir()) == [good]


def test_only_wabots_own_tables_are_put_back(tmp_path: Path, postgresql_url: str) -> None:
    bot = Bot(tmp_path, postgresql_url + "?schema=public")
    path = bot.backup()
    opened = open_database(bot.url)
    opened.execute_sql("INSERT INTO users VALUES ('new since')")
    # What a newer program made, which an older one would stumble over.
    opened.execute_sql("CREATE TABLE wabot_new (chat INTEGER REFERENCES wabot_chats)")
    opened.close()
    assert bot.run("restore", str(path), "--yes") == 0
    opened = open_database(bot.url)
    assert opened.execute_sql("SELECT count(*) FROM users").fetchone() == (2,)
    assert not opened.table_exists("wabot_new")
    assert migrate(opened) == []
    bot.write("the numbers go on where they were")
    opened.close()


@pytest.mark.postgresql
def test_a_role_that_may_not_make_tables_cannot_put_them_back(
    tmp_path: Path,
    postgresql_server: PostgresqlServer,
    postgresql_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    path = bot.backup()
    name = postgresql_url.rpartition("/")[2]
    role = f"role_{name}"
    postgresql_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    opened = open_database(postgresql_url)
    for table in opened.get_tables():
        opened.execute_sql(f'ALTER TABLE "{table}" OWNER TO {role}')
    opened.close()
    limited = f"postgresql://{role}:secret@127.0.0.1:{postgresql_server.port}/{name}"
    bot.configuration.write_text(bot.configuration.read_text().replace(postgresql_url, limited))
    assert bot.run("restore", str(path), "--yes", "--database-only") == 78
    assert "GRANT CREATE ON SCHEMA public to it" in capsys.readouterr().err
    assert list(bot.texts()) == ["before"]
    opened = open_database(postgresql_url)
    opened.execute_sql(f"GRANT CREATE ON SCHEMA public TO {role}")
    opened.close()
    assert bot.run("restore", str(path), "--yes", "--database-only") == 0, capsys.readouterr().err


@pytest.mark.postgresql
def test_a_bot_on_another_machine_refuses_it(
    tmp_path: Path, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    opened = open_database(bot.url)
    Session.insert(user_id="ben", updated_at=NOW).execute()
    path = bot.backup()
    bot.write("after")
    for user_id in ("ana", "ben"):
        # Kept, because the lock goes with it.
        opened = open_database(bot.url)
        there = HostLock(user_id, tmp_path / "vps2").acquire(0)
        assert bot.run("restore", str(path), "--yes") == 78
        there.release()
        assert f"for user {user_id}; stop that bot first" in capsys.readouterr().err
    opened.close()
    assert list(bot.texts()) == ["before", "after"]
    assert bot.run("restore", str(path), "--yes") == 0


@pytest.mark.postgresql
def test_a_server_that_is_away_changes_nothing(
    tmp_path: Path, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    path = bot.backup()
    away = f"postgresql://wabot:hush-hush@127.0.0.1:1/{postgresql_url.rpartition('/')[2]}"
    bot.configuration.write_text(bot.configuration.read_text().replace(postgresql_url, away))
    elsewhere = tmp_path / "elsewhere"
    assert bot.run("backup", str(elsewhere)) == 69
    assert bot.run("restore", str(path), "--yes", "--database-only") == 69
    assert "hush-hush" not in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "obstacle",
    [
        # Before anything is put back, and when nearly everything is.
        "CREATE VIEW of_the_application AS SELECT * FROM wabot_chats",
        "DROP INDEX {index}; CREATE VIEW {index} AS SELECT 1",
    ],
)
def test_a_dump_that_cannot_be_put_back_changes_nothing(
    tmp_path: Path, postgresql_url: str, capsys: pytest.CaptureFixture[str], obstacle: str
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    path = bot.backup()
    bot.write("after")
    opened = open_database(bot.url)
    (index,) = opened.execute_sql(
        "SELECT indexname FROM pg_indexes WHERE tablename = 'wabot_outbox' AND indexname LIKE '%%state%%'"
    ).fetchone()
    opened.execute_sql(obstacle.format(index=f'"{index}"'))
    opened.close()
    assert bot.run("restore", str(path), "--yes", "--database-only") == 78
    assert "psql failed: " in capsys.readouterr().err
    assert list(bot.texts()) == ["before", "after"]


@pytest.mark.postgresql
def test_without_pg_dump_it_says_what_to_install(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bot.run("backup", str(bot.backups)) == 78
    assert "pg_dump is not installed" in capsys.readouterr().err
    assert list(bot.backups.iterdir()) == []


@pytest.mark.postgresql
def test_the_password_is_seen_by_nobody(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the arguments of PostgreSQL's programs nor in their environment."""
    bot = Bot(tmp_path, postgresql_url)
    seen = tmp_path / "seen"
    for name in ("pg_dump", "pg_restore", "psql"):
        real, spy = shutil.which(name), tmp_path / "bin" / name
        spy.parent.mkdir(exist_ok=True)
        spy.write_text(
            f'#!/bin/sh\necho "$0 $@" >>{seen}\nenv >>{seen}\nstat -c %a "$PGSERVICEFILE" >>{seen}\n'
            f'exec {real} "$@"\n'
        )
        spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert bot.run("restore", str(bot.backup()), "--yes") == 0
    told = seen.read_text()
    assert all(f"{tmp_path}/bin/{name} " in told for name in ("pg_dump", "pg_restore", "psql"))
    assert postgresql_url.split(":")[2].partition("@")[0] not in told
    assert set(told.split()) >= {"600"}
