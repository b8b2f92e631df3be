"""What messages say: each kind as neonize's protobuf classes see it, and read back."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.neonize_protobuf import decode, decode_all
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.plaintexts import Content, PlaintextError, Quote
from wabot.emulator.wire import protobuf

CHAT, AT = "15550100@s.whatsapp.net", 1_790_000_000_000
SECRET = bytes(range(32))
BODY = "¿Tenéis ladrillos? 🧱\nGracias"
encodable_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


def test_a_text_stands_where_phones_put_it() -> None:
    message = decode("Message", plaintexts.text(BODY, message_secret=SECRET))
    assert message["conversation"] == BODY
    assert b64decode(message["messageContextInfo"]["messageSecret"]) == SECRET
    assert len(message) == 2


def test_a_reply_quotes() -> None:
    reply = plaintexts.text(BODY, quote=Quote("3EB0AA", "15550100@lid", "Hola"))
    assert decode("Message", reply) == {
        "extendedTextMessage": {
            "text": BODY,
            "contextInfo": {
                "stanzaID": "3EB0AA",
                "participant": "15550100@lid",
                "quotedMessage": {"conversation": "Hola"},
            },
        }
    }
    assert plaintexts.read(reply) == Content("text", BODY, target_id="3EB0AA")


def test_a_text_mentions() -> None:
    mention = plaintexts.text("@15550100 hola", mentions=["15550100@lid"])
    extended = decode("Message", mention)["extendedTextMessage"]
    assert extended == {"text": "@15550100 hola", "contextInfo": {"mentionedJID": ["15550100@lid"]}}


def test_an_edit_a_deletion_and_a_reaction() -> None:
    edit = plaintexts.edit(CHAT, "3EB0AA", BODY, at=AT)
    revoke = plaintexts.revoke(CHAT, "3EB0AA")
    reaction = plaintexts.reaction(CHAT, "3EB0AA", "👍", from_me=False, at=AT)
    own_key = {"remoteJID": CHAT, "fromMe": True, "ID": "3EB0AA"}
    edited, revoked, reacted = decode_all(("Message", edit), ("Message", revoke), ("Message", reaction))
    assert edited["editedMessage"]["message"]["protocolMessage"] == {
        "key": own_key,
        "type": "MESSAGE_EDIT",
        "editedMessage": {"conversation": BODY},
        "timestampMS": str(AT),
    }
    assert revoked == {"protocolMessage": {"key": own_key, "type": "REVOKE"}}
    assert reacted["reactionMessage"] == {
        "key": {**own_key, "fromMe": False},
        "text": "👍",
        "senderTimestampMS": str(AT),
    }
    assert plaintexts.read(edit) == Content("edit", BODY, target_id="3EB0AA")
    assert plaintexts.read(revoke) == Content("revoke", target_id="3EB0AA")
    assert plaintexts.read(reaction) == Content("reaction", "👍", target_id="3EB0AA")


def test_what_another_device_sent() -> None:
    sent = plaintexts.device_sent("15550001@lid", plaintexts.text(BODY, message_secret=SECRET))
    decoded = decode("Message", sent)["deviceSentMessage"]
    assert decoded["destinationJID"] == "15550001@lid"
    assert decoded["message"]["conversation"] == BODY
    assert plaintexts.read(sent) == Content("text", BODY, destination="15550001@lid", message_secret=SECRET)


def test_what_another_device_sent_may_be_an_edit() -> None:
    sent = plaintexts.device_sent("15550001@lid", plaintexts.edit(CHAT, "3EB0AA", BODY, at=AT))
    assert plaintexts.read(sent) == Content("edit", BODY, target_id="3EB0AA", destination="15550001@lid")


def test_both_places_of_a_text_are_read() -> None:
    assert plaintexts.read(protobuf.encode([(1, BODY)])) == Content("text", BODY)
    extended = protobuf.encode([(6, protobuf.encode([(1, BODY), (17, b"")]))])
    assert plaintexts.read(extended) == Content("text", BODY)


def test_other_messages_are_told_apart() -> None:
    key_share = protobuf.encode([(12, protobuf.encode([(2, 6)]))])
    assert plaintexts.read(key_share).kind == "protocol"
    assert plaintexts.read(protobuf.encode([(5, b"")])).kind == "other"
    assert plaintexts.read(b"").kind == "other"


def test_messages_nested_without_end_are_not_followed() -> None:
    message = plaintexts.text(BODY)
    for _ in range(300):
        message = plaintexts.device_sent("15550001@lid", message)
    assert plaintexts.read(message).kind == "other"


@given(st.binary(max_size=300))
def test_padding_comes_off_again(message: bytes) -> None:
    padded = plaintexts.pad(message)
    assert 1 <= len(padded) - len(message) <= plaintexts.MAX_PADDING
    assert plaintexts.unpad(padded) == message


def test_padding_has_every_length() -> None:
    lengths = Counter(len(plaintexts.pad(b"")) for _ in range(1000))
    assert set(lengths) == set(range(1, 16))


@pytest.mark.parametrize("plaintext", [b"", b"\x00", b"\x02", b"hello\x03\x02\x03", b"\x05\x05"])
def test_wrong_padding_is_refused(plaintext: bytes) -> None:
    with pytest.raises(PlaintextError):
        plaintexts.unpad(plaintext)


@given(encodable_text, encodable_text, encodable_text)
def test_any_text_can_be_read_back(body: str, quoted: str, message_id: str) -> None:
    assert plaintexts.read(plaintexts.text(body)).text == body
    reply = plaintexts.text(body, quote=Quote(message_id, CHAT, quoted))
    assert plaintexts.read(reply) == Content("text", body, target_id=message_id or None)


@pytest.mark.parametrize("layout", [[1], [6, 1], [3, 3], [46, 2]])
def test_text_that_is_not_utf_8_is_read_anyway(layout: list[int]) -> None:
    message = b"caf\xe9"
    for number in reversed(layout):
        message = protobuf.encode([(number, message)])
    assert plaintexts.read(message).text == "caf\ufffd"


@given(st.binary(max_size=200))
def test_rubbish_is_a_message_or_refused(rubbish: bytes) -> None:
    try:
        assert isinstance(plaintexts.read(rubbish), Content)
    except PlaintextError as error:
        assert "not a message" in str(error)


@given(st.integers(1, 64), st.binary(max_size=60) | st.integers(0, 2**64 - 1))
def test_rubbish_in_any_field_is_read_or_refused(number: int, value: bytes | int) -> None:
    message = protobuf.encode([(number, value)])
    for wrapped in (message, plaintexts.device_sent("15550001@lid", message)):
        try:
            assert isinstance(plaintexts.read(wrapped), Content)
        except PlaintextError as error:
            assert "not a message" in str(error)


def test_secrets_are_random_and_not_shown() -> None:
    secret = plaintexts.new_message_secret()
    assert len(secret) == 32
    assert secret != plaintexts.new_message_secret()
    assert repr(secret) not in repr(plaintexts.read(plaintexts.text("hola", message_secret=secret)))
