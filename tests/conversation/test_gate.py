"""Every rule of the gate, and their order."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.config.settings import AccountSettings, AiSettings, ChatSettings, ReplySettings
from wabot.conversation.gate import (
    ANSWER_RULES,
    ARRIVAL_RULES,
    Burst,
    Candidate,
    Rules,
    Verdict,
    before_answering,
    on_arrival,
)
from wabot.whatsapp.messages import MessageKind

NOON = datetime(2026, 11, 23, 12)  # a Monday
ANA = "34600111222@s.whatsapp.net"
ANA_LID = "299000111222@lid"
ANA_NAMES = frozenset({ANA, "34600111222", ANA_LID, "299000111222"})
GROUP = "120363041234567890@g.us"
GROUP_NAMES = ANA_NAMES | {GROUP, "120363041234567890"}


def rules(timezone: str = "UTC", max_age: float = 900.0, **chats: Any) -> Rules:
    account, replies = AccountSettings(timezone=timezone), ReplySettings(max_age_seconds=max_age)
    return Rules.of(account, AiSettings(), replies, ChatSettings(**chats))


def message(text: str = "hola", **changes: Any) -> Candidate:
    fields: dict[str, Any] = {
        "jid": ANA,
        "addresses": ANA_NAMES,
        "kind": MessageKind.TEXT,
        "text": text,
        "sent_at": NOON,
    }
    return Candidate(**{**fields, **changes})


def in_group(text: str = "hola", **changes: Any) -> Candidate:
    return message(text, **{"jid": GROUP, "addresses": GROUP_NAMES, **changes})


def burst(*texts: str, **changes: Any) -> Burst:
    return Burst(texts or ("hola",), **changes)


# One message: (the message, the settings, what is done, why)

ARRIVALS: list[tuple[Candidate, dict[str, Any], Verdict, str]] = [
    (message(), {}, Verdict.ANSWER, ""),
    (message(jid=ANA_LID), {}, Verdict.ANSWER, ""),
    (message("", kind=MessageKind.IMAGE), {}, Verdict.ANSWER, ""),
    (message("", kind=MessageKind.AUDIO), {}, Verdict.ANSWER, ""),
    # own echoes
    (message(from_me=True, own_echo=True), {}, Verdict.IGNORE, "own echo"),
    # not a conversation
    (message(jid="status@broadcast"), {}, Verdict.IGNORE, "not a conversation"),
    (message(jid="123@newsletter"), {}, Verdict.IGNORE, "not a conversation"),
    (message(jid="123@broadcast"), {}, Verdict.IGNORE, "not a conversation"),
    (message(jid="123@bot"), {}, Verdict.IGNORE, "not a conversation"),
    (message(jid="0@s.whatsapp.net"), {}, Verdict.IGNORE, "not a conversation"),
    (message(jid="s.whatsapp.net"), {}, Verdict.IGNORE, "not a conversation"),
    (message(jid="status@broadcast", from_me=True), {}, Verdict.IGNORE, "not a conversation"),
    # the owner's commands
    (message("#bot off", from_me=True), {}, Verdict.PAUSE, "the owner's command"),
    (message(" #BOT  on", from_me=True), {}, Verdict.RESUME, "the owner's command"),
    (message("#bot status", from_me=True), {}, Verdict.TELL_STATUS, "the owner's command"),
    (message("#bot off", from_me=True, kind=MessageKind.EDIT), {}, Verdict.PAUSE, "the owner's command"),
    (message("calla", from_me=True), {"pause_words": ("calla",)}, Verdict.PAUSE, "the owner's command"),
    (message("#bot off", from_me=True, to_self=True), {}, Verdict.TELL_PAUSED, "the owner's command"),
    (in_group("#bot off", from_me=True), {"groups": "mention"}, Verdict.PAUSE, "the owner's command"),
    (message("#bot off"), {}, Verdict.ANSWER, ""),
    (message("#bot off", from_me=True, kind=MessageKind.IMAGE), {}, Verdict.HAND_OVER, "the owner wrote"),
    # notes to self
    (message("milk", from_me=True, to_self=True), {}, Verdict.IGNORE, "the owner's own notes"),
    # groups
    (in_group(), {}, Verdict.IGNORE, "group"),
    (in_group(mentions_account=True), {}, Verdict.IGNORE, "group"),
    (in_group(), {"groups": "mention"}, Verdict.IGNORE, "group, not mentioned"),
    (in_group(mentions_account=True), {"groups": "mention"}, Verdict.ANSWER, ""),
    (in_group(), {"groups": "all"}, Verdict.ANSWER, ""),
    (in_group(from_me=True), {"groups": "all"}, Verdict.HAND_OVER, "the owner wrote"),
    (in_group(from_me=True), {"groups": "mention"}, Verdict.IGNORE, "group, not mentioned"),
    # deny and allow, by phone number, by hidden id, by JID, with wildcards
    (message(), {"deny": ("34600111222",)}, Verdict.IGNORE, "denied"),
    (message(), {"deny": ("+34 600 111 222",)}, Verdict.IGNORE, "denied"),
    (message(jid=ANA_LID), {"deny": ("+34600111222",)}, Verdict.IGNORE, "denied"),
    (message(), {"deny": ("299000111222@lid",)}, Verdict.IGNORE, "denied"),
    (message(), {"deny": ("34600*",)}, Verdict.IGNORE, "denied"),
    (message(), {"deny": ("*@lid",)}, Verdict.IGNORE, "denied"),
    (message(), {"deny": ("346001112", "600111222", "34600111223")}, Verdict.ANSWER, ""),
    (message(), {"deny": ("34600[0-9]*", "?4600111222")}, Verdict.ANSWER, ""),
    (in_group(), {"groups": "all", "deny": ("34600111222",)}, Verdict.IGNORE, "denied"),
    (in_group(), {"groups": "all", "deny": ("*@g.us",)}, Verdict.IGNORE, "denied"),
    (message(), {"allow": ("34600111222",)}, Verdict.ANSWER, ""),
    (message(jid=ANA_LID), {"allow": ("34600111222",)}, Verdict.ANSWER, ""),
    (message(), {"allow": ("299*",)}, Verdict.ANSWER, ""),
    (message(), {"allow": ("34999",)}, Verdict.IGNORE, "not on the allow list"),
    (message(), {"allow": ("346*",), "deny": ("34600111222",)}, Verdict.IGNORE, "denied"),
    (in_group(), {"groups": "all", "allow": (GROUP,)}, Verdict.ANSWER, ""),
    # what says nothing
    (message("👍", kind=MessageKind.REACTION), {}, Verdict.IGNORE, "nothing to answer (reaction)"),
    (message("x", kind=MessageKind.EDIT), {}, Verdict.IGNORE, "nothing to answer (edit)"),
    (message("", kind=MessageKind.REVOKE), {}, Verdict.IGNORE, "nothing to answer (revoke)"),
    (message("", kind=MessageKind.MARK), {}, Verdict.IGNORE, "nothing to answer (mark)"),
    (message("x", kind=MessageKind.EDIT, from_me=True), {}, Verdict.IGNORE, "nothing to answer (edit)"),
    (message("", kind=MessageKind.OTHER), {}, Verdict.ANSWER, ""),
    (message("", kind=MessageKind.OTHER, from_me=True), {}, Verdict.HAND_OVER, "the owner wrote"),
    (
        message("👍", kind=MessageKind.REACTION, from_me=True),
        {},
        Verdict.IGNORE,
        "nothing to answer (reaction)",
    ),
    # the owner writes
    (message("le llamo", from_me=True), {}, Verdict.HAND_OVER, "the owner wrote"),
    (message("", from_me=True, kind=MessageKind.AUDIO), {}, Verdict.HAND_OVER, "the owner wrote"),
    (message("baja", from_me=True), {}, Verdict.HAND_OVER, "the owner wrote"),
    (message("x", from_me=True, sent_at=NOON - timedelta(hours=9)), {}, Verdict.HAND_OVER, "the owner wrote"),
    # opting out and in
    (message("BAJA"), {}, Verdict.OPT_OUT, "opted out"),
    (message("¡Stop!"), {}, Verdict.OPT_OUT, "opted out"),
    (message("¿cuánto cuesta la baja?"), {}, Verdict.ANSWER, ""),
    (message("baja"), {"opt_out_words": ()}, Verdict.ANSWER, ""),
    (message("stop", kind=MessageKind.IMAGE), {}, Verdict.OPT_OUT, "opted out"),
    (message("BAJA", kind=MessageKind.EDIT), {}, Verdict.OPT_OUT, "opted out"),
    (message("ALTA", kind=MessageKind.EDIT, opted_out=True), {}, Verdict.OPT_IN, "opted in"),
    (message("hola", kind=MessageKind.EDIT, opted_out=True), {}, Verdict.IGNORE, "opted out"),
    (in_group("stop"), {"groups": "all"}, Verdict.ANSWER, ""),
    (message("baja", sent_at=NOON - timedelta(hours=9)), {}, Verdict.OPT_OUT, "opted out"),
    (message("alta"), {}, Verdict.ANSWER, ""),
    (message("alta", opted_out=True), {}, Verdict.OPT_IN, "opted in"),
    (message("Start.", opted_out=True), {}, Verdict.OPT_IN, "opted in"),
    (message("hola", opted_out=True), {}, Verdict.IGNORE, "opted out"),
    (message("baja", opted_out=True), {}, Verdict.IGNORE, "opted out"),
    # age
    (message(sent_at=NOON - timedelta(seconds=900)), {}, Verdict.ANSWER, ""),
    (message(sent_at=NOON - timedelta(seconds=901)), {}, Verdict.MISSED, "too old"),
    (message(sent_at=NOON + timedelta(hours=5)), {}, Verdict.ANSWER, ""),
]


@pytest.mark.parametrize(("candidate", "chats", "action", "reason"), ARRIVALS)
def test_a_message_that_arrives(
    candidate: Candidate, chats: dict[str, Any], action: Verdict, reason: str
) -> None:
    decision = on_arrival(candidate, rules(**chats), NOON)
    assert (decision.action, decision.reason) == (action, reason)


def test_the_text_of_what_is_no_business_of_the_bot_is_not_kept() -> None:
    strangers = [
        on_arrival(message(jid="status@broadcast"), rules(), NOON),
        on_arrival(message(from_me=True, to_self=True), rules(), NOON),
        on_arrival(in_group(), rules(), NOON),
        on_arrival(message(), rules(deny=("*",)), NOON),
        on_arrival(message(), rules(allow=("1",)), NOON),
    ]
    assert not any(decision.keeps_text for decision in strangers)
    kept = [
        message(),
        message(from_me=True),
        message(opted_out=True),
        message("👍", kind=MessageKind.REACTION),
    ]
    assert all(on_arrival(candidate, rules(), NOON).keeps_text for candidate in kept)


@pytest.mark.parametrize("pattern", ["34600111", "600111222", "34911*", "299", "", "+", "[", "34600111222 x"])
def test_nobody_is_named_by_a_part_of_a_number(pattern: str) -> None:
    assert on_arrival(message(), rules(deny=(pattern,)), NOON).action is Verdict.ANSWER
    assert on_arrival(message(), rules(allow=(pattern,)), NOON).reason == "not on the allow list"


# A chat: (what is known of it, the settings, what is done, why)

KEYWORD = {"trigger_type": "keyword", "trigger_values": ("precio",)}
OFFICE = {"business_hours": ("mon-fri 13:00-18:00",)}
MORNING = {"business_hours": ("mon-fri 09:00-12:00",)}

BURSTS: list[tuple[Burst, dict[str, Any], Verdict, str]] = [
    (burst(), {}, Verdict.ANSWER, ""),
    (burst(opted_out=True), {}, Verdict.IGNORE, "opted out"),
    (burst(pause="the owner wrote"), {}, Verdict.IGNORE, "paused: the owner wrote"),
    # begun by a word
    (burst("hola"), KEYWORD, Verdict.IGNORE, "nothing began the chat"),
    (burst("hola", "¿precio?"), KEYWORD, Verdict.ANSWER, ""),
    (burst("hola", last_answer_at=NOON - timedelta(hours=4)), KEYWORD, Verdict.ANSWER, ""),
    (burst(last_answer_at=NOON - timedelta(hours=5)), KEYWORD, Verdict.IGNORE, "nothing began the chat"),
    (
        burst(last_answer_at=NOON - timedelta(seconds=1)),
        {**KEYWORD, "expire_seconds": 0.0},
        Verdict.IGNORE,
        "nothing began the chat",
    ),
    (burst("pedido #1234"), {"trigger_type": "regex", "trigger_values": (r"#\d+",)}, Verdict.ANSWER, ""),
    (
        burst("pedido"),
        {"trigger_type": "regex", "trigger_values": (r"#\d+",)},
        Verdict.IGNORE,
        "nothing began the chat",
    ),
    # a person is wanted
    (
        burst("hola", "quiero hablar con una persona"),
        {"escalation_words": ("hablar con una persona",)},
        Verdict.ESCALATE,
        "asked for a person",
    ),
    (burst("hola, persona"), {"escalation_words": ("hablar con una persona",)}, Verdict.ANSWER, ""),
    (burst("Hola, quiero HABLAR con una persona por favor"), {}, Verdict.ESCALATE, "asked for a person"),
    (burst("¿puedo hablar con alguien?"), {}, Verdict.ESCALATE, "asked for a person"),
    (burst("can I speak to a human"), {}, Verdict.ESCALATE, "asked for a person"),
    (burst("I'd rather talk to a person, not a bot"), {}, Verdict.ESCALATE, "asked for a person"),
    (burst("quero falar com um atendente"), {}, Verdict.ESCALATE, "asked for a person"),
    (burst("Preciso falar com alguem"), {}, Verdict.ESCALATE, "asked for a person"),
    (burst("quiero hablar con una persona"), {"escalation_words": ()}, Verdict.ANSWER, ""),
    (burst("¿El taller cuesta 15 € por persona?"), {}, Verdict.ANSWER, ""),
    (burst("¿tienen extensiones de cabello humano?"), {}, Verdict.ANSWER, ""),
    (burst("is the cleaning agent safe for humans?"), {}, Verdict.ANSWER, ""),
    (burst("a person told me you open on sundays, can someone confirm?"), {}, Verdict.ANSWER, ""),
    (burst("quanto custa por pessoa?"), {}, Verdict.ANSWER, ""),
    # loops
    (burst(answers=29), {}, Verdict.ANSWER, ""),
    (burst(answers=30), {}, Verdict.REST, "30 answers within an hour"),
    (burst(answers=1000), {"loop_ceiling": 0}, Verdict.ANSWER, ""),
    (burst(repetitions=9), {}, Verdict.ANSWER, ""),
    (burst(repetitions=10), {}, Verdict.REST, "the same message 11 times within an hour"),
    (burst(repetitions=50), {"loop_repetitions": 0}, Verdict.ANSWER, ""),
    (burst(repetitions=50), {"loop_ceiling": 0}, Verdict.ANSWER, ""),
    # hours
    (burst(), {"business_hours": ("mon 00:00-24:00",)}, Verdict.ANSWER, ""),
    (burst(), OFFICE, Verdict.SAY_AWAY, "closed"),
    (burst(away_at=NOON - timedelta(hours=1)), OFFICE, Verdict.IGNORE, "closed"),
    (burst(away_at=NOON - timedelta(days=4)), OFFICE, Verdict.SAY_AWAY, "closed"),
    (burst(away_at=NOON - timedelta(minutes=1)), MORNING, Verdict.SAY_AWAY, "closed"),
    (burst(away_at=NOON), MORNING, Verdict.IGNORE, "closed"),
    # Told before the clock was set back.
    (burst(away_at=NOON + timedelta(days=400)), MORNING, Verdict.SAY_AWAY, "closed"),
]


@pytest.mark.parametrize(("chat", "chats", "action", "reason"), BURSTS)
def test_a_chat_that_is_to_be_answered(
    chat: Burst, chats: dict[str, Any], action: Verdict, reason: str
) -> None:
    decision = before_answering(chat, rules(**chats), NOON)
    assert (decision.action, decision.reason) == (action, reason)


def test_hours_are_those_of_the_business() -> None:
    madrid = rules("Europe/Madrid", business_hours=("mon 13:00-14:00",))
    assert before_answering(burst(), madrid, NOON).action is Verdict.ANSWER
    assert before_answering(burst(), madrid, NOON - timedelta(minutes=1)).action is Verdict.SAY_AWAY


# The order. Each pair: objections of two rules that meet in one message; the first one decides.


def test_the_order_at_arrival() -> None:
    old = NOON - timedelta(days=1)
    everything = in_group(
        "baja",
        kind=MessageKind.REACTION,
        from_me=True,
        to_self=True,
        own_echo=True,
        opted_out=True,
        sent_at=old,
    )
    strict = rules(deny=("*",), allow=("1",), groups="off")
    reasons = [
        "own echo",
        "the owner's own notes",
        "group",
        "denied",
        "not on the allow list",
        "nothing to answer (reaction)",
        "the owner wrote",
        "opted out",
        "opted out",
        "too old",
    ]
    cures: list[dict[str, Any]] = [
        {"own_echo": False},
        {"to_self": False},
        {"jid": ANA},
        {"addresses": frozenset({"1"})},
        {"addresses": frozenset({"1"})},
        {"kind": MessageKind.TEXT},
        {"from_me": False},
        {"opted_out": False},
        {"text": "hola"},
        {"sent_at": NOON},
    ]
    for number, (reason, cure) in enumerate(zip(reasons, cures, strict=True)):
        assert on_arrival(everything, strict, NOON).reason == reason, number
        if reason == "denied":
            strict = dataclasses.replace(strict, chats=dataclasses.replace(strict.chats, deny=()))
        else:
            everything = dataclasses.replace(everything, **cure)
    assert on_arrival(everything, strict, NOON).action is Verdict.ANSWER


def test_the_order_before_answering() -> None:
    chat = burst(
        "quiero una persona", opted_out=True, pause="the owner wrote", answers=99, repetitions=99, calls=99
    )
    strict = rules(
        trigger_type="keyword",
        trigger_values=("never",),
        escalation_words=("persona",),
        business_hours=("sun 01:00-02:00",),
    )
    steps: list[tuple[str, dict[str, Any]]] = [
        ("opted out", {"opted_out": False}),
        ("paused: the owner wrote", {"pause": ""}),
        ("nothing began the chat", {"last_answer_at": NOON}),
        ("asked for a person", {"texts": ("hola",)}),
        ("30 answers within an hour", {"answers": 0}),
        ("the same message 11 times within an hour", {"repetitions": 0}),
        ("60 calls of models within an hour", {"calls": 0}),
        ("closed", {"away_at": NOON}),
    ]
    for reason, cure in steps:
        assert before_answering(chat, strict, NOON).reason == reason
        chat = dataclasses.replace(chat, **cure)
    assert before_answering(chat, strict, NOON).action is Verdict.IGNORE


def test_every_rule_says_in_one_line_what_it_does() -> None:
    for rule in (*ARRIVAL_RULES, *ANSWER_RULES):
        assert rule.__doc__
        assert "\n" not in rule.__doc__.strip()


names = st.sampled_from(sorted(GROUP_NAMES | {"", "1", "x@y@z", "🤖"}))
patterns = st.one_of(names, st.text(alphabet="*?[]!+ 0123456789@lidg.us", max_size=12))


@given(
    st.builds(
        Candidate,
        jid=st.one_of(names, st.text(max_size=30)),
        addresses=st.frozensets(names),
        kind=st.one_of(st.sampled_from(MessageKind), st.text(max_size=5)),
        text=st.one_of(st.text(max_size=100), st.sampled_from(["baja", "alta", "#bot on"])),
        sent_at=st.datetimes(),
        from_me=st.booleans(),
        to_self=st.booleans(),
        own_echo=st.booleans(),
        mentions_account=st.booleans(),
        opted_out=st.booleans(),
    ),
    st.lists(patterns, max_size=4).map(tuple),
    st.lists(patterns, max_size=4).map(tuple),
    st.sampled_from(["off", "mention", "all"]),
)
def test_whatever_arrives_is_decided(
    candidate: Candidate, allow: tuple[str, ...], deny: tuple[str, ...], groups: str
) -> None:
    decision = on_arrival(candidate, rules(allow=allow, deny=deny, groups=groups), NOON)
    if decision.action is not Verdict.ANSWER:
        assert decision.reason
    if candidate.opted_out:
        assert decision.action is not Verdict.ANSWER
    if candidate.from_me:
        assert decision.action not in (Verdict.ANSWER, Verdict.OPT_OUT, Verdict.OPT_IN)


def test_the_age_limit_is_a_setting() -> None:
    patient = rules(max_age=86_400.0)
    assert on_arrival(message(sent_at=NOON - timedelta(hours=9)), patient, NOON).action is Verdict.ANSWER
