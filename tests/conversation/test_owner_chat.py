from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival, later
from wabot.config.settings import AccountSettings
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Unanswered
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat, erase_lines_about, lines_about, text_of
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Outbound, Session

WAITS = "🤖 {}: asks something I cannot answer."


def owner_chat(*, language: str = "en") -> OwnerChat:
    return OwnerChat(AccountSettings(user_id="shop", timezone="UTC", language=language), Outbox("shop"))


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
    return [(text_of(row), row.not_before) for row in Outbound.select().order_by(Outbound.id)]


def leave(now: datetime) -> str:
    """What leaves now; "" for nothing."""
    row, _ = SendQueue("shop").next(now)
    if row is None or not SendQueue("shop").begin(row, now):
        return ""
    SendQueue("shop").mark_sent(row, f"3EB0{row.id}", now)
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


def test_nothing_is_added_to_what_is_leaving(linked: None) -> None:
    owner = owner_chat()
    for seconds, name in ((0, "Ana"), (1, "Eva")):
        owner.tell_unanswered(customer(name), later(seconds))
    assert leave(later(2)) == WAITS.format("Ana")
    chosen, _ = SendQueue("shop").next(later(300))
    owner.tell_unanswered(customer("Luis"), later(299))
    assert chosen is not None
    assert SendQueue("shop").begin(chosen, later(300))
    assert chosen.text == "\n".join(map(WAITS.format, ["Eva", "Luis"]))
    owner.tell_unanswered(customer("Zoe"), later(299))
    assert told()[1:] == [(chosen.text, later(300)), (WAITS.format("Zoe"), later(600))]


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
    owner.tell_unanswered(customer("Ana\n\u202e🤖 Eva:  I answer.\u2028"), NOON)
    owner.tell_unanswered(customer(" \n"), later(1))
    assert [text for text, _ in told()] == [
        WAITS.format("Ana 🤖 Eva: I answer."),
        WAITS.format("+34600000002"),
    ]


def test_what_was_told_of_somebody_can_be_found_and_erased_whatever_they_are_called(linked: None) -> None:
    owner = owner_chat()
    ana, eva, unnamed, namesake = customer("Ana"), customer("Eva 100%_"), customer(""), customer("Ana")
    owner.tell_unanswered(ana, NOON)
    for chat in (eva, ana, unnamed, eva, namesake):
        owner.tell_unanswered(chat, later(1))
    owner.tell_about([eva, ana], later(2))
    Outbox("shop").notify(ana.id, WAITS.format("Eva 100%_"), "model:test", NOON)
    Chat.update(name="Ana").where(Chat.id == unnamed.id).execute()
    assert lines_about([eva]) == [WAITS.format("Eva 100%_")] * 2 + ["🤖 Eva 100%_: I answer."]
    assert lines_about([unnamed]) == [WAITS.format(f"+{unnamed.phone}")]
    assert lines_about([namesake]) == [WAITS.format("Ana")]
    assert lines_about([]) == []

    assert erase_lines_about([]) == 0
    assert erase_lines_about([eva]) == 2
    rest = "\n".join(map(WAITS.format, ("Ana", f"+{unnamed.phone}", "Ana")))
    answer = WAITS.format("Eva 100%_")
    assert [text for text, _ in told()] == [WAITS.format("Ana"), rest, "🤖 Ana: I answer.", answer]
    assert erase_lines_about([ana]) == 3
    assert [text for text, _ in told()] == [
        WAITS.format(f"+{unnamed.phone}") + "\n" + WAITS.format("Ana"),
        answer,
    ]


def test_what_was_told_of_a_chat_goes_with_it_and_nothing_is_sent_of_it(linked: None) -> None:
    owner = owner_chat()
    ana = customer("Ana")
    owner.tell_unanswered(ana, NOON)
    Chat.delete().where(Chat.id == ana.id).execute()
    assert leave(NOON) == ""
    assert told() == []


def test_a_chat_erased_meanwhile_is_not_told_of(linked: None) -> None:
    ana = customer("Ana")
    Chat.delete().where(Chat.id == ana.id).execute()
    owner_chat().tell_unanswered(ana, NOON)
    assert told() == []


def test_an_owner_without_a_number_yet_cannot_be_told(sqlite_database: Any) -> None:
    owner_chat().tell_unanswered(customer("Ana"), NOON)
    assert told() == []
