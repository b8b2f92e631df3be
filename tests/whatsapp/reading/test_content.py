"""What each field of a message is, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.message_events import (
    Message,
    event,
    text,
    translated,
    with_field,
    wrapped,
)
from tests.support.neonize_events import e2e
from wabot.whatsapp.messages import MessageKind
from wabot.whatsapp.reading.content import ACCOMPANYING, KINDS, is_envelope
from wabot.whatsapp.reading.translation import incoming_message

ENVELOPE_TYPES = [
    *(e2e.FutureProofMessage.DESCRIPTOR, e2e.DeviceSentMessage.DESCRIPTOR, e2e.CommentMessage.DESCRIPTOR)
]
PASSED_OVER = {
    *("senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage", "groupRootKeyShare"),
    *("protocolMessage", "albumMessage", "stickerSyncRmrMessage", "rootSecretDistributeMessage"),
    *("messageHistoryBundle", "messageHistoryNotice", "statusLinkPreviewMetadata"),
}


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
