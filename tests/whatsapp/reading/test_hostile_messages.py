"""Messages made to break what reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.message_events import (
    Message,
    event,
    text,
    translated,
)
from tests.support.neonize_events import anything, events
from wabot.whatsapp.messages import MessageKind
from wabot.whatsapp.reading.translation import incoming_message


def test_notes_in_notes_take_no_more_time_than_their_length() -> None:
    message = Message()
    for _ in range(40):
        outer = Message()
        outer.requestPaymentMessage.noteMessage.CopyFrom(message)
        message = outer
    # Twice the work with each would be some thousand years.
    assert translated(message).kind is MessageKind.PAYMENT


def test_everything_has_a_bound() -> None:
    message = Message(extendedTextMessage={"text": "x" * 100_000})
    context = message.extendedTextMessage.contextInfo
    context.stanzaID = "i" * 10_000
    context.quotedMessage.conversation = "q" * 100_000
    context.mentionedJID.extend(["m" * 10_000] * 1000)
    hostile = event(message, chat="c" * 10_000 + "@lid")
    hostile.Info.ID = "i" * 10_000
    hostile.Info.Pushname = "n" * 10_000
    found = incoming_message(hostile)
    assert (len(found.text), len(found.quoted_text), len(found.name)) == (65_536, 65_536, 200)
    assert (len(found.message_id), len(found.target_id), len(found.chat), len(found.lid)) == (200,) * 3 + (
        100,
    )
    assert (len(found.mentions), {len(each) for each in found.mentions}) == (100, {200})


def test_nul_characters_which_postgresql_refuses_are_left_out() -> None:
    hostile = event(text("a\0b"))
    hostile.Info.Pushname = "A\0na"
    hostile.Info.ID = "3E\0B0"
    found = incoming_message(hostile)
    assert (found.text, found.name, found.message_id) == ("ab", "Ana", "3EB0")


@pytest.mark.parametrize("milliseconds", [-(2**63), 2**63 - 1, 10**17, 0, -62_135_596_800_000])
def test_an_impossible_time_is_now(milliseconds: int) -> None:
    hostile = event(text("hello"))
    hostile.Info.Timestamp = milliseconds
    age = datetime.now(UTC).replace(tzinfo=None) - incoming_message(hostile).sent_at
    assert abs(age.total_seconds()) < 60


LIKELY = (
    *("ephemeralMessage", "viewOnceMessage", "editedMessage", "deviceSentMessage", "message"),
    *("protocolMessage", "extendedTextMessage", "imageMessage", "reactionMessage", "conversation"),
    *("contextInfo", "quotedMessage", "mentionedJID", "stanzaID", "type", "key", "editedMessage", "text"),
    *("Info", "Message", "MessageSource", "Chat", "SenderAlt", "User", "Server", "IsGroup", "Timestamp"),
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(anything(events.Message, LIKELY))
def test_no_message_breaks_the_translation(hostile: Any) -> None:
    found = incoming_message(hostile)
    everything = (found.chat, found.message_id, found.sender, found.phone, found.lid, found.text)
    everything += (found.target_id, found.quoted_text, found.name, *found.mentions)
    assert not any("\0" in part for part in everything)
    assert found.sent_at.tzinfo is None
    assert found.contact == found.chat or found.phone
