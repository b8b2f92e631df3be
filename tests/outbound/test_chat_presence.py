from __future__ import annotations

import time

import pytest

from tests.support.arrivals import ANA
from tests.support.office import (
    FIRST_JID,
    QUIET_SECONDS,
    Office,
    states,
    wait_until,
)
from wabot.outbound import chat_presence, sender
from wabot.outbound import unconfirmed as unconfirmed
from wabot.outbound.chat_presence import TypingIndicator
from wabot.whatsapp.signals import SendFailed, SendOutcome

NOON = 1000.0


def later(seconds: float) -> float:
    return NOON + seconds


@pytest.fixture
def typing() -> TypingIndicator:
    return TypingIndicator()


def test_it_is_shown_at_once_and_again_every_ten_seconds(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    assert typing.next_at() <= NOON  # type: ignore[operator]
    assert typing.due(NOON) == [("ana", True)]
    assert typing.next_at() == later(10)
    assert typing.due(later(9.9)) == []
    assert typing.due(later(10)) == [("ana", True)]
    assert typing.due(later(25)) == [("ana", True)]


def test_it_ends_by_itself(typing: TypingIndicator) -> None:
    typing.begin("ana", later(15))
    typing.due(NOON)
    assert typing.due(later(15)) == []
    assert typing.next_at() is None


def test_an_answer_that_does_not_come_takes_it_back(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    typing.due(NOON)
    typing.end("ana")
    assert typing.next_at() <= NOON  # type: ignore[operator]
    assert typing.due(later(1)) == [("ana", False)]
    assert typing.next_at() is None
    assert typing.due(later(20)) == []


def test_what_was_never_shown_needs_no_taking_back(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    typing.end("ana")
    typing.end("eva")
    assert typing.due(NOON) == []


def test_a_message_takes_it_away_and_the_next_part_brings_it_again(typing: TypingIndicator) -> None:
    typing.begin("ana", later(8))
    typing.due(NOON)
    typing.message_sent("ana", later(4))
    assert typing.due(later(4)) == [("ana", True)]
    typing.message_sent("ana", later(8))
    assert typing.next_at() is None
    typing.end("ana")
    assert typing.due(later(9)) == []


def test_after_a_drop_it_is_shown_anew(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    typing.begin("eva", later(60))
    assert typing.due(NOON) == [("ana", True), ("eva", True)]
    typing.end("eva")
    typing.link_lost()
    assert typing.due(later(1)) == [("ana", True)]


def test_chats_are_apart(typing: TypingIndicator) -> None:
    typing.begin("ana", later(60))
    typing.due(NOON)
    typing.begin("eva", later(60))
    assert typing.due(later(5)) == [("eva", True)]
    assert typing.next_at() == later(10)


# The sender shows it


def test_the_presence_is_announced_with_every_connection(office: Office) -> None:
    office.sender.link_up()
    wait_until(lambda: office.phone.announced == [False])
    office.put("hello")
    wait_until(lambda: office.phone.texts == ["hello"])
    assert office.phone.announced == [False]
    office.sender.link_down()
    office.sender.link_up()
    wait_until(lambda: office.phone.announced == [False, False])


def test_a_presence_that_cannot_be_announced_yet_is_announced_later(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(chat_presence, "_ANNOUNCE_AGAIN_SECONDS", 0.01)
    office.phone.announcements = [False, False]
    office.sender.link_up()
    wait_until(lambda: len(office.phone.announced) == 3)
    office.put("hello")
    wait_until(lambda: office.phone.texts == ["hello"])
    time.sleep(QUIET_SECONDS)
    assert (len(office.phone.announced), caplog.text) == (3, "")


def test_a_presence_that_breaks_the_client_library_does_not_stop_the_replies(office: Office) -> None:
    office.phone.announcements = [TypeError("no name")] * 1000
    office.sender.link_up()
    wait_until(lambda: office.phone.announced)
    office.put("hello")
    wait_until(lambda: office.phone.texts == ["hello"])


def test_messages_are_seen_and_somebody_types_while_the_link_is_up(office: Office) -> None:
    office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["never shown"])
    office.presence.answer_withdrawn(FIRST_JID)
    office.sender.link_up()
    office.presence.begin_typing(ANA, time.monotonic() + 60)
    wait_until(lambda: office.phone.typing == [(ANA, True)])
    office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["3EB0", "3EB1"])
    assert office.phone.seen == []
    office.put("hello")
    wait_until(lambda: office.phone.seen == [(FIRST_JID, FIRST_JID, ["3EB0", "3EB1"])])
    assert office.phone.texts == ["hello"]


def test_a_reply_that_whatsapp_refuses_gives_no_blue_ticks(office: Office) -> None:
    office.phone.failures = [SendFailed(SendOutcome.REFUSED, "server returned error 400")]
    office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["3EB0"])
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: states() == {"hello": "dead"})
    office.put("later")
    wait_until(lambda: states() == {"hello": "dead", "later": "sent"})
    assert office.phone.seen == []


def test_a_reply_that_is_due_goes_before_the_courtesies(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(office.phone, "mark_read", lambda *_: shown.append(len(office.phone.taken)))
    office.put("hello")
    office.presence.link_up()
    office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["3EB0"])
    office.sender.link_up()
    wait_until(lambda: shown)
    assert shown == [1]


def test_courtesies_wait_a_second_for_replies_and_no_longer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(office.phone, "mark_read", lambda *_: shown.append(len(office.phone.taken)))
    for longest_seconds, seen_after in ((3600.0, 5), (0.0, 1)):
        monkeypatch.setattr(sender, "_LONGEST_DISCOURTESY_SECONDS", longest_seconds)
        office.sender.link_up()
        wait_until(lambda: office.phone.announced)
        office.sender.link_down()
        office.phone.taken.clear()
        office.put(*(str(number) for number in range(5)))
        office.presence.link_up()
        office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["3EB0"])
        office.sender.link_up()
        wait_until(lambda: len(office.phone.taken) == 5 and shown)
        assert shown == [seen_after]
        shown.clear()
