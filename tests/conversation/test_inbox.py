from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.arrivals import ANA, ANA_LID, GROUP, NOON, arrival, later
from wabot.conversation.inbox import Inbox, Waiting
from wabot.database.models import Chat, Inbound
from wabot.whatsapp.messages import IncomingMessage, MessageKind


@pytest.fixture
def inbox(database: Any) -> Inbox:
    return Inbox("shop")


def store(inbox: Inbox, *messages: IncomingMessage) -> int:
    """Store them a second apart, and carry out those that change others; the chat of the last one."""
    for second, message in enumerate(messages):
        change = message.kind in (MessageKind.EDIT, MessageKind.REVOKE)
        chat_id = inbox.store(message, later(second), "ignored" if change else "pending")
        if change and chat_id is not None:
            inbox.amend(message, chat_id)
    return int(Inbound.select().order_by(Inbound.id.desc()).first().chat_id)


def texts(inbox: Inbox, chat_id: int) -> list[str]:
    return [row.text for row in inbox.pending(chat_id)]


def states() -> list[tuple[str, str]]:
    return [(row.text, row.state) for row in Inbound.select().order_by(Inbound.id)]


def test_a_message_is_kept_with_all_that_is_known_of_it(inbox: Inbox) -> None:
    message = arrival(
        "and this?",
        quoted_text="the blue one",
        mentions=("34911", "299"),
        offline=True,
        sent_at=datetime(2026, 11, 22, 11, 59, 58, 123000),
    )
    chat_id = inbox.store(message, NOON)
    chat, row = Chat.get(), Inbound.get()
    assert (chat.id, chat.user_id, chat.contact, chat.jid, chat.phone, chat.name) == (
        chat_id,
        "shop",
        ANA,
        ANA,
        "34600111222",
        "Ana",
    )
    assert (row.chat_id, row.user_id, row.jid, row.message_id, row.sender) == (
        chat_id,
        "shop",
        ANA,
        message.message_id,
        ANA,
    )
    assert (row.kind, row.text, row.quoted_text, row.mentions) == (
        "text",
        "and this?",
        "the blue one",
        "34911 299",
    )
    assert (row.offline, row.sent_at, row.received_at) == (True, message.sent_at, NOON)
    assert (row.state, row.reason, row.attempts) == ("pending", "", 0)


def test_the_same_message_twice_is_kept_once(inbox: Inbox) -> None:
    message = arrival()
    chat_id = inbox.store(message, NOON)
    assert chat_id is not None
    assert inbox.store(message, later(60)) is None
    assert Inbox("shop").store(message, later(120)) is None
    assert len(inbox.pending(chat_id)) == inbox.pending_count() == 1


def test_the_same_message_is_not_asked_about_again_once_it_was_answered(inbox: Inbox) -> None:
    message = arrival()
    chat_id = store(inbox, message)
    inbox.settle([row.id for row in inbox.pending(chat_id)], "answered", "knowledge")
    assert inbox.store(message, later(60)) is None
    assert states() == [("hello", "answered")]


def test_the_same_id_in_another_chat_is_another_message(inbox: Inbox) -> None:
    message = arrival(message_id="A")
    other = arrival(message_id="A", chat="34911@s.whatsapp.net", phone="34911")
    assert inbox.store(message, NOON) != inbox.store(other, NOON)
    assert inbox.pending_count() == 2


def test_two_accounts_in_one_database_do_not_meet(inbox: Inbox) -> None:
    other = Inbox("salon")
    message = arrival()
    chat_id, other_chat_id = inbox.store(message, NOON), other.store(message, NOON)
    assert chat_id is not None
    assert other_chat_id is not None
    assert chat_id != other_chat_id
    assert other.pending(chat_id) == []
    inbox.settle([row.id for row in inbox.pending(chat_id)], "ignored", "")
    assert (inbox.pending_count(), other.pending_count()) == (0, 1)
    assert [waiting.chat_id for waiting in other.waiting()] == [other_chat_id]


# One chat under two addresses


HIDDEN = {"chat": ANA_LID, "phone": "", "lid": "299000111222"}
SHOWN = {"chat": ANA_LID, "phone": "34600111222", "lid": "299000111222"}
BY_PHONE = {"chat": ANA, "phone": "34600111222", "lid": "299000111222"}


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    "ways",
    [
        (SHOWN, BY_PHONE, SHOWN),
        (BY_PHONE, SHOWN, HIDDEN),
        (HIDDEN, SHOWN, BY_PHONE),
        (HIDDEN, BY_PHONE, HIDDEN, SHOWN, HIDDEN),
    ],
)
def test_one_person_is_one_chat_by_whatever_address(
    inbox: Inbox, ways: tuple[dict[str, str], ...], restarted: bool
) -> None:
    for number, way in enumerate(ways):
        inbox = Inbox("shop") if restarted else inbox
        chat_id = inbox.store(arrival(str(number), **way), NOON)
    assert chat_id is not None
    chat = Chat.get()
    assert texts(inbox, chat_id) == [str(number) for number in range(len(ways))]
    assert (chat.contact, chat.phone, chat.lid) == (ANA, "34600111222", "299000111222")


def test_the_answer_goes_to_the_address_of_the_last_new_one(inbox: Inbox) -> None:
    store(inbox, arrival(**BY_PHONE))
    assert Chat.get().jid == ANA
    store(inbox, arrival(**SHOWN))
    assert Chat.get().jid == ANA_LID


def test_two_people_stay_two_chats(inbox: Inbox) -> None:
    ana = inbox.store(arrival(**HIDDEN), NOON)
    eva = inbox.store(arrival(chat="301@lid", phone="", lid="301", name="Eva"), NOON)
    assert ana != eva
    assert sorted(chat.name for chat in Chat) == ["Ana", "Eva"]


def test_a_group_is_one_chat_whoever_writes(inbox: Inbox) -> None:
    ana = inbox.store(arrival("a", chat=GROUP, phone="", sender=ANA), NOON)
    eva = inbox.store(arrival("b", chat=GROUP, phone="", sender="34911@s.whatsapp.net"), NOON)
    assert ana == eva
    assert Chat.get().contact == GROUP


def test_the_owner_does_not_give_the_chat_a_name(inbox: Inbox) -> None:
    store(inbox, arrival(name="Ana"), arrival(name="The shop", from_me=True))
    assert Chat.get().name == "Ana"


def test_a_new_name_is_kept(inbox: Inbox) -> None:
    store(inbox, arrival(name="Ana"), arrival(name="Ana María"), arrival(name=""))
    assert Chat.get().name == "Ana María"


# What has to be answered


def test_what_becomes_of_a_message_stands_in_its_row(inbox: Inbox) -> None:
    chat_id = inbox.store(arrival(), NOON, "ignored", "denied")
    assert chat_id is not None
    assert inbox.pending(chat_id) == []
    assert (Inbound.get().state, Inbound.get().reason) == ("ignored", "denied")


def test_a_text_is_kept_up_to_a_bound(inbox: Inbox) -> None:
    store(inbox, arrival("x" * 65_536, quoted_text="y" * 65_536))
    assert (len(Inbound.get().text), len(Inbound.get().quoted_text)) == (20_000, 20_000)


@pytest.mark.parametrize(
    "text", ["🙂" * 100, "a\nb\tc", "'; DROP TABLE wabot_inbox; --", "%s %d {} \\", "\u202e"]
)
def test_any_text_comes_back_as_it_was(inbox: Inbox, text: str) -> None:
    store(inbox, arrival(text, name=text))
    assert (Inbound.get().text, Chat.get().name) == (text, text)


def test_what_is_pending_comes_in_the_order_it_arrived(inbox: Inbox) -> None:
    chat_id = store(inbox, *(arrival(str(number)) for number in range(150)))
    assert texts(inbox, chat_id) == [str(number) for number in range(100)]
    assert [row.text for row in inbox.pending(chat_id, limit=2)] == ["0", "1"]


def test_what_waits_at_a_start(inbox: Inbox) -> None:
    ana = store(inbox, arrival(), arrival(), arrival())
    eva = inbox.store(arrival(chat="34911@s.whatsapp.net", phone="34911"), later(10))
    gone = inbox.store(arrival(chat="34922@s.whatsapp.net", phone="34922"), later(11))
    assert eva is not None
    assert gone is not None
    inbox.settle([row.id for row in inbox.pending(gone)], "ignored", "denied")
    assert sorted(inbox.waiting(), key=lambda waiting: waiting.chat_id) == [
        Waiting(ana, NOON, later(2)),
        Waiting(eva, later(10), later(10)),
    ]


def test_settling_counts_only_what_was_still_pending(inbox: Inbox) -> None:
    chat_id = store(inbox, arrival(), arrival())
    ids = [row.id for row in inbox.pending(chat_id)]
    assert inbox.settle(ids[:1], "ignored", "denied") == 1
    assert inbox.settle(ids, "failed", "no answer") == 1
    assert inbox.settle([], "failed", "no answer") == 0
    assert [(row.state, row.reason) for row in Inbound.select().order_by(Inbound.id)] == [
        ("ignored", "denied"),
        ("failed", "no answer"),
    ]


def test_everything_open_in_a_chat_is_settled_at_once(inbox: Inbox) -> None:
    chat_id = store(inbox, arrival(), arrival())
    other = store(inbox, arrival(chat="34911@s.whatsapp.net", phone="34911"))
    assert inbox.settle_chat(chat_id, "paused: the owner wrote") == 2
    assert inbox.settle_chat(chat_id, "again") == 0
    assert [waiting.chat_id for waiting in inbox.waiting()] == [other]


def test_an_attempt_that_failed_for_want_of_a_model_does_not_count(inbox: Inbox) -> None:
    chat_id = store(inbox, arrival())
    for _ in range(5):
        inbox.count_attempt([row.id for row in inbox.pending(chat_id)])
        inbox.keep_for_later([row.id for row in inbox.pending(chat_id)])
    assert [row.attempts for row in inbox.pending(chat_id)] == [1]


def test_attempts_are_counted(inbox: Inbox) -> None:
    chat_id = store(inbox, arrival(), arrival())
    first, second = (row.id for row in inbox.pending(chat_id))
    inbox.count_attempt([first, second])
    inbox.count_attempt([second])
    assert [row.attempts for row in inbox.pending(chat_id)] == [1, 2]


# Edits and revokes


def edit(message: IncomingMessage, text: str, **changes: Any) -> IncomingMessage:
    return arrival(text, kind=MessageKind.EDIT, target_id=message.message_id, **changes)


def revoke(message: IncomingMessage, **changes: Any) -> IncomingMessage:
    return arrival("", kind=MessageKind.REVOKE, target_id=message.message_id, **changes)


def test_an_edit_of_a_pending_message_changes_what_is_answered(inbox: Inbox) -> None:
    message = arrival("size 38")
    chat_id = store(inbox, message, edit(message, "size 39"))
    assert texts(inbox, chat_id) == ["size 39"]


def test_a_pending_message_that_was_taken_back_is_not_answered(inbox: Inbox) -> None:
    message = arrival("oops")
    chat_id = store(inbox, message, arrival("hello"), revoke(message))
    assert texts(inbox, chat_id) == ["hello"]
    assert states()[0] == ("", "ignored")


def test_an_answered_message_says_what_the_customer_says_now(inbox: Inbox) -> None:
    first, second = arrival("size 38"), arrival("my password is 1234")
    chat_id = store(inbox, first, second)
    inbox.settle([row.id for row in inbox.pending(chat_id)], "answered", "knowledge")
    store(inbox, edit(first, "size 39"), revoke(second))
    assert states()[:2] == [("size 39", "answered"), ("", "ignored")]


def test_why_a_message_was_not_answered_stays_when_it_is_taken_back(inbox: Inbox) -> None:
    message = arrival("hello")
    inbox.store(message, NOON, "ignored", "opted out")
    store(inbox, revoke(message))
    row = Inbound.select().order_by(Inbound.id).first()
    assert (row.text, row.reason) == ("", "opted out")


def test_who_changes_a_message_learns_what_it_was(inbox: Inbox) -> None:
    answered, waiting = arrival("size 38"), arrival("colour?")
    chat_id = store(inbox, answered, waiting)
    Inbound.update(state="answered", reply=7).where(Inbound.text == "size 38").execute()
    before = inbox.amend(edit(answered, "size 39"), chat_id)
    assert before is not None and (before.text, before.state, before.reply) == ("size 38", "answered", 7)
    before = inbox.amend(edit(waiting, "which colours?"), chat_id)
    assert before is not None and (before.text, before.state, before.reply) == ("colour?", "pending", None)
    assert inbox.amend(edit(arrival("never came"), "x"), chat_id) is None


def test_what_a_recalled_answer_was_for_is_open_again_unless_taken_back(inbox: Inbox) -> None:
    kept, gone = arrival("size 38"), arrival("oops")
    chat_id = store(inbox, kept, gone)
    Inbound.update(state="answered", reply=7).execute()
    inbox.amend(revoke(gone), chat_id)
    assert inbox.reopen(chat_id, 7) == 1
    assert inbox.reopen(chat_id, 7) == 0
    assert texts(inbox, chat_id) == ["size 38"]


def test_the_customer_cannot_change_what_the_owner_wrote(inbox: Inbox) -> None:
    owners = arrival("come by at six", from_me=True, sender="34999@s.whatsapp.net")
    chat_id = inbox.store(owners, NOON, "owner")
    assert chat_id is not None
    inbox.amend(edit(owners, "everything is free"), chat_id)
    inbox.amend(revoke(owners), chat_id)
    assert states() == [("come by at six", "owner")]
    inbox.amend(edit(owners, "come by at seven", from_me=True, sender="299@lid"), chat_id)
    assert states() == [("come by at seven", "owner")]


def test_an_edit_that_takes_the_text_away_leaves_none_to_answer(inbox: Inbox) -> None:
    message = arrival("size 38")
    chat_id = store(inbox, message, edit(message, ""))
    assert texts(inbox, chat_id) == [""]


def test_an_edit_is_found_by_the_other_address_too(inbox: Inbox) -> None:
    first, second = arrival("size 38", **SHOWN), arrival("oops", **SHOWN)
    chat_id = store(inbox, first, second, edit(first, "size 39", **BY_PHONE), revoke(second, **BY_PHONE))
    assert texts(inbox, chat_id) == ["size 39"]


@pytest.mark.parametrize("change", [edit, revoke])
def test_nobody_can_change_anothers_message(inbox: Inbox, change: Any) -> None:
    message = arrival("keep", chat=GROUP, phone="", sender=ANA)
    arguments = (message,) if change is revoke else (message, "changed")
    elsewhere = change(*arguments, chat="34911@s.whatsapp.net", phone="34911")
    in_the_group = change(*arguments, chat=GROUP, phone="", sender="34911@s.whatsapp.net")
    store(inbox, message, elsewhere, in_the_group)
    Inbox("salon").store(change(*arguments, chat=GROUP, phone="", sender=ANA), NOON)
    assert states()[0] == ("keep", "pending")


# Trouble


def test_a_chat_that_another_process_deleted_is_made_anew(inbox: Inbox) -> None:
    store(inbox, arrival())
    Chat.delete().execute()
    chat_id = inbox.store(arrival("again"), NOON)
    assert chat_id is not None
    assert texts(inbox, chat_id) == ["again"]
    assert Inbound.select().count() == 1


def test_the_number_of_a_deleted_chat_is_never_given_to_another_person(inbox: Inbox) -> None:
    store(inbox, arrival("from Ana"))
    Chat.delete().execute()
    eva = Inbox("shop").store(arrival("from Eva", chat="34911@s.whatsapp.net", phone="34911"), NOON)
    ana = inbox.store(arrival("Ana again"), NOON)
    assert eva is not None
    assert ana is not None
    assert (texts(inbox, eva), texts(inbox, ana)) == (["from Eva"], ["Ana again"])


def test_a_chat_whose_first_message_could_not_be_stored_is_not_remembered(inbox: Inbox) -> None:
    with pytest.raises(UnicodeEncodeError):
        inbox.store(arrival("\ud800"), NOON)
    assert Chat.select().count() == 0
    eva = inbox.store(arrival("from Eva", chat="34911@s.whatsapp.net", phone="34911"), NOON)
    ana = inbox.store(arrival("Ana again"), NOON)
    assert eva is not None
    assert ana is not None
    assert (texts(inbox, eva), texts(inbox, ana)) == (["from Eva"], ["Ana again"])


# What the translation lets through: see test_no_message_breaks_the_translation.
hostile = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40
) | st.sampled_from(["'; DROP TABLE wabot_inbox; --", "%s %(name)s", '{"$gt": ""}', "\u202e\u0007" * 20])


@given(hostile, hostile, hostile, hostile, st.lists(hostile, max_size=3))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_in_any_field_is_kept_as_it_is(
    inbox: Inbox, text: str, name: str, message_id: str, quoted_text: str, mentions: list[str]
) -> None:
    Inbound.delete().execute()
    message = arrival(
        text, name=name, message_id=message_id, quoted_text=quoted_text, mentions=tuple(mentions)
    )
    inbox.store(message, NOON)
    row = Inbound.get()
    assert (row.text, row.message_id, row.quoted_text) == (text, message_id, quoted_text)
    assert set(inbox.known([message_id])) == {message_id}
