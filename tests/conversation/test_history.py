from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from tests.support.arrivals import ANA, NOON, arrival, later
from wabot.config.settings import ReplySettings
from wabot.conversation import history
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Inbound, Outbound
from wabot.outbound.pacing import rates_so_far
from wabot.whatsapp.messages import MessageKind

QUEUE = SendQueue("shop")


@pytest.fixture
def inbox(database: Any) -> Inbox:
    return Inbox("shop")


@pytest.fixture
def outbox(inbox: Inbox) -> Outbox:
    return Outbox("shop")


def hear(
    inbox: Inbox, text: str, second: float, state: str = "pending", reason: str = "", **changes: Any
) -> int:
    """A message arrives; its chat."""
    chat_id = inbox.store(arrival(text, **changes), later(second), state, reason)
    assert chat_id is not None
    return chat_id


def answer(
    inbox: Inbox, outbox: Outbox, chat_id: int, second: float, *parts: str, source: str = "model:x"
) -> None:
    """What is pending is answered."""
    rows = inbox.pending(chat_id)
    assert outbox.put(chat_id, [Part(part, later(second)) for part in parts], source, rows, later(second))


def last_id() -> int:
    return int(Inbound.select().order_by(Inbound.id.desc()).first().id)


def texts_before(chat_id: int, limit: int = 10) -> list[str]:
    return [text for _, _, text in history.past_of(chat_id, last_id(), NOON, limit).turns]


def test_what_was_said_before_in_both_directions(inbox: Inbox, outbox: Outbox) -> None:
    chat_id = hear(inbox, "one", 0)
    answer(inbox, outbox, chat_id, 1, "two")
    hear(inbox, "three", 2, "owner", from_me=True)
    hear(inbox, "four", 3)
    assert history.past_of(chat_id, last_id(), NOON, 10).turns == (
        (NOON, "user", "one"),
        (later(1), "assistant", "two"),
        (later(2), "assistant", "three"),
    )
    assert texts_before(chat_id, 2) == ["two", "three"]
    since_then = history.past_of(chat_id, last_id(), later(1), 10).turns
    assert [text for _, _, text in since_then] == ["two", "three"]
    assert texts_before(chat_id, 0) == []


def test_what_the_customer_never_saw_or_took_back_is_left_out(inbox: Inbox, outbox: Outbox) -> None:
    chat_id = hear(inbox, "gone", 0, "ignored", "denied")
    hear(inbox, "", 0, "answered", kind=MessageKind.IMAGE)
    for text, state in (("sent", "sent"), ("back", "withdrawn"), ("refused", "dead"), ("maybe", "unsure")):
        outbox.notify(chat_id, text, "model:x", NOON)  # type: ignore[arg-type]
        Outbound.update(state=state).where(Outbound.text == text).execute()
    for notice in Notice:
        outbox.notify(chat_id, notice, notice, NOON)
    hear(inbox, "now", 60)
    # That a person was promised answers what came before it; other notices do not.
    assert texts_before(chat_id) == ["sent", "maybe", "handed-over", "to-check"]


def test_what_was_said_to_the_owner_is_known_up_to_the_owners_last_word(inbox: Inbox, outbox: Outbox) -> None:
    chat_id = hear(inbox, "is it there?", 0, "ignored", "paused: the owner wrote")
    hear(inbox, "yes, come by", 1, "owner", from_me=True)
    hear(inbox, "thanks", 2, "ignored", "paused: the owner wrote")
    hear(inbox, "and now?", 3)
    assert texts_before(chat_id) == ["is it there?", "yes, come by"]


def test_another_chats_words_never_come_in(inbox: Inbox, outbox: Outbox) -> None:
    other = hear(inbox, "secret", 0, chat="34911@s.whatsapp.net", phone="34911")
    answer(inbox, outbox, other, 1, "also secret")
    chat_id = hear(inbox, "hello", 2)
    assert texts_before(chat_id) == []
    assert history.answers_since(chat_id, "secret", NOON, 10) == (0, 0)


def test_reactions_are_the_latest_to_what_was_said_last(inbox: Inbox, outbox: Outbox) -> None:
    def react(emoji: str, quoted: str, second: float) -> None:
        hear(inbox, emoji, second, "ignored", kind=MessageKind.REACTION, quoted_text=quoted)

    chat_id = hear(inbox, "hello", 0)
    react("😀", "an older text", 1)
    answer(inbox, outbox, chat_id, 2, "shall I?", "in blue")
    react("👍", "shall I?", 3)
    react("❤️", "in blue", 4)
    react("", "in blue", 5)
    hear(inbox, "two please", 9)
    assert history.past_of(chat_id, last_id(), NOON, 10).reactions == (("👍", "shall I?"),)
    assert texts_before(chat_id) == ["hello", "shall I?", "in blue"]


def test_answers_are_counted_by_questions_not_by_parts_or_messages(inbox: Inbox, outbox: Outbox) -> None:
    chat_id = hear(inbox, "one", 0)
    hear(inbox, "and", 0)
    answer(inbox, outbox, chat_id, 1, "a", "b", "c")
    hear(inbox, "two", 2)
    answer(inbox, outbox, chat_id, 3, "d")
    outbox.notify(chat_id, "away", Notice.AWAY, later(4))
    hear(inbox, "three", 5)
    answer(inbox, outbox, chat_id, 6, "taken back")
    outbox.withdraw(chat_id, "paused")
    Outbound.update(state="sent").where(Outbound.text != "taken back").execute()
    assert history.last_said_at(chat_id) == later(3)
    Inbound.update(state="answered").where(Inbound.text != "three").execute()
    assert history.answers_since(chat_id, "x", NOON, 30) == (2, 0)
    assert history.answers_since(chat_id, "x", later(2), 30) == (1, 0)


def test_repetitions_are_answers_in_a_row_to_one_text(inbox: Inbox, outbox: Outbox) -> None:
    chat_id = hear(inbox, "hello", 0)
    answer(inbox, outbox, chat_id, 0, "x")
    for second in range(1, 4):
        hear(inbox, "Out of office!", second)
        hear(inbox, "out of  OFFICE", second)
        answer(inbox, outbox, chat_id, second, "x")
    assert history.answers_since(chat_id, "out of office", NOON, 30) == (4, 3)
    assert history.answers_since(chat_id, "out of office", later(2), 30) == (2, 2)
    assert history.answers_since(chat_id, "hello", NOON, 30) == (4, 0)
    assert history.answers_since(chat_id, "👍", NOON, 30) == (4, 0)


def test_what_a_chat_was_told(inbox: Inbox, outbox: Outbox) -> None:
    chat_id = hear(inbox, "hello", 0)
    outbox.notify(chat_id, "sorry", Notice.APOLOGY, later(10))
    assert history.was_told(chat_id, Notice.APOLOGY, NOON)
    assert not history.was_told(chat_id, Notice.APOLOGY, later(11))
    assert not history.was_told(chat_id, Notice.AWAY, NOON)
    outbox.withdraw(chat_id, "paused")
    assert not history.was_told(chat_id, Notice.APOLOGY, NOON)


def test_an_own_echo_is_known_by_its_id_or_while_the_id_is_not_known_by_its_text(
    inbox: Inbox, outbox: Outbox
) -> None:
    chat_id = hear(inbox, "hello", 0)
    answer(inbox, outbox, chat_id, 1, "hi there", "bye")
    sent, _ = Outbound.select().order_by(Outbound.id)
    assert not history.is_own_echo(chat_id, "3EB0X", "hi there")
    QUEUE.begin(sent, later(1))
    assert history.is_own_echo(chat_id, "3EB0X", "hi there")
    QUEUE.mark_sent(sent, "3EB0A", later(2))
    assert history.is_own_echo(chat_id, "3EB0A", "")
    assert not history.is_own_echo(chat_id, "3EB0X", "hi there")
    assert not history.is_own_echo(chat_id, "3EB0X", "bye")
    reply = history.reply_with_id(chat_id, "3EB0A")
    assert reply is not None
    assert reply.text == "hi there"
    assert history.reply_with_id(chat_id, "") is None


def test_rates_go_on_after_a_restart(inbox: Inbox, outbox: Outbox) -> None:
    chat_id = hear(inbox, "hello", 0)
    answer(inbox, outbox, chat_id, 1, "a", "b")
    for row in Outbound:
        QUEUE.begin(row, later(10))
        QUEUE.mark_sent(row, "", later(10))
    limits = ReplySettings(per_minute=2, per_chat_per_hour=2)
    rates = rates_so_far("shop", limits, later(20))
    began = time.monotonic()
    assert rates.opens_at() == pytest.approx(began + 50, abs=5)
    assert rates.chat_opens_at(chat_id) == pytest.approx(began + 3590, abs=5)
    assert rates_so_far("shop", limits, later(4000)).opens_at() is None
    set_back = rates_so_far("shop", limits, later(-3600))
    assert set_back.opens_at() == pytest.approx(began + 60, abs=5), "just now at the latest"
    assert Inbound.get().jid == ANA


@pytest.mark.parametrize("seconds", [0.0, 86_400.0, 1e300, float("inf")])
def test_the_horizon_never_leaves_the_calendar(seconds: float) -> None:
    assert NOON - timedelta(days=36_500) <= history.horizon(NOON, seconds) <= NOON


def test_what_was_said_by_a_clock_that_was_ahead_does_not_count_for_ever(
    inbox: Inbox, outbox: Outbox
) -> None:
    chat_id = hear(inbox, "hello", 400 * 86_400)
    answer(inbox, outbox, chat_id, 400 * 86_400, "hi")
    outbox.notify(chat_id, "sorry", Notice.APOLOGY, later(400 * 86_400))
    hear(inbox, "yesterday", 400 * 86_400, "ignored", "too old")
    since = NOON - timedelta(hours=1)
    assert history.answers_since(chat_id, "hello", since, 10) == (0, 0)
    assert not history.was_told(chat_id, Notice.APOLOGY, since)
    assert history.missed_count(chat_id, since) == 0
    hear(inbox, "long ago", 0, "ignored", "too old")
    assert history.missed_count(chat_id, since) == 1


def test_files_that_went_out_are_part_of_what_was_said_and_known_when_they_come_back(
    inbox: Inbox, outbox: Outbox
) -> None:
    chat_id = hear(inbox, "do you have pots?", 0)
    rows = inbox.pending(chat_id)
    digest = "ab" * 32
    upload = f'{{"file_sha256": "{digest}"}}'
    parts = [
        Part("Yes.", later(1)),
        Part("Terracotta pot", later(1), "image", "pot.jpg", upload),
        Part("", later(1), "document", "prices.pdf"),
    ]
    assert outbox.put(chat_id, parts, "knowledge", rows, later(1))
    hear(inbox, "and that one?", 2)
    assert texts_before(chat_id) == ["do you have pots?", "Yes.", "[image] Terracotta pot", "[document]"]
    picture = Outbound.get(Outbound.file == "pot.jpg")
    assert not history.is_own_echo(chat_id, "3EB0X", "", digest), "it has not left yet"
    Outbound.update(copies=1).where(Outbound.id == picture.id).execute()
    assert history.is_own_echo(chat_id, "3EB0X", "", digest)
    assert not history.is_own_echo(chat_id, "3EB0X", "", "cd" * 32) and not history.is_own_echo(
        chat_id, "3EB0X", ""
    )
