from __future__ import annotations

import contextlib
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.examined_bot import database, illnesses
from tests.support.session_directories import hold, make_session
from wabot.application.users import require_user
from wabot.clock import utc_now
from wabot.database.models import Session
from wabot.doctor.examination import examine
from wabot.session.lock import SessionLock
from wabot.session.quarantine import Quarantine


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("pairing", "sudo systemctl stop wabot@shop.service, then wabot pair --config "),
        ("backoff", "sudo journalctl -u wabot@shop.service -n 20"),
        ("banned", "wait: the bot dials again by itself"),
        ("cooldown", "look for another program on this number"),
        ("connected", ""),
        ("reconnecting", ""),
        ("logged_out", ""),
    ],
)
def test_a_bot_that_runs_and_is_not_on_the_line(file: Path, state: Path, said: str, cure: str) -> None:
    with database(f"sqlite:///{state}/wabot.db"):
        since = utc_now()
        # Said after the process began, whose start the lock tells.
        later = since + timedelta(seconds=5)
        Session.insert(user_id="ana", state=said, since=since, reason="why", updated_at=later).execute()
    bot = hold(state / "sessions" / "ana.lock")
    found = {finding.name: finding for finding in examine(file, {}, utc_now(), online=False)}["link"]
    assert found.ok == (not cure)
    assert found.text == f"{said} since {since:%Y-%m-%d %H:%M} UTC{': why' if cure else ''}"
    assert found.cure.startswith(cure)
    bot.communicate(timeout=10)
    assert "link" not in illnesses(file), "what it said is true only while it runs"


def test_two_bots_on_one_number_answer_twice(file: Path, state: Path) -> None:
    file.with_name("north.toml").write_text(file.read_text().replace('"ana"', '"ben"'))
    bots = [hold(state / "sessions" / f"{name}.lock") for name in ("ana", "ben")]
    with database(f"sqlite:///{state}/wabot.db"):
        later = utc_now() + timedelta(seconds=5)
        for user_id in ("ana", "ben"):
            said = {"state": "connected", "phone": "34600111222", "updated_at": later}
            Session.insert(user_id=user_id, **said).execute()
    ill = illnesses(file)["link"]
    assert ill.text == "north is linked to +34…22 as well: customers get every answer twice"
    assert ill.cure.startswith("sudo systemctl stop wabot@north.service, then wabot reset --config ")
    with database(f"sqlite:///{state}/wabot.db"):
        Session.update(phone="").execute()
    assert "link" not in illnesses(file)
    with database(f"sqlite:///{state}/wabot.db"):
        Session.update(phone="34600111222").execute()
    bots[1].communicate(timeout=10)
    assert "link" not in illnesses(file), "that one does not run"
    bots[0].communicate(timeout=10)


def test_a_link_that_does_not_come_back_for_minutes_is_ill(file: Path, state: Path) -> None:
    bot = hold(state / "sessions" / "ana.lock")
    since = utc_now() - timedelta(minutes=3)
    with database(f"sqlite:///{state}/wabot.db"):
        later = utc_now() + timedelta(seconds=5)
        Session.insert(user_id="ana", state="reconnecting", since=since, updated_at=later).execute()
    assert illnesses(file)["link"].text == f"reconnecting since {since:%Y-%m-%d %H:%M} UTC"
    bot.communicate(timeout=10)


def test_what_an_earlier_process_said_does_not_count(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db"):
        Session.insert(user_id="ana", state="banned", updated_at=utc_now() - timedelta(days=3)).execute()
    bot = hold(state / "sessions" / "ana.lock")
    found = {finding.name: finding for finding in examine(file, {}, utc_now(), online=False)}["link"]
    assert found.ok and found.text == "whoever holds the session has not said anything yet"
    bot.communicate(timeout=10)


def test_a_neighbour_that_cannot_be_read_may_be_for_any_user(file: Path, state: Path) -> None:
    file.write_text(file.read_text().replace('user_id = "ana"', 'user_id = "shop"'))
    assert "other session" in illnesses(file)
    file.with_name("north.toml").write_text("[account]\nuser_id = “ana”\n")
    assert "other session" not in illnesses(file)


@pytest.mark.parametrize(
    ("end", "name", "cure"),
    [
        ("replaced", "second holder", "stop the other program"),
        ("logged_out", "last end", "wabot pair"),
        ("outdated", "last end", "where wabot was installed from"),
        ("failed", "last end", "sudo journalctl -u wabot@shop.service"),
    ],
)
def test_how_it_ended(file: Path, state: Path, end: str, name: str, cure: str) -> None:
    with database(f"sqlite:///{state}/wabot.db"):
        Session.insert(user_id="ana", state=end, reason="why", updated_at=utc_now()).execute()
    ill = illnesses(file)[name]
    assert ill.text == f"the bot ended as {end}: why"
    assert ill.cure.startswith(cure)


def test_a_session_that_is_not_linked(file: Path, state: Path) -> None:
    with contextlib.closing(sqlite3.connect(state / "sessions/ana/whatsapp.db")) as store, store:
        store.execute("DELETE FROM whatsmeow_device")
    assert illnesses(file)["session store"].cure == f"wabot pair --config {file}"


def test_a_link_that_was_left_behind_when_the_user_was_renamed(file: Path, state: Path) -> None:
    file.write_text(file.read_text().replace('user_id = "ana"', 'user_id = "shop"'))
    with database(f"sqlite:///{state}/wabot.db") as opened:
        require_user(opened, "shop")
    ill = illnesses(file)
    assert ill["session store"].text == "no number is linked"
    assert "+34…22 is linked for user ana, whom no configuration here names" in ill["other session"].text
    assert ill["other session"].cure == f'if that is the number of this bot: user_id = "ana" in {file}'
    with SessionLock(state / "sessions" / "ana.lock").acquire(0):
        assert "other session" not in illnesses(file), "a bot that runs uses it"
    file.with_name("other.toml").write_text(file.read_text().replace('"shop"', '"ana"'))
    assert "other session" not in illnesses(file)


def test_what_is_not_linked_or_of_another_user_is_no_session_to_use(file: Path, state: Path) -> None:
    (state / "sessions" / "ana").rename(state / "sessions" / "zoe")
    aside = Quarantine(state / "quarantine", state / "sessions")
    aside.take("zoe", "of another user", utc_now())
    make_session(state / "sessions", "ana", linked=False, used_at=utc_now())
    aside.take("ana", "not linked", utc_now())
    make_session(state / "sessions", "ana", linked=True, used_at=utc_now())
    (state / "sessions" / "ana" / "whatsapp.db").write_bytes(b"rubbish" * 1000)
    aside.take("ana", "damaged", utc_now())
    make_session(state / "sessions", "ben", linked=False, used_at=utc_now())
    make_session(state / "sessions", "cleo", linked=True, used_at=utc_now())
    (state / "sessions" / "cleo" / "whatsapp.db").write_bytes(b"rubbish" * 1000)
    ill = illnesses(file)
    assert ill["session store"].text == "no number is linked"
    assert "other session" not in ill


def test_a_bot_that_waits_for_a_number_while_another_is_linked(file: Path, state: Path) -> None:
    file.write_text(file.read_text().replace('user_id = "ana"', 'user_id = "shop"'))
    bot = hold(state / "sessions" / "shop.lock")
    # After the lock was taken: what an earlier process wrote does not count.
    with database(f"sqlite:///{state}/wabot.db"):
        Session.insert(user_id="shop", state="pairing", updated_at=utc_now()).execute()
    found = [finding for finding in examine(file, {}, utc_now(), online=False) if not finding.ok]
    bot.communicate(timeout=10)
    assert next(finding.text for finding in found if finding.name == "link") == "pairing"
    assert any("linked for user ana" in finding.text for finding in found)
