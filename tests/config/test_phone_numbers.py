from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.arrivals import ANA, ANA_LID, GROUP, NOON, arrival
from wabot.config.phone_numbers import ChatAddress, parse_address, spellings
from wabot.conversation.chats import find_chats, find_or_make_chat
from wabot.conversation.inbox import Inbox
from wabot.database.models import Chat
from wabot.errors import UsageError

PHONE = ChatAddress(phone="34600111222")


@pytest.mark.parametrize(
    ("text", "address", "jid"),
    [
        ("34600111222", PHONE, ANA),
        ("+34600111222", PHONE, ANA),
        (" +34 600-11.12 22 ", PHONE, ANA),
        ("0034600111222", PHONE, ANA),
        ("+1 (555) 010-9999", ChatAddress(phone="15550109999"), "15550109999@s.whatsapp.net"),
        ("+34 (0)600 111 222", PHONE, ANA),
        ("00 34 600\u00a0111\u2011222", PHONE, ANA),
        ("\u202a+34 600 111 222\u202c", PHONE, ANA),
        ("＋３４６００１１１２２２", PHONE, ANA),
        ("34600111222@c.us", PHONE, ANA),
        (ANA, PHONE, ANA),
        ("34600111222:7@s.whatsapp.net", PHONE, ANA),
        ("34600111222.0:7@s.whatsapp.net", PHONE, ANA),
        (ANA_LID, ChatAddress(lid="299000111222"), ANA_LID),
        (GROUP, ChatAddress(group=GROUP), GROUP),
        ("34600111222-1400000000@g.us", ChatAddress(group="34600111222-1400000000@g.us"), None),
    ],
)
def test_what_names_a_chat(text: str, address: ChatAddress, jid: str | None) -> None:
    assert parse_address(text) == address
    assert jid is None or address.jid == jid


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("+44 07911 123456", "447911123456"),
        ("+49 0151 23456789", "4915123456789"),
        ("+55 (031) 99688-3193", "5531996883193"),
        ("+52 044 55 1234 5678", "525512345678"),
        ("+52 01 55 1234 5678", "525512345678"),
        ("+54 11 15-2345-6789", "541123456789"),
        ("+54 9 351 15 234-5678", "5493512345678"),
        ("+54 0351 15 234-5678", "543512345678"),
        ("+39 06 1234 5678", "390612345678"),
        ("+225 07 12 34 56 78", "2250712345678"),
    ],
)
def test_what_is_dialled_within_a_country_is_no_part_of_a_number(text: str, phone: str) -> None:
    assert parse_address(text).phone == phone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "ana",
        "123",
        "0600111222",
        "+0034600111222",
        "@s.whatsapp.net",
        "34600111222@",
        "1234567@example.com",
        "x@lid",
        "9" * 30,
    ],
)
def test_what_names_none(text: str) -> None:
    with pytest.raises(UsageError, match="names no chat"):
        parse_address(text)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_mistake(text: str) -> None:
    try:
        address = parse_address(text)
    except UsageError:
        return
    assert parse_address(address.jid) == address


@pytest.mark.parametrize(
    ("one", "other"),
    [("5531996883193", "553196883193"), ("5215512345678", "525512345678"), ("5491123456789", "541123456789")],
)
def test_a_number_with_two_spellings_stands_for_both(one: str, other: str) -> None:
    assert spellings(one) == spellings(other) == {one, other}


@pytest.mark.parametrize(
    "digits",
    [
        "34600111222",
        "552133334444",
        "15215512345",
        "5531996883193000",
        "52155123456",
        "393491123456",
        "5490000000000",
    ],
)
def test_other_numbers_have_one_spelling(digits: str) -> None:
    assert spellings(digits) == {digits}


@given(st.from_regex(r"[1-9][0-9]{4,15}", fullmatch=True))
def test_the_spellings_of_a_number_are_each_others(digits: str) -> None:
    assert digits in spellings(digits)
    assert {spellings(each) for each in spellings(digits)} == {spellings(digits)}


def test_a_chat_is_found_by_any_of_its_addresses(database: Any) -> None:
    hidden = arrival(chat=ANA_LID, phone="34600111222", lid="299000111222")
    chat_id = Inbox("shop").store(hidden, NOON)
    for text in ("+34600111222", ANA, ANA_LID):
        assert [chat.id for chat in find_chats("shop", parse_address(text))] == [chat_id]
    Inbox("shop").store(arrival(phone="34600111222", lid="299000111222"), NOON)
    assert [chat.id for chat in find_chats("shop", parse_address(ANA_LID))] == [chat_id]
    assert find_chats("shop", parse_address("34911222333")) == []
    assert find_chats("salon", PHONE) == []


def test_a_chat_can_be_made_before_anybody_wrote(database: Any) -> None:
    chat = find_or_make_chat("shop", PHONE, NOON)
    assert find_or_make_chat("shop", PHONE, NOON).id == chat.id
    hidden = arrival(chat=ANA_LID, phone="34600111222", lid="299000111222")
    assert Inbox("shop").store(hidden, NOON) == chat.id
    assert Chat.select().count() == 1
