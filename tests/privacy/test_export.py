from __future__ import annotations

import json

from tests.support.arrivals import NOON, arrival
from tests.support.known_people import ANA_WAITS, EVA_WAITS, OWNER, tell_owner_about
from wabot.config.phone_numbers import parse_address
from wabot.config.settings import Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.database.models import Inbound
from wabot.inbound.reception import reception_of
from wabot.privacy.export import export


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
