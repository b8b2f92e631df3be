from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.arrivals import ANA, ANA_LID, GROUP, NOON, later
from wabot.gate import Candidate, objection
from wabot.messages import Kind
from wabot.settings import ChatSettings, Settings

ANAS = Candidate(jid=ANA, phone="34600111222", lid="299000111222", kind=Kind.TEXT, text="hi", sent_at=NOON)


def said_against(chats: ChatSettings | None = None, seconds: float = 0, **changes: Any) -> str:
    return objection(replace(ANAS, **changes), Settings(chats=chats or ChatSettings()), later(seconds))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"jid": ANA_LID}, ""),
        ({"text": ""}, ""),
        ({"kind": Kind.IMAGE}, ""),
        ({"kind": Kind.AUDIO}, ""),
        ({"kind": Kind.REACTION}, "nothing said"),
        ({"kind": Kind.PROTOCOL}, "nothing said"),
        ({"kind": Kind.OTHER}, "nothing said"),
        ({"jid": "status@broadcast"}, "not a conversation"),
        ({"jid": "1400000000@broadcast"}, "not a conversation"),
        ({"jid": "120363@newsletter"}, "not a conversation"),
        ({"jid": ""}, "not a conversation"),
        ({"jid": GROUP, "phone": "", "lid": ""}, "group"),
    ],
)
def test_what_is_answered_by_default(changes: dict[str, Any], reason: str) -> None:
    assert said_against(**changes) == reason


@pytest.mark.parametrize(
    ("groups", "mentioned", "reason"),
    [
        ("off", True, "group"),
        ("mention", False, "group, not mentioned"),
        ("mention", True, ""),
        ("all", False, ""),
    ],
)
def test_groups(groups: str, mentioned: bool, reason: str) -> None:
    chats = ChatSettings(groups=groups)
    found = said_against(chats, jid=GROUP, phone="", lid="", mentions_account=mentioned)
    assert found == reason


@pytest.mark.parametrize(
    "pattern",
    [
        "34600111222",
        "+34600111222",
        "+34 600 111 222",
        "34600*",
        "299000111222",
        ANA,
        "*@s.whatsapp.net",
        "*",
    ],
)
def test_a_customer_is_named_by_any_of_their_addresses(pattern: str) -> None:
    assert said_against(ChatSettings(deny=(pattern,))) == "denied"
    assert said_against(ChatSettings(deny=(pattern,)), jid=ANA_LID, kind=Kind.IMAGE) == (
        "" if pattern in (ANA, "*@s.whatsapp.net") else "denied"
    )
    assert said_against(ChatSettings(allow=(pattern,))) == ""


@pytest.mark.parametrize("pattern", ["34600111", "600111222", "34911*", "299", "", "+", "[", "34600111222 x"])
def test_nobody_is_named_by_a_part_of_a_number(pattern: str) -> None:
    assert said_against(ChatSettings(deny=(pattern,))) == ""
    assert said_against(ChatSettings(allow=(pattern,))) == "not on the allow list"


def test_to_be_denied_outweighs_to_be_allowed() -> None:
    assert said_against(ChatSettings(allow=("34*",), deny=("34600*",))) == "denied"


def test_a_group_may_be_allowed_by_its_address() -> None:
    chats = ChatSettings(groups="all", allow=(GROUP,))
    assert said_against(chats, jid=GROUP, phone="", lid="") == ""
    assert said_against(chats) == "not on the allow list"


@pytest.mark.parametrize(
    ("seconds", "reason"), [(-3600, ""), (0, ""), (900, ""), (900.1, "too old"), (1e9, "too old")]
)
def test_an_old_message_is_not_answered(seconds: float, reason: str) -> None:
    assert said_against(seconds=seconds) == reason


@given(st.text(), st.text(), st.text(), st.text(), st.lists(st.text(), max_size=5))
def test_no_address_and_no_pattern_breaks_the_gate(
    jid: str, phone: str, lid: str, text: str, patterns: list[str]
) -> None:
    chats = ChatSettings(groups="all", allow=tuple(patterns), deny=tuple(patterns))
    assert said_against(chats, jid=jid, phone=phone, lid=lid, text=text) in (
        *("", "not a conversation", "denied", "not on the allow list"),
    )
