from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.arrivals import NOON, arrival, later
from wabot.departures import Departures
from wabot.inbox import Inbox
from wabot.models import Chat, Outbound, Session
from wabot.notices import Unanswered
from wabot.outbox import Outbox
from wabot.owner_chat import OwnerChat, erase_lines, lines_about
from wabot.settings import AccountSettings, Settings

WAITS = "🤖 {}: asks something I cannot answer."


def owner_chat(*, language: str = "en") -> OwnerChat:
    settings = Settings(
        account=AccountSettings(user_id="shop", timezone="UTC", language=language),
    )
    return OwnerChat(settings, Outbox("shop"))


@pytest.fixture
def linked(database: Any) -> None:
    """The account has its own number, without which nobody can be told."""
    Session.create(user_id="shop", phone="34999888777", updated_at=NOON)


def customer(name: str) -> Chat:
    number = f"34600{Chat.select().count():06d}"
    inbox = Inbox("shop")
    inbox.store(arrival(chat=f"{number}@s.whatsapp.net", phone=number, name=name), NOON)
    return Chat.select().order_by(Chat.id.desc()).get()


def told() -> list[tuple[str, datetime]]:
    return [(row.text, row.not_before) for row in Outbound.select().order_by(Outbound.id)]


def leave(now: datetime) -> str:
    """What leaves now; "" for nothing."""
    row, _ = Departures("shop").next(now)
    if row is None or not Departures("shop").begin(row, now):
        return ""
    Departures("shop").mark_sent(row, f"3EB0{row.id}", now)
    assert row.chat.jid == "34999888777@s.whatsapp.net"
    return str(row.text)


def test_the_first_who_waits_is_told_of_at_once_and_the_next_together(linked: None) -> None:
    owner = owner_chat()
    for seconds, name in enumerate(["Ana", "Eva", "Luis", "Zoe"]):
        owner.tell_unanswered(customer(name), later(seconds))
    assert leave(later(4)) == WAITS.format("Ana")
    assert leave(later(299)) == ""
    assert leave(later(300)) == "\n".join(map(WAITS.format, ["Eva", "Luis", "Zoe"]))
    assert leave(later(10_000)) == ""


def test_who_waits_after_a_pause_is_told_of_at_once(linked: None) -> None:
    owner = owner_chat()
    owner.tell_unanswered(customer("Ana"), NOON)
    owner.tell_unanswered(customer("Eva"), later(300))
    assert told() == [(WAITS.format("Ana"), NOON), (WAITS.format("Eva"), later(300))]


def test_nothing_is_added_to_what_is_about_to_leave(linked: None) -> None:
    """The sender reads a text before it marks it as leaving."""
    owner = owner_chat()
    for seconds, name in ((0, "Ana"), (1, "Eva"), (271, "Luis")):
        owner.tell_unanswered(customer(name), later(seconds))
    assert told()[1:] == [(WAITS.format("Eva"), later(300)), (WAITS.format("Luis"), later(600))]


def test_a_hundred_who_wait_are_told_of_in_a_few_messages_of_bounded_length(linked: None) -> None:
    owner = owner_chat()
    chats = [customer("A" * 200) for _ in range(100)]
    for chat in chats:
        owner.tell_unanswered(chat, NOON)
    texts = [text for text, _ in told()]
    assert sum(text.count("🤖") for text in texts) == 100
    assert len(texts) < 10
    assert max(map(len, texts)) < 4300
    assert [at for _, at in told()] == [later(300 * place) for place in range(len(texts))]


def test_what_is_collected_does_not_hold_back_what_the_owner_asks(linked: None) -> None:
    owner = owner_chat()
    for name in ("Ana", "Eva"):
        owner.tell_unanswered(customer(name), NOON)
    assert owner.tell_about([], later(10))
    assert [leave(later(10)) for _ in range(4)] == [
        WAITS.format("Ana"),
        WAITS.format("Eva"),
        "🤖 I answer in every chat.",
        "",
    ]


@pytest.mark.parametrize(
    ("is_away", "language", "text"),
    [
        (True, "es", "🤖 Ana: espera respuesta; ahora no contesta ningún modelo."),
        (True, "pt", "🤖 Ana: espera resposta; agora nenhum modelo responde."),
        (False, "en", "🤖 Ana: asks something I cannot answer."),
    ],
)
def test_the_owner_is_told_why_in_their_language(
    sqlite_database: Any, is_away: bool, language: str, text: str
) -> None:
    Session.create(user_id="shop", phone="34999888777", updated_at=NOON)
    owner = owner_chat(language=language)
    owner.tell_unanswered(customer("Ana"), NOON, Unanswered.NO_MODEL if is_away else Unanswered.NOT_KNOWN)
    assert told() == [(text, NOON)]


def test_a_name_cannot_pass_for_a_line_of_the_bots_and_without_one_the_number_is_told(
    sqlite_database: Any,
) -> None:
    Session.create(user_id="shop", phone="34999888777", updated_at=NOON)
    owner = owner_chat()
    owner.tell_unanswered(customer("Ana\n🤖 Eva:  I answer."), NOON)
    owner.tell_unanswered(customer(" \n"), later(1))
    assert [text for text, _ in told()] == [
        WAITS.format("Ana 🤖 Eva: I answer."),
        WAITS.format("+34600000002"),
    ]


def test_what_was_told_of_somebody_can_be_found_and_erased(linked: None) -> None:
    owner = owner_chat()
    ana, eva, unnamed = customer("Ana"), customer("Eva 100%_"), customer("")
    owner.tell_unanswered(ana, NOON)
    for chat in (eva, ana, unnamed, eva):
        owner.tell_unanswered(chat, later(1))
    owner.tell_about([eva, ana], later(2))
    Outbox("shop").notify(ana.id, WAITS.format("Eva 100%_"), "model:test", NOON)
    about_eva = [WAITS.format("Eva 100%_")] * 2 + ["🤖 Eva 100%_: I answer."]
    assert lines_about("shop", [eva]) == about_eva
    assert lines_about("shop", [unnamed]) == [WAITS.format(f"+{unnamed.phone}")]
    assert lines_about("salon", [eva]) == []
    assert lines_about("shop", []) == []
    Chat.update(name="Eva").where(Chat.id == unnamed.id).execute()
    assert lines_about("shop", [Chat.get_by_id(unnamed.id)]) == [WAITS.format(f"+{unnamed.phone}")]

    assert erase_lines("salon", about_eva) == 0
    assert erase_lines("shop", about_eva) == 2
    assert [text for text, _ in told()] == [
        WAITS.format("Ana"),
        f"{WAITS.format('Ana')}\n{WAITS.format('+' + unnamed.phone)}",
        "🤖 Ana: I answer.",
        WAITS.format("Eva 100%_"),
    ]
    erase_lines("shop", lines_about("shop", [ana]))
    assert [text for text, _ in told()] == [WAITS.format(f"+{unnamed.phone}"), WAITS.format("Eva 100%_")]


def test_an_owner_without_a_number_yet_cannot_be_told(sqlite_database: Any) -> None:
    owner_chat().tell_unanswered(customer("Ana"), NOON)
    assert told() == []
