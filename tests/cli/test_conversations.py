"""`wabot chats`, `chat-log` and `outbox`, as somebody types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.arrivals import NOON, arrival, later
from wabot.cli.parser import main
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox, Part
from wabot.database.engine import migrate, open_database
from wabot.database.models import Inbound, Outbound
from wabot.database.states import InboundState, Reason

ANA = "+34600111222"


@pytest.fixture
def config(tmp_path: Path) -> Iterator[list[str]]:
    """Ana got an answer that waits to be sent, and asked something that nobody knows."""
    file = tmp_path / "wabot.toml"
    file.write_text(f'[account]\nuser_id = "shop"\n[paths]\nstate = "{tmp_path}"\n')
    database = open_database(f"sqlite:///{tmp_path / 'wabot.db'}")
    migrate(database)
    inbox = Inbox("shop")
    chat_id = inbox.store(arrival("hola", name="Ana \x1b[31m Ruiz"), NOON)
    assert chat_id is not None
    Outbox("shop").put(chat_id, [Part("buenas\ntardes", NOON)], "model:x", inbox.pending(chat_id), NOON)
    inbox.store(arrival("¿hacéis\nfacturas?"), later(1), InboundState.IGNORED, Reason.NOT_KNOWN_AGAIN)
    yield ["--config", str(file)]
    database.close()


def test_who_waits_is_listed_with_what_can_be_typed(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chats", "--unanswered", *config]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert ANA in line and "waits" in line and line.endswith("¿hacéis facturas?")
    assert "\x1b" not in line
    assert main(["chats", "--json", *config]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["phone"], found["waiting"]) == ("34600111222", "¿hacéis\nfacturas?")


def test_nobody_has_written(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Inbound.delete().execute()
    assert main(["chats", *config]) == 0
    assert main(["chats", "--unanswered", *config]) == 0
    assert capsys.readouterr().out == "nobody has written yet\nnobody waits for an answer\n"


def test_a_chat_is_shown_with_what_became_of_it(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chat-log", ANA, *config]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1] for line in lines] == [
        "hola",
        "buenas",
        "tardes (pending)",
        "¿hacéis",
        "facturas? (not known, told already)",
    ]
    assert main(["chat-log", ANA, "--last", "1", "--json", *config]) == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["who"], said["text"]) == ("customer", "¿hacéis\nfacturas?")


def test_a_chat_that_is_not_there(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat-log", "+34600111223", *config]) == 1
    assert "is +34600111222 meant?" in capsys.readouterr().err


def test_a_reply_that_waits_can_be_taken_back_once(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outbox", *config]) == 0
    line = capsys.readouterr().out
    assert line == "     1  +34600111222 pending: buenas tardes\n"
    assert main(["outbox", "--json", *config]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == 1
    assert main(["outbox", "--cancel", "1", *config]) == 0
    assert main(["outbox", "--cancel", "1", *config]) == 1
    assert main(["outbox", *config]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "reply 1 is not sent",
        "reply 1 is withdrawn, and cannot be taken back any more",
        "nothing waits to be sent",
    ]
    assert main(["outbox", "--cancel", "99", *config]) == 64


def test_what_has_left_cannot_be_taken_back(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Outbound.update(state="sending", copies=1).execute()
    assert main(["outbox", "--cancel", "1", *config]) == 1
    assert "reply 1 is sending" in capsys.readouterr().out


@pytest.mark.parametrize("count", ["0", "-1", "x", "10001"])
def test_a_count_that_is_none(config: list[str], count: str) -> None:
    assert main(["chats", f"--last={count}", *config]) == 64
