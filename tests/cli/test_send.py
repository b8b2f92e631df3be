"""`wabot send`, as somebody, or a program, types it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.arrivals import arrival
from wabot.cli import send
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.conversation.inbox import Inbox
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Outbound

ANA = "+34600111222"


@pytest.fixture
def config(tmp_path: Path) -> Iterator[list[str]]:
    """Ana wrote just now, to a bot in Madrid."""
    file = tmp_path / "wabot.toml"
    file.write_text(
        f'[account]\nuser_id = "shop"\ntimezone = "Europe/Madrid"\n[paths]\nstate = "{tmp_path}"\n'
    )
    (tmp_path / "sessions" / "shop").mkdir(parents=True)
    database = open_database(f"sqlite:///{tmp_path / 'wabot.db'}")
    migrate(database)
    Inbox("shop").store(arrival("hola", sent_at=utc_now()), utc_now())
    yield ["--config", str(file)]
    database.close()


def sent(capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[int, dict[str, Any]]:
    code = main(["send", *typed, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_message_is_kept_and_the_bot_is_told(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["send", ANA, "Su pedido ha salido", *config]) == 0
    assert capsys.readouterr().out == "message 1 is queued\n"
    row = Outbound.get()
    assert (row.text, row.state, row.source) == ("Su pedido ha salido", "scheduled", "send:order")
    assert (tmp_path / "sessions" / "shop" / "wake").exists()


def test_from_standard_input_by_a_program(
    config: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Su pedido\nha salido\n"))
    first = sent(capsys, ANA, "-", "--key", "order-1", *config)
    assert first == (0, {"id": 1, "state": "queued", "rule": "", "reason": "", "message_id": ""})
    assert sent(capsys, ANA, "other words", "--key", "order-1", *config) == first
    assert [row.text for row in Outbound] == ["Su pedido\nha salido"]


def test_by_the_clock_of_the_business(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    day = (utc_now() + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
    assert main(["send", ANA, "x", "--at", f"{day:%Y-%m-%dT%H:%M}", *config]) == 0
    assert f"message 1 leaves at {day:%Y-%m-%d %H:%M} CE" in capsys.readouterr().out
    assert Outbound.get().not_before in (day - timedelta(hours=1), day - timedelta(hours=2))
    Outbound.delete().execute()
    assert main(["send", ANA, "x", "--at", f"{day:%Y-%m-%dT%H:%M}+00:00", *config]) == 0
    assert Outbound.get().not_before == day


def test_a_refusal_names_its_rule(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, told = sent(capsys, "+34600111223", "x", *config)
    assert (code, told["id"], told["state"], told["rule"]) == (65, None, "refused", "no-chat")
    assert main(["send", "+34600111223", "x", *config]) == 65
    assert "rule no-chat: they never wrote to this number (there is no chat with" in capsys.readouterr().err
    Chat.update(opted_out_at=utc_now()).execute()
    code, told = sent(capsys, ANA, "x", *config)
    assert (code, told["rule"], told["reason"]) == (65, "opted-out", "they asked not to be written to")
    assert Outbound.select().count() == 0


@pytest.mark.parametrize(
    "typed",
    [
        [ANA, " "],
        [ANA, "x" * 20_001],
        [ANA, "x", "--at", "tomorrow"],
        [ANA, "x", "--at", "2126-01-01T09:00"],
        [ANA, "x", "--key", "with blank"],
        [ANA, "x", "--key", ""],
        [ANA, "x", "--purpose", "advertisement"],
        ["nobody", "x"],
        [ANA],
    ],
)
def test_what_is_typed_wrong_sends_nothing(config: list[str], typed: list[str]) -> None:
    assert main(["send", *typed, *config]) == 64
    assert Outbound.select().count() == 0


def test_who_waits_is_told_what_became_of_it(
    config: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "_WAIT_SECONDS", 0.3)
    assert sent(capsys, ANA, "x", "--key", "k", "--wait", *config)[0] == 1
    Outbound.update(state="sent", message_id="3EB0", delivered_at=utc_now()).execute()
    code, told = sent(capsys, ANA, "x", "--key", "k", "--wait", *config)
    assert (code, told["state"], told["message_id"]) == (0, "delivered", "3EB0")
    Outbound.update(
        state="withdrawn", delivered_at=None, error="opted-out: they asked not to be written to"
    ).execute()
    code, told = sent(capsys, ANA, "x", "--key", "k", "--wait", *config)
    assert (code, told["state"], told["rule"]) == (65, "refused", "opted-out")
