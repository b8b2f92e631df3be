from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.support.arrivals import ANA, ANA_LID, GROUP
from tests.support.message_events import (
    AT,
    HISTORY_SYNC,
    MESSAGE_EDIT,
    REVOKE,
    Message,
    image,
    protocol,
    text,
    translated,
    undecryptable,
    with_field,
    with_keys,
    wrapped,
)
from tests.support.neonize_events import anything, e2e, events, jid
from wabot.emulator.signal import plaintexts
from wabot.whatsapp.messages import IncomingMessage, MessageKind, Receipt
from wabot.whatsapp.reading.translation import jid_text, receipt, undecryptable_message


@pytest.mark.parametrize(
    ("found", "unavailable_type", "kind"),
    [
        (undecryptable(), "", MessageKind.SPOILT),
        (undecryptable(Type="media"), "", MessageKind.SPOILT),
        (undecryptable(mode=2), "", MessageKind.HIDDEN),
        (undecryptable(Category="peer"), "", MessageKind.PROTOCOL),
        (undecryptable(unavailable=True, Type="text"), "", MessageKind.SPOILT),
        (undecryptable(unavailable=True, Type="media"), "", MessageKind.WITHHELD),
        (undecryptable(unavailable=True, Type="text"), "view_once", MessageKind.WITHHELD),
        (undecryptable(unavailable=True, Type="media"), "hosted_fanout", MessageKind.SPOILT),
    ],
)
def test_a_message_that_could_not_be_read(found: Any, unavailable_type: str, kind: MessageKind) -> None:
    assert undecryptable_message(found, unavailable_type) == IncomingMessage(
        chat=ANA,
        message_id="3EB0",
        sender=ANA,
        phone="34600111222",
        lid="299000111222",
        from_me=False,
        kind=kind,
        text="",
        sent_at=AT,
        name="Ana",
        sender_alt=ANA_LID,
    )


@pytest.mark.parametrize(
    "name", ["senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"]
)
def test_keys_alone_are_no_message(name: str) -> None:
    assert translated(with_keys(Message(), name), chat=GROUP).kind is MessageKind.PROTOCOL
    assert translated(wrapped("ephemeralMessage", with_keys(Message(), name))).kind is MessageKind.PROTOCOL


def test_keys_that_come_along_with_a_message_change_nothing() -> None:
    found = translated(with_keys(text("hello")), chat=GROUP)
    assert (found.kind, found.text) == (MessageKind.TEXT, "hello")
    assert translated(with_keys(image("look")), chat=GROUP).kind is MessageKind.IMAGE


def test_a_text() -> None:
    assert translated(text("hello")) == IncomingMessage(
        chat=ANA,
        message_id="3EB0",
        sender=ANA,
        phone="34600111222",
        lid="",
        from_me=False,
        kind=MessageKind.TEXT,
        text="hello",
        sent_at=AT,
        name="Ana",
        expiration_seconds=0,
    )


@pytest.mark.parametrize(
    ("message", "kind", "said", "target_id"),
    [
        (text("hello"), MessageKind.TEXT, "hello", ""),
        (Message(extendedTextMessage={"text": "see https://x"}), MessageKind.TEXT, "see https://x", ""),
        (image("this one?"), MessageKind.IMAGE, "this one?", ""),
        (with_field("videoMessage"), MessageKind.VIDEO, "", ""),
        (with_field("ptvMessage"), MessageKind.VIDEO, "", ""),
        (with_field("audioMessage"), MessageKind.AUDIO, "", ""),
        (with_field("stickerMessage"), MessageKind.STICKER, "", ""),
        (with_field("lottieStickerMessage"), MessageKind.OTHER, "", ""),
        (wrapped("lottieStickerMessage", with_field("stickerMessage")), MessageKind.STICKER, "", ""),
        (wrapped("associatedChildMessage", image("of an album")), MessageKind.IMAGE, "of an album", ""),
        (wrapped("groupMentionedMessage", text("to this group")), MessageKind.TEXT, "to this group", ""),
        (with_field("documentMessage"), MessageKind.DOCUMENT, "", ""),
        (with_field("locationMessage"), MessageKind.LOCATION, "", ""),
        (with_field("liveLocationMessage"), MessageKind.LOCATION, "", ""),
        (with_field("contactMessage"), MessageKind.CONTACT, "", ""),
        (with_field("contactsArrayMessage"), MessageKind.CONTACT, "", ""),
        (with_field("pollCreationMessage"), MessageKind.POLL, "", ""),
        (Message(), MessageKind.OTHER, "", ""),
        (Message(reactionMessage={"text": "👍", "key": {"ID": "3EB1"}}), MessageKind.REACTION, "👍", "3EB1"),
        (protocol(REVOKE, "3EB1"), MessageKind.REVOKE, "", "3EB1"),
        (protocol(REVOKE), MessageKind.PROTOCOL, "", ""),
        (with_field("protocolMessage"), MessageKind.PROTOCOL, "", ""),
        (Message(protocolMessage={"key": {"ID": "3EB1"}}), MessageKind.PROTOCOL, "", "3EB1"),
        (protocol(HISTORY_SYNC), MessageKind.PROTOCOL, "", ""),
        (protocol(MESSAGE_EDIT, "3EB1", text("size 39")), MessageKind.EDIT, "size 39", "3EB1"),
        (protocol(MESSAGE_EDIT, "3EB1", image("this two?")), MessageKind.EDIT, "this two?", "3EB1"),
        (
            wrapped("editedMessage", protocol(MESSAGE_EDIT, "3EB1", text("size 39"))),
            *(MessageKind.EDIT, "size 39", "3EB1"),
        ),
        (wrapped("ephemeralMessage", text("gone soon")), MessageKind.TEXT, "gone soon", ""),
        (wrapped("viewOnceMessage", image("once")), MessageKind.IMAGE, "once", ""),
        (wrapped("viewOnceMessageV2", image("once")), MessageKind.IMAGE, "once", ""),
        (wrapped("viewOnceMessageV2Extension", with_field("audioMessage")), MessageKind.AUDIO, "", ""),
        (wrapped("documentWithCaptionMessage", with_field("documentMessage")), MessageKind.DOCUMENT, "", ""),
        (wrapped("deviceSentMessage", text("mine")), MessageKind.TEXT, "mine", ""),
        (
            wrapped("deviceSentMessage", wrapped("ephemeralMessage", text("mine"))),
            *(MessageKind.TEXT, "mine", ""),
        ),
    ],
)
def test_what_a_message_carries(message: Any, kind: MessageKind, said: str, target_id: str) -> None:
    found = translated(message)
    assert (found.kind, found.text, found.target_id) == (kind, said, target_id)


def test_envelopes_in_envelopes_are_opened() -> None:
    message = text("deep")
    for _ in range(30):
        message = wrapped("ephemeralMessage", message)
    assert (translated(message).kind, translated(message).text) == (MessageKind.TEXT, "deep")


def test_quotes_and_mentions() -> None:
    message = Message(extendedTextMessage={"text": "@34911 this?"})
    context = message.extendedTextMessage.contextInfo
    context.stanzaID = "3EB1"
    context.participant = "34911:4@s.whatsapp.net"
    context.quotedMessage.CopyFrom(wrapped("ephemeralMessage", image("the blue one")))
    context.mentionedJID.extend(["34911@s.whatsapp.net", "299@lid", ""])
    found = translated(message)
    assert (found.target_id, found.quoted_text, found.quoted_sender) == ("3EB1", "the blue one", "34911")
    assert found.mentions == ("34911", "299", "")


def test_a_caption_may_quote_too() -> None:
    message = image("this?")
    message.imageMessage.contextInfo.quotedMessage.conversation = "the blue one"
    assert translated(message).quoted_text == "the blue one"


# What goes with a message: its chat's timer, the secret that seals edits of it


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"conversation": "hola"}, 0),
        ({"extendedTextMessage": {"text": "hola"}}, 0),
        ({"extendedTextMessage": {"text": "hola", "contextInfo": {"expiration": 86400}}}, 86400),
        ({"imageMessage": {"contextInfo": {"expiration": 604800}}}, 604800),
        ({"extendedTextMessage": {"contextInfo": {"expiration": 2**32 - 1}}}, 2**31 - 1),
        ({"reactionMessage": {"text": "👍"}}, None),
        ({"protocolMessage": {"type": REVOKE, "key": {"ID": "3EB1"}}}, None),
        ({}, None),
    ],
)
def test_a_message_says_after_what_time_its_chats_messages_disappear(
    fields: dict[str, Any], seconds: int | None
) -> None:
    assert translated(Message(**fields)).expiration_seconds == seconds
    assert translated(wrapped("ephemeralMessage", Message(**fields))).expiration_seconds == seconds


def test_the_secret_stands_in_or_around_the_envelopes() -> None:
    inside = text("hola")
    inside.messageContextInfo.messageSecret = b"s" * 32
    around = wrapped("ephemeralMessage", text("hola"))
    around.messageContextInfo.messageSecret = b"t" * 32
    short = text("hola")
    short.messageContextInfo.messageSecret = b"s" * 31
    found = [translated(message) for message in (inside, wrapped("ephemeralMessage", inside), around, short)]
    assert [message.secret for message in found] == ["73" * 32, "73" * 32, "74" * 32, ""]
    assert "73" * 32 not in repr(found[0])


def test_a_sealed_edit_is_an_edit_that_nobody_has_opened_yet() -> None:
    message = Message.FromString(
        plaintexts.sealed_edit("1@lid", "3EB1", "size 39", secret=b"s" * 32, sender=ANA, at=0)
    )
    found = translated(message)
    assert (found.kind, found.text, found.target_id) == (MessageKind.EDIT, "", "3EB1")
    nonce, content = map(bytes.fromhex, found.sealed.split(" "))
    assert (nonce, content) == (
        message.secretEncryptedMessage.encIV,
        message.secretEncryptedMessage.encPayload,
    )
    message.secretEncryptedMessage.secretEncType = 1
    assert translated(message).kind is MessageKind.OTHER, "of an event, or of what is not known"


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


def test_a_business_that_whatsapp_serves_itself_is_a_person_with_a_number() -> None:
    found = translated(text("hola"), chat="34600111222:99@hosted", sender="34600111222:99@hosted")
    assert found.is_person
    assert (found.chat, found.sender, found.phone) == (ANA, ANA, "34600111222")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("34600:15@s.whatsapp.net", "34600@s.whatsapp.net"),
        ("34600:99@hosted", "34600@s.whatsapp.net"),
        ("299000:99@hosted.lid", "299000@lid"),
        ("@s.whatsapp.net", "s.whatsapp.net"),
        ("@", ""),
    ],
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


def test_an_album_and_the_finer_twin_of_a_picture() -> None:
    album = e2e.Message(albumMessage={"expectedImageCount": 2, "expectedVideoCount": 2**32 - 1})
    found = translated(album)
    assert (found.kind, found.album_size, found.album_id) == (MessageKind.PROTOCOL, 100, "")
    picture = image("mira").SerializeToString()
    child = e2e.Message.FromString(picture + plaintexts.album_child("1@lid", "3EB1"))
    found = translated(wrapped("associatedChildMessage", child))
    assert (found.kind, found.text, found.album_id, found.album_size) == (
        MessageKind.IMAGE,
        "mira",
        "3EB1",
        0,
    )
    assert found.attachment is not None
    for twin in (
        e2e.Message.FromString(picture + plaintexts.finer_twin("1@lid", "3EB1")),
        e2e.Message.FromString(
            wrapped("associatedChildMessage", image("mira")).SerializeToString()
            + plaintexts.finer_twin("1@lid", "3EB1")
        ),
    ):
        found = translated(twin)
        assert (found.kind, found.text, found.attachment) == (MessageKind.MARK, "", None)
