from __future__ import annotations

import json

from tests.support.arrivals import NOON, arrival
from tests.support.known_people import ANA_WAITS, EVA_WAITS, OWNER, tell_owner_about
from wabot.config.phone_numbers import parse_address
from wabot.config.settings import MediaSettings, Settings
from wabot.conversation.files.incoming_files import IncomingFiles
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.database.models import Inbound, ReceivedFile
from wabot.inbound.reception import reception_of
from wabot.inbound.spool import Spool, Spooled
from wabot.privacy.export import export
from wabot.whatsapp.messages import Attachment, MessageKind


def test_export_has_everything_and_nothing_of_others(settings: Settings, people: Inbox) -> None:
    Inbound.update(state="owner").where(Inbound.text == "hidden").execute()
    tell_owner_about("34600111222", "34911222333")
    found = export(settings, parse_address("+34600111222"))
    text = json.dumps(found)
    (chat,) = found["chats"]
    assert (chat["phone"], chat["lid"], chat["name"]) == ("34600111222", "299000111222", "Ana")
    assert [(message["direction"], message["text"]) for message in chat["messages"]] == [
        ("in", "my secret"),
        ("owner", "hidden"),
        ("out", "answer"),
    ]
    assert chat["messages"][0]["at"] == "2026-11-22T12:00:00Z"
    assert [message["text"] for message in found["in_groups"]] == ["Ana in the group"]
    assert found["told_to_owner"] == [ANA_WAITS]
    assert "Eva" not in text
    assert "salon" not in text


def test_what_the_owner_ordered_in_a_chat_is_not_shown_as_the_customers(
    settings: Settings, people: Inbox
) -> None:
    order = arrival("#bot off", from_me=True, sender="34999888777@s.whatsapp.net", phone="34600111222")
    reception_of(settings, people, Outbox("shop")).receive(order, NOON)
    (chat,) = export(settings, parse_address("+34600111222"))["chats"]
    assert ("owner", "#bot off") in [(each["direction"], each["text"]) for each in chat["messages"]]


def test_export_of_nobody_is_empty(settings: Settings) -> None:
    assert export(settings, parse_address("34999888777"))["chats"] == []


def test_the_owners_own_chat_shows_what_they_were_told(settings: Settings, people: Inbox) -> None:
    tell_owner_about("34600111222", "34911222333")
    (chat,) = export(settings, parse_address(OWNER))["chats"]
    assert [message["text"] for message in chat["messages"]] == [f"{ANA_WAITS}\n{EVA_WAITS}"]


def test_a_file_is_named_with_what_a_machine_heard_in_it(settings: Settings) -> None:
    said = Attachment("audio/ogg", "", 4000, 7, True, "https://secret/", "/secret", "abcd", "11", "22")
    voice = arrival("", kind=MessageKind.AUDIO, attachment=said)
    files = IncomingFiles(ReceivedFiles("shop"), MediaSettings(), hears=True)
    reception_of(settings, Inbox("shop"), Outbox("shop"), files=files).receive(voice, NOON)
    settings.session_directory.mkdir(parents=True)
    Spool(settings.spool).append(Spooled(arrival("", kind=MessageKind.AUDIO, attachment=said), NOON))
    ReceivedFile.update(state="understood", text="¿tienen tazas?", author="whisper").execute()
    found = export(settings, parse_address("+34600111222"))
    (message,) = found["chats"][0]["messages"]
    what = {"mimetype": "audio/ogg", "file_name": "", "size_bytes": 4000, "seconds": 7}
    heard = {"kind": "audio", "state": "understood", "reason": "", "text": "¿tienen tazas?"}
    assert message["file"] == {**what, **heard, "author": "whisper"}
    assert found["on_disk"][0]["file"] == what
    assert "secret" not in json.dumps(found) and "abcd" not in json.dumps(found)
