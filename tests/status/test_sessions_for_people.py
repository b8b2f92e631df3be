from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.arrivals import arrival
from tests.support.shown_sessions import KEYS, configure, record, status
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.config.load import load_settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat
from wabot.database.models import Chat, Inbound, ModelUsage, Outbound
from wabot.errors import ExitCode

MODEL = '[[ai.providers]]\nname = "gpt"\nbase_url = "http://localhost/v1"\nmodel = "m"\n'


def test_questions_that_wait_for_a_model_are_told_apart(
    tmp_path: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = configure(tmp_path, "a", MODEL)
    record("a")
    # Of one customer two questions that were tried, and one that is new; another was told something else.
    for phone, tries in (("34600111222", (1, 1, 0)), ("34600111333", (1,))):
        for number, attempts in enumerate(tries):
            chat_id = Inbox("a").store(
                arrival("hola", chat=f"{phone}@s.whatsapp.net", phone=phone, message_id=f"{phone}{number}"),
                utc_now(),
            )
            Inbound.update(attempts=attempts).where(Inbound.message_id == f"{phone}{number}").execute()
        notice = Notice.APOLOGY if phone == "34600111222" else Notice.AWAY
        Outbox("a").notify(chat_id, "sorry", notice, utc_now())
    answered = arrival("hola", chat="34600111222@s.whatsapp.net", message_id="answered")
    Inbox("a").store(answered, utc_now())
    Inbound.update(attempts=1, state="answered").where(Inbound.message_id == "answered").execute()

    def told() -> str:
        main(["status", "--config", str(file)])
        return capsys.readouterr().out

    assert "to answer: 4 (of them 2 kept until a model answers)   to send: 2 " in told()
    assert list(status(file, capsys)[1]["a"]) == KEYS
    Outbound.update(created_at=utc_now() - timedelta(minutes=61)).execute()
    assert "to answer: 4   to send: 2 " in told()
    Outbound.update(created_at=utc_now()).execute()
    configure(tmp_path, "a")
    assert "to answer: 4   to send: 2 " in told(), "no model is configured"


def test_notes_that_are_collected_for_the_owner_are_told_apart(
    tmp_path: Path, state: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = configure(tmp_path, "a")
    record("a", phone="34600111222")
    chat_id = Inbox("a").store(arrival("hola"), utc_now())
    owner_chat = OwnerChat(load_settings(file, {}).account, Outbox("a"))
    for _ in range(2):
        owner_chat.tell_unanswered(Chat.get_by_id(chat_id), utc_now())
        Outbound.update(state="sent").where(Outbound.not_before <= utc_now()).execute()
    note = Outbound.get(Outbound.state == "pending")
    Outbound.insert({**note.__data__, "id": None, "user_id": "b"}).execute()
    main(["status", "--config", str(file)])
    assert "to send: 1 (of them 1 to you, collected for five minutes)" in capsys.readouterr().out
    for change in ({"source": "model:m"}, {"not_before": utc_now()}, {"state": "sending"}):
        Outbound.update(change).where(Outbound.id == note.id).execute()
        main(["status", "--config", str(file)])
        assert "to send: 1   not delivered" in capsys.readouterr().out, change
        Outbound.update({name: getattr(note, name) for name in change}).where(
            Outbound.id == note.id
        ).execute()


def test_the_budget_of_the_models_is_told_to_people_only(
    tmp_path: Path, state: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = configure(
        tmp_path,
        "a",
        '[ai]\ncalls_per_day = 500\n[[ai.providers]]\nname = "gpt"\nbase_url = "http://localhost/v1"\n'
        'model = "m"\ntokens_per_day = 90000\n',
    )
    record("a")
    today = datetime.now().astimezone().date().isoformat()
    ModelUsage.create(user_id="a", day=today, provider="", calls=12, tokens=8100)
    ModelUsage.create(user_id="a", day=today, provider="gpt", calls=9, tokens=89_950, refused_tokens=430)
    assert list(status(file, capsys)[1]["a"]) == KEYS
    assert main(["status", "--config", str(file)]) == ExitCode.FINDINGS
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "  all models: 12 of 500 calls today",
        "  gpt: 89950 of 90000 tokens today, spent",
    ]
    database_of_state.execute_sql("DROP TABLE wabot_model_usage")
    main(["status", "--config", str(file)])
    assert "  all models: 0 of 500 calls today" in capsys.readouterr().out
