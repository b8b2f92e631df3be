from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.existing_schema import add_user, create_application
from tests.support.janitor_runs import NOW, OLD, PHANTOM, run, told
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Inbound, ModelUsage, Outbound, Session
from wabot.janitor.sweep import ActionKind


def test_old_history_goes_in_batches(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    long_ago = NOW - timedelta(days=91)
    chats = [_chat(f"{number}", long_ago) for number in range(3)]
    for number in range(1200):
        _message(chats[0], f"old{number}", long_ago, "answered")
    _message(chats[1], "new", NOW - timedelta(days=89), "answered")
    _reply(chats[0], long_ago, "sent")
    _reply(chats[1], long_ago, "dead")
    _reply(chats[1], NOW, "pending")
    outcome, actions = run(settings, application)
    lines = sorted(str(action) for action in actions if action.kind is ActionKind.HISTORY_DELETED)
    assert lines == [
        "deleted history 1200 rows of wabot_inbox: older than 90 days",
        "deleted history 2 rows of wabot_chats: older than 90 days, and without messages",
        "deleted history 2 rows of wabot_outbox: older than 90 days",
    ]
    assert (outcome.after["inbox"], outcome.after["outbox"], outcome.after["chats"]) == (1, 1, 1)
    assert [
        action for action in run(settings, application)[1] if action.kind is ActionKind.HISTORY_DELETED
    ] == []


def test_old_counts_of_the_models_go(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    for days in (0, 89, 91, 400):
        day = (NOW - timedelta(days=days)).date().isoformat()
        ModelUsage.create(user_id="ana", day=day, provider="gpt")
    run(settings, application, apply=False)
    assert ModelUsage.select().count() == 4
    run(settings, application)
    kept = [usage.day for usage in ModelUsage.select().order_by(ModelUsage.day)]
    assert kept == ["2026-08-25", "2026-11-22"]


def test_open_messages_are_kept_for_a_bot_that_may_come_back(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    short = dataclasses.replace(settings, janitor=dataclasses.replace(settings.janitor, history_days=1))
    chat = _chat("1", OLD)
    _message(chat, "open", OLD, "pending")
    _reply(chat, OLD, "sending")
    run(short, application)
    assert (Inbound.select().count(), Outbound.select().count()) == (1, 1)
    run(short, application, now=NOW + timedelta(days=28))
    assert (Inbound.select().count(), Outbound.select().count(), Chat.select().count()) == (0, 0, 0)


def test_wishes_of_customers_outlive_their_messages(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    long_ago = NOW - timedelta(days=400)
    wishes: dict[str, dict[str, Any]] = {
        "opted out": {"opted_out_at": long_ago},
        "paused": {"pause_reason": "owner"},
        "paused for long": {"pause_reason": "owner", "paused_until": NOW + timedelta(days=1)},
        "was paused": {"pause_reason": "owner", "paused_until": NOW - timedelta(days=1)},
        "was told": {"away_at": long_ago},
    }
    for contact, wish in wishes.items():
        Chat.create(user_id="ana", contact=contact, jid=contact, created_at=long_ago, **wish)
    run(settings, application)
    assert {chat.contact for chat in Chat.select()} == {"opted out", "paused", "paused for long"}


def test_the_record_of_a_user_that_is_gone_goes(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    for user_id in ("ana", PHANTOM):
        Session.insert(user_id=user_id, updated_at=NOW).execute()
    _, actions = run(settings, application)
    assert told(actions) == {(ActionKind.ROW_DELETED, PHANTOM)}
    assert [row.user_id for row in Session.select()] == ["ana"]


def test_free_pages_go_back_to_the_file_system(sqlite_url: str, tmp_path: Path) -> None:
    database = open_database(sqlite_url)
    migrate(database)
    create_application(database)
    add_user(database, "ana")
    chat = _chat("1", NOW)
    for number in range(500):
        _message(chat, str(number), NOW - timedelta(days=91), "answered", text="x" * 3000)
    file = tmp_path / "wabot.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n[database]\nurl = "{sqlite_url}"\n')
    _, actions = run(load_settings(file, {}), database)
    assert ActionKind.SPACE_FREED in {action.kind for action in actions}
    assert database.execute_sql("PRAGMA freelist_count").fetchone() == (0,)
    assert run(load_settings(file, {}), database)[1] == []
    database.close()


def _chat(contact: str, created_at: datetime) -> Chat:
    return Chat.create(user_id="ana", contact=contact, jid=f"{contact}@s.whatsapp.net", created_at=created_at)


def _message(chat: Chat, message_id: str, at: datetime, state: str, text: str = "hello") -> None:
    Inbound.insert(
        user_id="ana",
        chat=chat,
        jid=chat.jid,
        message_id=message_id,
        sender="1",
        kind="text",
        text=text,
        sent_at=at,
        received_at=at,
        state=state,
    ).execute()


def _reply(chat: Chat, at: datetime, state: str) -> None:
    Outbound.insert(
        user_id="ana", chat=chat, text="hi", state=state, secret=b"x" * 32, created_at=at, not_before=at
    ).execute()
