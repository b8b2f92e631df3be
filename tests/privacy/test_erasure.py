from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.arrivals import ANA, ANA_LID, GROUP, NOON, arrival, later
from tests.support.known_people import ANA_WAITS, EVA, EVA_WAITS, tell_owner_about
from wabot.config.phone_numbers import parse_address
from wabot.config.settings import Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.owner_chat import text_of
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile
from wabot.inbound.spool import Spool, Spooled, read_spool
from wabot.privacy.erasure import forget
from wabot.privacy.export import export
from wabot.session.lock import SessionLock
from wabot.whatsapp.store import COPY

SCHEMA = """
    CREATE TABLE whatsmeow_contacts (our_jid TEXT, their_jid TEXT, push_name TEXT);
    CREATE TABLE whatsmeow_message_secrets (our_jid TEXT, chat_jid TEXT, sender_jid TEXT, message_id TEXT);
    CREATE TABLE whatsmeow_sessions (our_jid TEXT, their_id TEXT, session BLOB);
    CREATE TABLE whatsmeow_identity_keys (our_jid TEXT, their_id TEXT, identity BLOB);
    CREATE TABLE whatsmeow_lid_map (lid TEXT, pn TEXT);
    CREATE TABLE whatsmeow_privacy_tokens (our_jid TEXT, their_jid TEXT, token BLOB);
"""


KEYS = ("whatsmeow_sessions", "whatsmeow_identity_keys", "whatsmeow_lid_map", "whatsmeow_privacy_tokens")


NAMES = ("whatsmeow_contacts", "whatsmeow_message_secrets")


def make_store(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as store, store:
        store.executescript(SCHEMA)
        for jid, session in ((ANA, "34600111222:0"), (ANA_LID, "299000111222_1:7"), (EVA, "34911222333:0")):
            store.execute("INSERT INTO whatsmeow_contacts VALUES ('me', ?, 'name')", (jid,))
            store.execute("INSERT INTO whatsmeow_message_secrets VALUES ('me', ?, ?, '3A')", (jid, jid))
            store.execute("INSERT INTO whatsmeow_sessions VALUES ('me', ?, 'x')", (session,))
            store.execute("INSERT INTO whatsmeow_identity_keys VALUES ('me', ?, 'x')", (session,))
            store.execute("INSERT INTO whatsmeow_privacy_tokens VALUES ('me', ?, 'x')", (jid,))
        store.execute("INSERT INTO whatsmeow_message_secrets VALUES ('me', ?, ?, '3B')", (GROUP, ANA_LID))
        store.execute("INSERT INTO whatsmeow_lid_map VALUES ('299000111222', '34600111222')")
        store.execute("INSERT INTO whatsmeow_lid_map VALUES ('1', '34911222333')")


def counts(path: Path, tables: tuple[str, ...]) -> list[int]:
    with closing(sqlite3.connect(path)) as store:
        return [store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


@pytest.mark.parametrize("address", ["+34600111222", ANA, ANA_LID])
def test_forget_erases_one_person_everywhere_and_nobody_else(
    settings: Settings, people: Inbox, address: str
) -> None:
    make_store(settings.session_store)
    moved = settings.quarantine / "old" / "whatsapp.db"
    make_store(moved)
    copies = [settings.session_directory / COPY, settings.quarantine / "old" / COPY]
    for copy in copies:
        make_store(copy)
    tell_owner_about("34600111222", "34911222333")
    erased = forget(settings, parse_address(address), everything=False)
    assert (erased.chats, erased.received, erased.sent, erased.in_groups, erased.to_owner) == (1, 2, 1, 1, 1)
    assert sorted(row.text for row in Inbound) == ["Eva in the group", "Eva's", "to the salon"]
    assert sorted(map(text_of, Outbound)) == ["answer", "answer", EVA_WAITS]
    assert sorted(chat.user_id for chat in Chat.select().where(Chat.phone == "34600111222")) == ["salon"]
    for store in (settings.session_store, moved, *copies):
        assert counts(store, NAMES + KEYS) == [1, 1, 1, 1, 1, 1]
        assert b"299000111222" not in store.read_bytes()
    assert not erased.store.keys_kept
    assert erased.sentences() == [
        "erased: 1 chat(s), 2 message(s) received, 1 sent, 1 in groups, 1 text(s) to you about them, "
        "48 row(s) of the client library"
    ]
    again = forget(settings, parse_address(address), everything=False)
    assert (again.chats, again.received, again.sent) == (0, 0, 0)


def test_a_changed_name_is_forgotten_and_a_namesake_is_not(settings: Settings) -> None:
    inbox = Inbox("shop")
    for chat, phone in ((ANA, "34600111222"), (EVA, "34911222333")):
        inbox.store(arrival(chat=chat, phone=phone, name="Ana"), NOON)
    tell_owner_about("34600111222", "34911222333")
    inbox.store(arrival(name="Anita"), later(1))
    assert export(settings, parse_address(ANA))["told_to_owner"] == [ANA_WAITS]
    assert forget(settings, parse_address(ANA), everything=True).to_owner == 1
    assert export(settings, parse_address(EVA))["told_to_owner"] == [ANA_WAITS]
    assert [text_of(row) for row in Outbound] == [ANA_WAITS]


def test_what_was_told_of_somebody_who_is_remembered_as_opted_out_goes_too(settings: Settings) -> None:
    Inbox("shop").store(arrival(), NOON)
    tell_owner_about("34600111222")
    Chat.update(opted_out_at=NOON).where(Chat.name == "Ana").execute()
    assert forget(settings, parse_address(ANA), everything=False).opt_out_kept
    assert not Outbound.select().exists()


def test_messages_on_the_disk_are_a_persons_as_well(settings: Settings, people: Inbox) -> None:
    moved = settings.quarantine / "old" / "session" / "spool"
    for file in (settings.spool, moved):
        file.parent.mkdir(parents=True)
        spool = Spool(file)
        for message in (
            arrival("waits", lid="299000111222"),
            arrival("Eva waits", chat=EVA, phone="34911222333"),
            arrival("Ana waits in the group", chat=GROUP, phone="", sender=ANA_LID),
            arrival("the owner to Ana", sender="34999888777@s.whatsapp.net", from_me=True),
        ):
            spool.append(Spooled(message, NOON))
    found = export(settings, parse_address(ANA))["on_disk"]
    assert [(each["text"], each["direction"]) for each in found] == [
        ("waits", "in"),
        ("Ana waits in the group", "in"),
        ("the owner to Ana", "owner"),
    ]
    assert json.dumps(found)
    assert forget(settings, parse_address(ANA), everything=False).received == 2 + 6
    for file in (settings.spool, moved):
        assert [spooled.message.text for spooled in read_spool(file)] == ["Eva waits"]
        assert b"299000111222" not in file.read_bytes()
    assert export(settings, parse_address(ANA))["on_disk"] == []


@pytest.mark.parametrize(
    ("unit", "stop"),
    [("wabot@north.service", "sudo systemctl stop wabot@north.service"), (None, "kill PID")],
)
def test_keys_that_a_running_bot_uses_stay(
    settings: Settings, people: Inbox, monkeypatch: pytest.MonkeyPatch, unit: str | None, stop: str
) -> None:
    monkeypatch.setattr("wabot.session.lock.own_unit", lambda: unit)
    make_store(settings.session_store)
    with SessionLock(settings.session_lock).acquire(0):
        erased = forget(settings, parse_address(ANA), everything=False)
    assert counts(settings.session_store, NAMES) == [1, 1]
    assert counts(settings.session_store, KEYS) == [3, 3, 2, 3]
    assert erased.sentences()[-1] == (
        "kept: their encryption keys, because the bot is running; "
        f"stop it first: {stop.replace('PID', str(os.getpid()))}, then repeat this command to erase them"
    )


def test_who_asked_not_to_be_written_to_is_remembered_for_that(settings: Settings, people: Inbox) -> None:
    Chat.update(opted_out_at=NOON, pause_reason="the owner wrote").where(Chat.name == "Ana").execute()
    erased = forget(settings, parse_address(ANA), everything=False)
    assert (erased.chats, erased.opt_out_kept) == (0, True)
    assert erased.sentences()[-1].startswith("kept: the number, because they asked not to be written to")
    chat = Chat.get(Chat.phone == "34600111222", Chat.user_id == "shop")
    assert (chat.name, chat.pause_reason, chat.opted_out_at) == ("", "", NOON)
    assert Inbound.select().where(Inbound.chat == chat.id).count() == 0
    assert people.store(arrival("again"), NOON) == chat.id
    forget(settings, parse_address(ANA), everything=True)
    assert Chat.select().where(Chat.phone == "34600111222", Chat.user_id == "shop").count() == 0


def test_a_group_can_be_forgotten_too(settings: Settings, people: Inbox) -> None:
    erased = forget(settings, parse_address(GROUP), everything=False)
    assert (erased.chats, erased.received) == (1, 2)
    assert Inbound.select().where(Inbound.jid == GROUP).count() == 0


def test_files_go_with_their_messages(settings: Settings, people: Inbox) -> None:
    places = (settings.media_directory, settings.quarantine / "old" / "session" / "media")
    paths = {}
    for row in Inbound.select():
        file = ReceivedFile.create(
            user_id="shop", message=row, kind="audio", state="fetched", text=row.text, not_before=NOON
        )
        paths[row.text] = [place / name for place in places for name in (f"{file.id}", f"{file.id}.part")]
        for path in paths[row.text]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"spoken")
    forget(settings, parse_address(ANA), everything=False)
    left = {"Eva in the group", "Eva's", "to the salon"}
    assert {row.text for row in ReceivedFile.select()} == left
    for text, each in paths.items():
        assert [path.exists() for path in each] == [text in left] * 4
