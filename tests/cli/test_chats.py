"""The commands about chats, as somebody types them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import SAMPLE_KNOWLEDGE
from tests.support.arrivals import ANA, NOON, arrival
from tests.support.provider_server import ProviderServer
from wabot.brain.knowledge.base import lack_of_knowledge
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.config.load import load_settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox, Part
from wabot.database.address import sqlite_file
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Outbound
from wabot.trials.peers.model_behaviours import say, status

KNOWLEDGE = SAMPLE_KNOWLEDGE


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state' / 'wabot.db'}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "wabot.toml"
    found.write_text(
        '[account]\nuser_id = "shop"\n'
        f'[paths]\nstate = "{tmp_path / "state"}"\n'
        f'[ai]\nknowledge = "{KNOWLEDGE}"\ndisclosure = false\n'
    )
    return found


def add(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text + "\n")


def provider(model: ProviderServer) -> str:
    return f'[[ai.providers]]\nname = "m"\nbase_url = "{model.base_url}"\nmodel = "x"'


@pytest.fixture
def opened(url: str) -> Iterator[Any]:
    """The bot's database, with Ana in it and an answer on its way to her."""
    database = open_database(url)
    migrate(database)
    inbox = Inbox("shop")
    chat_id = inbox.store(arrival("hola"), NOON)
    assert chat_id is not None
    Outbox("shop").put(chat_id, [Part("buenas", NOON)], "model:x", inbox.pending(chat_id), NOON)
    yield database
    database.close()


def test_once_prints_the_answer_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "--config", str(file), "--once", "¿Cuánto cuesta el envío?"]) == 0
    out, err = capsys.readouterr()
    assert "4,90" in out
    assert "knowledge" not in out
    assert "(knowledge; Envíos y plazos de entrega" in err


def test_who_talks_to_a_bot_without_knowledge_is_told_where_it_looked(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    file.write_text(file.read_text().replace(str(KNOWLEDGE), str(texts)))
    once = ["chat", "--config", str(file), "--once", "¿Cuánto cuesta el envío?"]
    assert main(once) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1, "the answer alone"
    assert err.splitlines()[0] == (
        "The bot knows nothing of your shop: there is no text (.md, .txt, .csv, .pdf) in "
        f"{texts}. Write about it there, or set ai.knowledge."
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("hola"))
    assert main(["chat", "--config", str(file)]) == 0
    assert "The bot knows nothing of your shop" in capsys.readouterr().err

    (texts / "envios.md").write_text("# Envíos\n\n## Cuánto cuesta el envío\n\nEl envío cuesta 3 €.\n")
    assert main(once) == 0
    out, err = capsys.readouterr()
    assert "3 €" in out
    assert "knows nothing" not in err


def test_a_folder_of_knowledge_that_is_not_there_yet_is_named(tmp_path: Path) -> None:
    """The default one: a folder named in the configuration has to be there."""
    told = lack_of_knowledge(tmp_path / "knowledge")
    assert f"there is no folder {tmp_path}/knowledge. Write about it there" in told


def test_once_without_an_answer_is_a_finding(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(file, '[chats]\nallow = ["+34600111222"]')
    assert main(["chat", "--config", str(file), "--once", "hola"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "not on the allow list" in err
    assert main(["chat", "--config", str(file), "--as", "+34 600 111 222", "--once", "hola"]) == 0


def test_a_conversation_with_history_gate_and_owner(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["¿tienen tazas?", "¿azules?", "!yo le atiendo", "¿hola?", "!#bot on", "BAJA", "¿hola?"]
    with ProviderServer(say("Sí.\n\nDígame.")) as model:
        add(file, provider(model))
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
        assert main(["chat", "--config", str(file)]) == 0
        said = [message["content"] for message in model.requests[1].messages[1:]]
    assert said == ["¿tienen tazas?", "Sí.\n\nDígame.", "¿azules?"]
    out = capsys.readouterr().out
    assert out.count("bot> Sí.") == 2
    for told in (
        "(model:m",
        "(the owner wrote)",
        "(paused: the owner wrote)",
        "to the owner> 🤖",
        "escriba ALTA",
        "(opted out)",
    ):
        assert told in out, told


def test_a_question_that_is_kept_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ProviderServer(status(500)) as model:
        add(file, provider(model))
        assert main(["chat", "--config", str(file), "--once", "¿capital de Mongolia?"]) == 0
    out, err = capsys.readouterr()
    assert "the question is kept" in err and "[" not in err
    assert err.startswith("wabot: no model answered (provider m: it answered 500); the knowledge base does\n")
    assert "to the owner> 🤖 +10000000001: espera respuesta" in err and "🤖" not in out


def test_the_terminal_leaves_the_bots_database_alone(file: Path, opened: Any, url: str) -> None:
    main(["chat", "--config", str(file), "--once", "baja"])
    open_database(url)
    assert (Chat.select().count(), Chat.get().opted_out_at) == (1, None)


def test_pause_and_resume(file: Path, opened: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pause", "--config", str(file), "34600111222"]) == 0
    assert (Chat.get().pause_reason, Chat.get().paused_until) == ("the owner asked for it", None)
    assert Outbound.get().state == "withdrawn"
    assert main(["resume", "--config", str(file), ANA]) == 0
    assert Chat.get().pause_reason == ""
    assert main(["resume", "--config", str(file), "+34600111222"]) == 0
    assert main(["pause", "--config", str(file), "+34600111222", "--for", "2h"]) == 0
    assert abs(Chat.get().paused_until - utc_now() - timedelta(hours=2)) < timedelta(minutes=1)
    out = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2].partition(" until 2")[0] for line in out] == [
        "paused until it is resumed; 1 reply(ies) withdrawn",
        "answered again",
        "was not paused",
        "paused",
    ]
    assert "600111222" not in "".join(out)


NOBODY = "there is no chat with +34…77; is the number complete, with the country's code?\n"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["pause"], NOBODY + "nothing is paused; to answer somebody never, before they write"),
        (["resume"], NOBODY + "nothing is changed"),
        (
            ["forget", "--yes"],
            NOBODY + "erase all that is kept about +34…77; this cannot be undone\nerased: 0 chat",
        ),
        (["export"], NOBODY),
    ],
)
def test_a_command_that_finds_nobody_says_so(
    file: Path, opened: Any, command: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--config", str(file), "+34 911 222 277"]) == 1
    shown = capsys.readouterr()
    assert (shown.err if command == ["export"] else shown.out).startswith(told)
    assert Chat.select().count() == 1


@pytest.mark.parametrize("command", [["pause"], ["resume"], ["forget", "--yes"], ["export"]])
@pytest.mark.parametrize(
    "typed", ["600 111 222".replace(" ", "-"), "34600111223", "+34 600 112 122", "+1600111222"]
)
def test_a_near_number_is_named_when_there_is_none(
    file: Path, opened: Any, command: list[str], typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Inbox("shop").store(arrival(chat="34911222333@s.whatsapp.net", phone="34911222333"), NOON)
    Inbox("salon").store(arrival(chat="34600111229@s.whatsapp.net", phone="34600111229"), NOON)
    assert main([*command, "--config", str(file), typed]) == 1
    shown = capsys.readouterr()
    assert "; is +34600111222 meant?\n" in shown.out + shown.err


@pytest.mark.parametrize(
    ("jid", "typed"),
    [
        ("553196883193", "+55 31 99688-3193"),
        ("5531996883193", "55 (31) 9688-3193"),
        ("5215512345678", "+52 55 1234 5678"),
        ("525512345678", "0052 1 55 1234 5678"),
        ("5491123456789", "+54 11 2345-6789"),
        ("541123456789", "+54 9 11 2345 6789"),
        ("447911123456", "+44 (0)7911 123456"),
        ("34600111222", "00 34\u00a0600\u202f111\u2011222"),
        ("34600111222", "\u202a+34 600.111.222\u202c"),
        ("34600111222", "34600111222:12@c.us"),
    ],
)
def test_a_number_in_any_spelling_is_the_person(
    file: Path, url: str, jid: str, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    database = open_database(url)
    migrate(database)
    Inbox("shop").store(arrival(chat=f"{jid}@s.whatsapp.net", phone=jid), NOON)
    group = arrival(chat="1203630@g.us", phone="", sender=f"{jid}@s.whatsapp.net")
    Inbox("shop").store(group, NOON)
    config = ["--config", str(file), typed]
    assert main(["pause", *config]) == 0
    assert [chat.pause_reason for chat in Chat.select().order_by(Chat.id)] == ["the owner asked for it", ""]
    assert main(["resume", *config]) == 0
    capsys.readouterr()
    assert main(["export", *config]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (len(found["chats"]), len(found["in_groups"])) == (1, 1)
    assert main(["forget", "--yes", *config]) == 0
    assert "1 chat(s), 1 message(s) received, 0 sent, 1 in groups" in capsys.readouterr().out
    assert main(["forget", "--yes", *config]) == 1
    database.close()


def test_export_and_forget(file: Path, opened: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--config", str(file), "+34600111222"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [message["text"] for message in found["chats"][0]["messages"]] == ["hola", "buenas"]
    assert main(["forget", "--yes", "--config", str(file), "+34600111222"]) == 0
    assert "\nerased: 1 chat(s), 1 message(s) received, 1 sent, 0 in groups" in capsys.readouterr().out
    assert Chat.select().count() == 0
    (file.parent / "state" / "backups" / "1.0").mkdir(parents=True)
    assert main(["forget", "--yes", "--config", str(file), "+34600111222"]) == 1
    assert "not erased: the copies of backups and upgrades" in capsys.readouterr().out
    assert main(["export", "--config", str(file), "+34600111222"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["chats"] == []
    assert shown.err.startswith("there is no chat with +34…22; is the number complete")


def test_forget_names_what_it_does_not_reach(
    file: Path, opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    database = sqlite_file(load_settings(file, {}).database.url)
    assert database is not None
    aside = database.with_name(f"{database.name}.replaced-20261129T000000Z")
    aside.touch()
    aside.with_name(f"{aside.name}-wal").touch()
    for user_id, phone in (("north", "34600111222"), ("south", "34911222333")):
        Inbox(user_id).store(arrival("hola", chat=f"{phone}@s.whatsapp.net", phone=phone), utc_now())
    assert main(["forget", "--yes", "--config", str(file), "+34600111222"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("not erased")] == [
        f"not erased: {aside}, a database that was put aside; remove it by hand",
        "not erased: what user north has of them in this database; repeat this with that one's --config, "
        "as long as it uses this database",
    ]


def test_the_chats_that_are_paused(file: Path, opened: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pause", "--config", str(file)]) == 0
    main(["pause", "--config", str(file), "+34600111222"])
    Inbox("shop").store(arrival(chat="299000111333@lid", phone="", lid="299000111333"), NOON)
    main(["pause", "--config", str(file), "299000111333@lid", "--for", "2h"])
    capsys.readouterr()
    assert main(["pause", "--config", str(file)]) == 0
    later, earlier = capsys.readouterr().out.splitlines()
    assert earlier == "+34600111222: paused until it is resumed (the owner asked for it)"
    assert re.fullmatch(r"299000111333@lid: paused until .* UTC \(the owner asked for it\)", later)
    for chat in ("+34600111222", "299000111333@lid"):
        main(["resume", "--config", str(file), chat])
    capsys.readouterr()
    main(["pause", "--config", str(file)])
    assert capsys.readouterr().out == "no chat is paused\n"


def test_what_a_row_holds_does_not_paint_the_terminal(
    file: Path, opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    Chat.update(phone="", jid="\x1b[2Jx@lid", pause_reason="why").execute()
    assert main(["pause", "--config", str(file)]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "code", "left"), [("", 1, 1), ("n\n", 1, 1), ("si\n", 0, 0)])
def test_forget_asks_before_what_cannot_be_undone(
    file: Path,
    opened: Any,
    answer: str,
    code: int,
    left: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert main(["forget", "--config", str(file), "+34600111222"]) == code
    assert Chat.select().count() == left
    shown = capsys.readouterr().out
    assert shown.startswith("erase all that is kept about +34…22; this cannot be undone\nGo on? [y/N] ")
    assert shown.endswith("nothing was erased\n") == bool(left)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["resume"], "CHAT"),
        (["pause", "--for", "2h"], "--for goes with a chat"),
        (["pause", "ana"], "names no chat"),
        (["forget", "12"], "names no chat"),
        (["pause", "34600111222", "--for", "ever"], "such as 90s, 15m, 2h or 3d, up to 365d"),
        (["chat", "--as", "nobody", "--once", "x"], "names no chat"),
    ],
)
def test_mistakes_are_explained(
    file: Path, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--config", str(file)]) == 64
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("command", ["pause", "resume", "forget", "export"])
def test_no_database_is_made_by_looking_for_one(
    file: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "34600111222", "--config", str(file)]) == 78
    assert "there is no database" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()
