"""The bot on an existing application's database: its row stays true, the janitor leaves the living alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.conftest import MakeBot
from tests.support.existing_schema import add_row, add_user, create_application, rows
from tests.support.session_directories import make_session, tree
from wabot.clock import utc_now
from wabot.database.engine import open_database
from wabot.emulator.server.emulator import Emulator

PHANTOM = "cmhc22zw20000kmhgvx5ubazy"
pytestmark = [pytest.mark.e2e, pytest.mark.postgresql]


@pytest.fixture
def application(postgresql_url: str) -> Iterator[Any]:
    """The application's database, whose foreign key somebody dropped, with its users."""
    opened = open_database(postgresql_url)
    create_application(opened, foreign_key=False)
    for user_id in ("shop", "valid", "claimant", "second claimant"):
        add_user(opened, user_id)
    yield opened
    opened.close()


def wait_for_row(database: Any, status: str) -> dict[str, Any]:
    """The bot's row, which it writes right after what `wabot status` shows."""
    deadline = time.monotonic() + 10
    while (row := rows(database)["shop"])["status"] != status:
        assert time.monotonic() < deadline, row
        time.sleep(0.05)
    return row


def test_the_row_is_true_and_the_janitor_leaves_a_living_bot_alone(
    emulator: Emulator, make_bot: MakeBot, application: Any, postgresql_url: str
) -> None:
    add_row(application, "shop", datetime(2026, 1, 1), phoneNumber="pending")
    bot = make_bot(sections={"database": f'url = "{postgresql_url}"'})
    bot.start()
    shown = bot.wait_for(lambda status: bool(status["qr"]))
    row = wait_for_row(application, "QR_PENDING")
    assert (row["isConnected"], row["qrCode"]) == (False, shown["qr"])
    assert row["qrExpiresAt"] > utc_now()
    emulator.phone.scan(shown["qr"])
    bot.wait_for(lambda status: status["state"] == "connected" and status["phone"] == emulator.bot.phone)
    row = wait_for_row(application, "CONNECTED")
    assert (row["isConnected"], row["qrCode"]) == (True, None)
    assert (row["id"], row["phoneNumber"], row["lastError"]) == ("row-shop", emulator.bot.phone, None)

    old = datetime(2026, 11, 1)
    sessions = bot.state / "sessions"
    add_row(application, PHANTOM, old, status="CONNECTED", isConnected=True)
    make_session(sessions, PHANTOM, linked=True, used_at=old)
    for user_id in ("claimant", "second claimant"):
        add_row(application, user_id, old, status="CONNECTED", isConnected=True)
    add_row(application, "valid", old)
    make_session(sessions, "valid", linked=True, used_at=old)
    valid_row = rows(application)["valid"]
    credentials, lock = tree(sessions / "valid"), (sessions / "shop.lock").read_bytes()
    command = [sys.executable, "-m", "wabot", "janitor", "--apply", "--config", str(bot.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "janitor: 4 done" in done.stdout
    found = rows(application)
    assert found.keys() == {"shop", "valid", "claimant", "second claimant"}
    assert [found[user_id]["status"] for user_id in ("claimant", "second claimant")] == ["DISCONNECTED"] * 2
    assert (found["valid"], found["shop"]["status"]) == (valid_row, "CONNECTED")
    (entry,) = (bot.state / "quarantine").iterdir()
    assert entry.name.startswith(PHANTOM)
    assert not (sessions / PHANTOM).exists()
    assert (tree(sessions / "valid"), (sessions / "shop.lock").read_bytes()) == (credentials, lock)

    ana = emulator.customer(1, name="Ana")
    ana.send("Hola, ¿cuánto cuesta el envío a domicilio?")
    assert ana.wait_for_replies(1)
    assert bot.status()["state"] == "connected"
    assert bot.stop() == 0
    row = rows(application)["shop"]
    assert (row["status"], row["isConnected"]) == ("DISCONNECTED", False)
    assert row["lastMessageAt"] is not None


def test_a_phantom_is_not_dialled(
    emulator: Emulator, make_bot: MakeBot, application: Any, postgresql_url: str
) -> None:
    bot = make_bot(user_id=PHANTOM, sections={"database": f'url = "{postgresql_url}"'})
    assert bot.start().wait(20) == 78
    errors = [line for line in bot.log_file.read_text().splitlines() if " ERROR " in line]
    assert len(errors) == 1
    assert f"user {PHANTOM} is not in the table users" in errors[0]
    assert f"`wabot doctor --config {bot.config}`" in errors[0]
    assert rows(application) == {}
    assert emulator.bot.logins == 0
