from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.arrivals import ANA, ANA_LID, GROUP
from tests.support.neonize_events import anything, e2e, events, jid
from wabot.emulator.signal import plaintexts
from wabot.whatsapp.messages import IncomingMessage, MessageKind, Receipt
from wabot.whatsapp.reading.content import ACCOMPANYING, KINDS, is_envelope
from wabot.whatsapp.reading.translation import incoming_message, jid_text, receipt, undecryptable_message

Message = e2e.Message
AT = datetime(2026, 11, 22, 12, 0, 0, 123000)
REVOKE, MESSAGE_EDIT, HISTORY_SYNC = 0, 14, 5
ENVELOPE_TYPES = [
    *(e2e.FutureProofMessage.DESCRIPTOR, e2e.DeviceSentMessage.DESCRIPTOR, e2e.CommentMessage.DESCRIPTOR)
]
PASSED_OVER = {
    *("senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage", "groupRootKeyShare"),
    *("protocolMessage", "albumMessage", "stickerSyncRmrMessage", "rootSecretDistributeMessage"),
    *("messageHistoryBundle", "messageHistoryNotice", "statusLinkPreviewMetadata"),
}


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


def undecryptable(unavailable: bool = False, mode: int = 1, **info: str) -> Any:
    found = events.UndecryptableMessage(IsUnavailable=unavailable, DecryptFailMode=mode)
    found.Info.CopyFrom(event(Message(), sender_alt=ANA_LID).Info)
    for name, value in info.items():
        setattr(found.Info, name, value)
    return found


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


def with_keys(message: Any, name: str = "senderKeyDistributionMessage") -> Any:
    getattr(message, name).groupID = GROUP
    message.messageContextInfo.deviceListMetadataVersion = 2
    return message


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


# What each field of a message is


def test_every_field_that_the_library_knows_has_an_end() -> None:
    """A field that a later library adds is OTHER until somebody says here what it is."""
    nameless = [
        field.name
        for field in Message.DESCRIPTOR.fields
        if field.name not in KINDS and field.name not in ACCOMPANYING and not is_envelope(field)
    ]
    assert nameless == []
    assert set(KINDS) | ACCOMPANYING <= {field.name for field in Message.DESCRIPTOR.fields}


@pytest.mark.parametrize("field", list(Message.DESCRIPTOR.fields), ids=lambda field: field.name)
def test_no_field_is_silence_from_customer_or_owner(field: Any) -> None:
    """Only what devices tell each other is passed over; all else reaches the gate, which gives it an end."""
    message = Message()
    if field.message_type is not None:
        getattr(message, field.name).SetInParent()
    kinds = {translated(message).kind, translated(message, IsFromMe=True).kind}
    assert (kinds == {MessageKind.PROTOCOL}) == (field.name in PASSED_OVER)


@pytest.mark.parametrize(
    "field",
    [field for field in Message.DESCRIPTOR.fields if field.message_type in ENVELOPE_TYPES],
    ids=lambda field: field.name,
)
def test_every_envelope_is_opened_by_its_type(field: Any) -> None:
    message = wrapped("ephemeralMessage", wrapped(field.name, text("inside")))
    assert (translated(message).kind, translated(message).text) == (MessageKind.TEXT, "inside")
    quoting = Message(extendedTextMessage={"text": "that one"})
    quoting.extendedTextMessage.contextInfo.quotedMessage.CopyFrom(message)
    assert translated(quoting).quoted_text == "inside"


def test_a_type_that_the_library_has_no_name_for_is_a_message() -> None:
    later = Message.FromString(b"\xc2\x3e\x05\x0a\x03new")  # field 1000
    assert translated(later).kind is MessageKind.OTHER
    assert translated(wrapped("ephemeralMessage", later)).kind is MessageKind.OTHER
    keys = with_field("senderKeyDistributionMessage")
    assert translated(keys).kind is MessageKind.PROTOCOL
    keys.MergeFrom(later)
    assert translated(keys).kind is MessageKind.OTHER
    keys.conversation = "hello"
    assert (translated(keys).kind, translated(keys).text) == (MessageKind.TEXT, "hello")


TYPES_WITH_WORDS: list[tuple[dict[str, Any], MessageKind, str]] = [
    (
        {"orderMessage": {"message": "for Friday", "orderTitle": "Brown pot"}},
        MessageKind.ORDER,
        "Brown pot|for Friday",
    ),
    (
        {"productMessage": {"product": {"title": "Pot", "description": "30 cm"}}},
        MessageKind.PRODUCT,
        "Pot|30 cm",
    ),
    (
        {"requestPaymentMessage": {"noteMessage": {"conversation": "the cake"}}},
        MessageKind.PAYMENT,
        "the cake",
    ),
    (
        {"sendPaymentMessage": {"noteMessage": {"extendedTextMessage": {"text": "paid"}}}},
        *(MessageKind.PAYMENT, "paid"),
    ),
    ({"invoiceMessage": {"note": "invoice 12"}}, MessageKind.PAYMENT, "invoice 12"),
    (
        {"buttonsResponseMessage": {"selectedButtonID": "b1", "selectedDisplayText": "Hours"}},
        *(MessageKind.TEXT, "Hours"),
    ),
    ({"buttonsResponseMessage": {"selectedButtonID": "b1"}}, MessageKind.TEXT, "b1"),
    (
        {"listResponseMessage": {"title": "Pots", "singleSelectReply": {"selectedRowID": "r1"}}},
        *(MessageKind.TEXT, "Pots"),
    ),
    ({"listResponseMessage": {"singleSelectReply": {"selectedRowID": "r1"}}}, MessageKind.TEXT, "r1"),
    (
        {"templateButtonReplyMessage": {"selectedID": "t1", "selectedDisplayText": "Yes"}},
        MessageKind.TEXT,
        "Yes",
    ),
    ({"interactiveResponseMessage": {"body": {"text": "Sent"}}}, MessageKind.TEXT, "Sent"),
    (
        {
            "interactiveResponseMessage": {
                "nativeFlowResponseMessage": {
                    "name": "flow",
                    "paramsJSON": '{"flow_token": "x", "id": "7", "city": "Vigo", "n": 2}',
                }
            }
        },
        *(MessageKind.TEXT, "Vigo"),
    ),
    (
        {"interactiveResponseMessage": {"nativeFlowResponseMessage": {"paramsJSON": "[" * 9000}}},
        *(MessageKind.OTHER, ""),
    ),
    (
        {
            "pollCreationMessageV3": {
                "name": "When?",
                "options": [{"optionName": "Mon"}, {"optionName": "Tue"}],
            }
        },
        *(MessageKind.POLL, "When?|Mon|Tue"),
    ),
    (
        {"groupInviteMessage": {"groupName": "Neighbours", "caption": "come in"}},
        MessageKind.INVITE,
        "Neighbours|come in",
    ),
    ({"eventMessage": {"name": "Fair", "location": {"name": "Square"}}}, MessageKind.EVENT, "Fair|Square"),
    ({"scheduledCallCreationMessage": {"title": "About the kiln"}}, MessageKind.EVENT, "About the kiln"),
    (
        {"templateMessage": {"hydratedTemplate": {"hydratedContentText": "Your parcel is here"}}},
        *(MessageKind.TEXT, "Your parcel is here"),
    ),
    ({"buttonsMessage": {"contentText": "Choose"}}, MessageKind.TEXT, "Choose"),
    ({"listMessage": {"title": "Menu", "description": "of today"}}, MessageKind.TEXT, "Menu|of today"),
    ({"interactiveMessage": {"body": {"text": "Welcome"}}}, MessageKind.TEXT, "Welcome"),
    (
        {"richResponseMessage": {"submessages": [{"messageText": "I am a bot"}]}},
        MessageKind.TEXT,
        "I am a bot",
    ),
    ({"bcallMessage": {"caption": "listen"}}, MessageKind.OTHER, "listen"),
    ({"pollCreationMessageV3": {}}, MessageKind.POLL, ""),
    ({"placeholderMessage": {}}, MessageKind.OTHER, ""),
    ({"encCommentMessage": {"encPayload": b"?"}}, MessageKind.OTHER, ""),
    ({"pollUpdateMessage": {"vote": {"encPayload": b"?"}}}, MessageKind.MARK, ""),
    ({"pinInChatMessage": {"type": 1}}, MessageKind.MARK, ""),
    ({"encReactionMessage": {"targetMessageKey": {"ID": "3EB1"}}}, MessageKind.REACTION, ""),
]


@pytest.mark.parametrize(("fields", "kind", "words"), TYPES_WITH_WORDS)
def test_the_words_of_every_type_that_carries_some(
    fields: dict[str, Any], kind: MessageKind, words: str
) -> None:
    found = translated(Message(**fields))
    assert (found.kind, sorted(found.text.split("\n"))) == (kind, sorted(words.split("|")))


@pytest.mark.parametrize(
    ("quoted", "title"),
    [
        ({"productMessage": {"product": {"title": "Brown pot"}}}, "Brown pot"),
        ({"orderMessage": {"orderTitle": "Order 12"}}, "Order 12"),
        ({"pollCreationMessageV3": {"name": "When?"}}, "When?"),
        ({"documentMessage": {"fileName": "prices.pdf"}}, "[document] prices.pdf"),
        ({"documentMessage": {"title": "Prices", "fileName": "p.pdf", "caption": "this"}}, "this"),
        ({"locationMessage": {"name": "Square"}}, "[location] Square"),
        ({"contactMessage": {"displayName": "Luis"}}, "[contact] Luis"),
        ({"imageMessage": {}}, "[image]"),
        ({"eventMessage": {"name": "Fair"}}, "Fair"),
        ({}, ""),
    ],
)
@pytest.mark.parametrize(
    "by", ["extendedTextMessage", "imageMessage", "pollCreationMessageV3", "orderMessage"]
)
def test_what_is_quoted_has_a_title(quoted: dict[str, Any], title: str, by: str) -> None:
    message = with_field(by)
    getattr(message, by).contextInfo.quotedMessage.CopyFrom(Message(**quoted))
    assert translated(message).quoted_text == title


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hola \xff", "hola \ufffd"),
        (b"\xed\xa0\x80 hola", "\ufffd\ufffd\ufffd hola"),
        (b"\xf0\x9f\x98", "\ufffd"),
    ],
)
def test_a_text_that_is_no_utf_8_is_read_as_far_as_it_goes(data: bytes, said: str) -> None:
    message = Message.FromString(b"\x0a" + bytes([len(data)]) + data)
    assert (translated(message).kind, translated(message).text) == (MessageKind.TEXT, said)
    quoting = Message(extendedTextMessage={"text": "this?"})
    quoting.extendedTextMessage.contextInfo.quotedMessage.CopyFrom(message)
    assert translated(quoting).quoted_text == said
    broken = event(text("hello"))
    # The name is field 5 of Info, which is field 1.
    broken.MergeFromString(b"\x0a" + bytes([2 + len(data)]) + b"\x2a" + bytes([len(data)]) + data)
    assert incoming_message(broken).name == said


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


# Hostile messages


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
