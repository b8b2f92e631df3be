"""`wabot backup` and `wabot restore`: what was saved comes back, and nothing else is harmed on the way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from tests.support.backed_up_bot import ANA, NOW, Bot, beside
from tests.support.session_directories import hold, tree
from wabot.backup.manifest import MANIFEST
from wabot.cli.parser import main
from wabot.config.load import load_settings
from wabot.database.engine import open_database
from wabot.database.models import Session
from wabot.inbound.lost_messages import load_mark
from wabot.session.lock import SessionLock
from wabot.whatsapp.store import read_device


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


def test_what_is_put_back_is_on_the_disk_before_it_has_its_name_and_its_name_before_the_end(
    small_bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small_bot.backup()
    small_bot.write("after")
    done: list[tuple[str, str]] = []
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def watched_fsync(descriptor: int) -> None:
        done.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    def watched(move: Callable[..., None]) -> Callable[..., None]:
        def moved(source: Path, target: Path, **where: int) -> None:
            done.append(("from", str(source)))
            done.append(("to", str(target)))
            move(source, target, **where)

        return moved

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "rename", watched(rename))
    monkeypatch.setattr(os, "replace", watched(replace))
    assert small_bot.run("restore", str(path), "--yes", "--database-only") == 0
    database = str(small_bot.home / "wabot.db")
    put = next(at for at, step in enumerate(done) if step == ("to", database))
    assert ("sync", done[put - 1][1]) in done[:put]
    assert ("sync", str(small_bot.home)) in done[put:]


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


def test_the_configuration_goes_where_it_is_wanted_now(small_bot: Bot) -> None:
    saved = small_bot.configuration.read_text()
    path = small_bot.backup()
    changed = saved + "[chats]\nexpire = 7\n"
    small_bot.configuration.write_text(changed)
    elsewhere = small_bot.home / "elsewhere.toml"
    assert main(["restore", str(path), "--yes", "--config", str(elsewhere)]) == 0
    assert (elsewhere.read_text(), small_bot.configuration.read_text()) == (saved, changed)
