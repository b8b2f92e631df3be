from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.arrivals import ANA, ANA_LID, GROUP
from tests.neonize_events import anything, e2e, events, jid
from wabot.messages import IncomingMessage, Kind, Receipt
from wabot.translation import incoming_message, jid_text, receipt

Message = e2e.Message
AT = datetime(2026, 11, 22, 12, 0, 0, 123000)
REVOKE, MESSAGE_EDIT, HISTORY_SYNC = 0, 14, 5


def event(message: Any, **source: Any) -> Any:
    """A message event of Ana's; `source` changes where it came from."""
    found = events.Message(Message=message)
    found.Info.ID = "3EB0"
    found.Info.Pushname = "Ana"
    found.Info.Timestamp = int(AT.replace(tzinfo=UTC).timestamp() * 1000)
    found.Info.MessageSource.Chat.CopyFrom(jid(source.pop("chat", ANA)))
    found.Info.MessageSource.Sender.CopyFrom(jid(source.pop("sender", ANA)))
    for name, value in source.items():
        field = {"sender_alt": "SenderAlt", "recipient_alt": "RecipientAlt"}.get(name)
        if field:
            getattr(found.Info.MessageSource, field).CopyFrom(jid(value))
        else:
            setattr(found.Info.MessageSource, name, value)
    return found


def translated(message: Any, **source: Any) -> IncomingMessage:
    return incoming_message(event(message, **source))


def text(words: str) -> Any:
    return Message(conversation=words)


def wrapped(name: str, message: Any) -> Any:
    outer = Message()
    getattr(outer, name).message.CopyFrom(message)
    return outer


def image(caption: str) -> Any:
    found = Message()
    found.imageMessage.caption = caption
    return found


def protocol(type_: int, target_id: str = "", edited: Any = None) -> Any:
    found = Message()
    found.protocolMessage.type = type_
    if target_id:
        found.protocolMessage.key.ID = target_id
    if edited is not None:
        found.protocolMessage.editedMessage.CopyFrom(edited)
    return found


def with_field(name: str) -> Any:
    found = Message()
    getattr(found, name).SetInParent()
    return found


def with_keys(message: Any, name: str = "senderKeyDistributionMessage") -> Any:
    getattr(message, name).groupID = GROUP
    message.messageContextInfo.deviceListMetadataVersion = 2
    return message


@pytest.mark.parametrize(
    "name", ["senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"]
)
def test_keys_alone_are_no_message(name: str) -> None:
    assert translated(with_keys(Message(), name), chat=GROUP).kind is Kind.PROTOCOL
    assert translated(wrapped("ephemeralMessage", with_keys(Message(), name))).kind is Kind.PROTOCOL


def test_keys_that_come_along_with_a_message_change_nothing() -> None:
    found = translated(with_keys(text("hello")), chat=GROUP)
    assert (found.kind, found.text) == (Kind.TEXT, "hello")
    assert translated(with_keys(image("look")), chat=GROUP).kind is Kind.IMAGE


def test_a_text() -> None:
    assert translated(text("hello")) == IncomingMessage(
        chat=ANA,
        message_id="3EB0",
        sender=ANA,
        phone="34600111222",
        lid="",
        from_me=False,
        kind=Kind.TEXT,
        text="hello",
        sent_at=AT,
        name="Ana",
    )


@pytest.mark.parametrize(
    ("message", "kind", "said", "target_id"),
    [
        (text("hello"), Kind.TEXT, "hello", ""),
        (Message(extendedTextMessage={"text": "see https://x"}), Kind.TEXT, "see https://x", ""),
        (image("this one?"), Kind.IMAGE, "this one?", ""),
        (with_field("videoMessage"), Kind.VIDEO, "", ""),
        (with_field("ptvMessage"), Kind.VIDEO, "", ""),
        (with_field("audioMessage"), Kind.AUDIO, "", ""),
        (with_field("stickerMessage"), Kind.STICKER, "", ""),
        (with_field("lottieStickerMessage"), Kind.OTHER, "", ""),
        (wrapped("lottieStickerMessage", with_field("stickerMessage")), Kind.STICKER, "", ""),
        (wrapped("associatedChildMessage", image("of an album")), Kind.IMAGE, "of an album", ""),
        (wrapped("groupMentionedMessage", text("to this group")), Kind.TEXT, "to this group", ""),
        (with_field("documentMessage"), Kind.DOCUMENT, "", ""),
        (with_field("locationMessage"), Kind.LOCATION, "", ""),
        (with_field("liveLocationMessage"), Kind.LOCATION, "", ""),
        (with_field("contactMessage"), Kind.CONTACT, "", ""),
        (with_field("contactsArrayMessage"), Kind.CONTACT, "", ""),
        (with_field("pollCreationMessage"), Kind.OTHER, "", ""),
        (Message(), Kind.OTHER, "", ""),
        (Message(reactionMessage={"text": "👍", "key": {"ID": "3EB1"}}), Kind.REACTION, "👍", "3EB1"),
        (protocol(REVOKE, "3EB1"), Kind.REVOKE, "", "3EB1"),
        (protocol(REVOKE), Kind.PROTOCOL, "", ""),
        (with_field("protocolMessage"), Kind.PROTOCOL, "", ""),
        (Message(protocolMessage={"key": {"ID": "3EB1"}}), Kind.PROTOCOL, "", "3EB1"),
        (protocol(HISTORY_SYNC), Kind.PROTOCOL, "", ""),
        (protocol(MESSAGE_EDIT, "3EB1", text("size 39")), Kind.EDIT, "size 39", "3EB1"),
        (protocol(MESSAGE_EDIT, "3EB1", image("this two?")), Kind.EDIT, "this two?", "3EB1"),
        (
            wrapped("editedMessage", protocol(MESSAGE_EDIT, "3EB1", text("size 39"))),
            *(Kind.EDIT, "size 39", "3EB1"),
        ),
        (wrapped("ephemeralMessage", text("gone soon")), Kind.TEXT, "gone soon", ""),
        (wrapped("viewOnceMessage", image("once")), Kind.IMAGE, "once", ""),
        (wrapped("viewOnceMessageV2", image("once")), Kind.IMAGE, "once", ""),
        (wrapped("viewOnceMessageV2Extension", with_field("audioMessage")), Kind.AUDIO, "", ""),
        (wrapped("documentWithCaptionMessage", with_field("documentMessage")), Kind.DOCUMENT, "", ""),
        (wrapped("deviceSentMessage", text("mine")), Kind.TEXT, "mine", ""),
        (
            wrapped("deviceSentMessage", wrapped("ephemeralMessage", text("mine"))),
            *(Kind.TEXT, "mine", ""),
        ),
    ],
)
def test_what_a_message_carries(message: Any, kind: Kind, said: str, target_id: str) -> None:
    found = translated(message)
    assert (found.kind, found.text, found.target_id) == (kind, said, target_id)


def test_envelopes_without_end_carry_nothing() -> None:
    message = text("deep")
    for _ in range(30):
        message = wrapped("ephemeralMessage", message)
    assert (translated(message).kind, translated(message).text) == (Kind.OTHER, "")


def test_quotes_and_mentions() -> None:
    message = Message(extendedTextMessage={"text": "@34911 this?"})
    context = message.extendedTextMessage.contextInfo
    context.stanzaID = "3EB1"
    context.quotedMessage.CopyFrom(wrapped("ephemeralMessage", image("the blue one")))
    context.mentionedJID.extend(["34911@s.whatsapp.net", "299@lid", ""])
    found = translated(message)
    assert (found.target_id, found.quoted_text) == ("3EB1", "the blue one")
    assert found.mentions == ("34911", "299", "")


def test_a_caption_may_quote_too() -> None:
    message = image("this?")
    message.imageMessage.contextInfo.quotedMessage.conversation = "the blue one"
    assert translated(message).quoted_text == "the blue one"


# Who wrote, and where to answer


@pytest.mark.parametrize(
    ("source", "phone", "lid", "contact"),
    [
        ({"chat": ANA, "sender": ANA}, "34600111222", "", ANA),
        ({"chat": ANA, "sender": ANA, "sender_alt": ANA_LID}, "34600111222", "299000111222", ANA),
        ({"chat": ANA_LID, "sender": ANA_LID, "sender_alt": ANA}, "34600111222", "299000111222", ANA),
        ({"chat": ANA_LID, "sender": ANA_LID}, "", "299000111222", ANA_LID),
        (
            {"chat": ANA_LID, "sender": "34900@s.whatsapp.net", "recipient_alt": ANA, "IsFromMe": True},
            *("34600111222", "299000111222", ANA),
        ),
        (
            {"chat": ANA_LID, "sender": "34900@s.whatsapp.net", "sender_alt": "7@lid", "IsFromMe": True},
            *("", "299000111222", ANA_LID),
        ),
        (
            {"chat": GROUP, "sender": ANA_LID, "sender_alt": ANA, "IsGroup": True},
            *("", "", GROUP),
        ),
    ],
)
def test_one_person_has_two_addresses(source: dict[str, Any], phone: str, lid: str, contact: str) -> None:
    found = translated(text("hello"), **source)
    assert (found.chat, found.sender) == (source["chat"], source["sender"])
    assert (found.phone, found.lid, found.contact) == (phone, lid, contact)
    assert found.from_me == source.get("IsFromMe", False)


@pytest.mark.parametrize(
    ("chat", "is_group", "is_person"),
    [
        (ANA, False, True),
        (ANA_LID, False, True),
        (GROUP, True, False),
        ("status@broadcast", False, False),
        ("120363@newsletter", False, False),
    ],
)
def test_what_kind_of_chat_it_is(chat: str, is_group: bool, is_person: bool) -> None:
    found = translated(text("hello"), chat=chat)
    assert (found.is_group, found.is_person) == (is_group, is_person)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("34600:15@s.whatsapp.net", "34600@s.whatsapp.net"), ("@s.whatsapp.net", "s.whatsapp.net"), ("@", "")],
)
def test_an_answer_goes_to_a_person_not_to_one_of_their_devices(address: str, shown: str) -> None:
    assert jid_text(jid(address)) == shown


# Receipts


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("DELIVERED", Receipt(("3EB0", "3EB1"), arrived=True)),
        ("INACTIVE", Receipt(("3EB0", "3EB1"), arrived=True)),
        ("READ", Receipt(("3EB0", "3EB1"), arrived=True)),
        ("PLAYED", Receipt(("3EB0", "3EB1"), arrived=True)),
        ("RETRY", Receipt(("3EB0", "3EB1"), arrived=False)),
        ("READ_SELF", Receipt((), arrived=False)),
        ("SENDER", Receipt((), arrived=False)),
        ("SERVER_ERROR", Receipt((), arrived=False)),
    ],
)
def test_what_a_receipt_says(kind: str, expected: Receipt) -> None:
    found = events.Receipt(MessageIDs=["3EB0", "3EB1"], Type=kind)
    assert receipt(found) == expected
    found.MessageSource.IsFromMe = True
    assert receipt(found) == Receipt((), arrived=False)


def test_a_receipt_has_a_bound() -> None:
    found = receipt(events.Receipt(MessageIDs=["x" * 1000] * 5000, Type="READ"))
    assert (len(found.message_ids), {len(each) for each in found.message_ids}) == (1000, {200})


@given(anything(events.Receipt, ("MessageIDs", "Type")))
def test_no_receipt_breaks_the_translation(hostile: Any) -> None:
    assert not any("\0" in message_id for message_id in receipt(hostile).message_ids)


# Hostile messages


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


@pytest.mark.parametrize("milliseconds", [-(2**63), 2**63 - 1, 10**17])
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
