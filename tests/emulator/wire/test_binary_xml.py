"""Stanzas to bytes and back: what each kind of token means, round trips, rubbish."""

from __future__ import annotations

import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabot.emulator.wire.binary_xml import BinaryXmlError, decode, encode
from wabot.emulator.wire.stanza import JID, SERVER, Node, StanzaError
from wabot.emulator.wire.tokens import TokenTable, client_tokens

TOKENS = client_tokens()
SINGLE = {word: bytes([number]) for number, word in enumerate(TOKENS.single)}


def stanza(*parts: bytes, size: int) -> bytes:
    """A frame with a stanza of `size` items."""
    return b"\0" + bytes([248, size]) + b"".join(parts)


def text(value: str) -> bytes:
    raw = value.encode()
    return bytes([252, len(raw)]) + raw


def attribute(value: bytes) -> object:
    """What `value` is read as when it stands in an attribute."""
    return decode(stanza(text("x"), text("a"), value, size=3), TOKENS).attributes["a"]


def test_words_of_the_dictionary() -> None:
    double = TOKENS.double[2][7]
    read = decode(stanza(SINGLE["iq"], SINGLE["type"], bytes([238, 7]), size=3), TOKENS)
    assert read == Node("iq", {"type": double})


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (bytes([0]), ""),
        (bytes([255, 0x03, 0x12, 0x34, 0xAB]), "1234-."),
        (bytes([255, 0x82, 0x12, 0x3F]), "123"),
        (bytes([251, 0x02, 0x0F, 0xA9]), "0FA9"),
        (bytes([251, 0x81, 0xEF]), "E"),
        (bytes([252, 2]) + "ñ".encode(), "ñ"),
        (bytes([253, 0, 0, 1]) + b"a", "a"),
        (bytes([254, 0, 0, 0, 1]) + b"a", "a"),
        (bytes([250]) + text("1") + text("g.us"), JID("1", "g.us")),
        (bytes([250, 0]) + text("s.whatsapp.net"), SERVER),
        (bytes([247, 0, 3]) + text("1"), JID("1", "s.whatsapp.net", 3)),
        (bytes([247, 1, 3]) + text("1"), JID("1", "lid", 3)),
        (bytes([247, 129, 3]) + text("1"), JID("1", "hosted.lid", 3)),
        (bytes([246]) + text("1") + b"\0\5" + text("msgr"), JID("1", "msgr", 5)),
        (bytes([245]) + text("1") + b"\0\5\0\6" + text("interop"), JID("1", "interop", 5)),
    ],
)
def test_kinds_of_values(value: bytes, meaning: object) -> None:
    assert attribute(value) == meaning


def test_compressed_stanzas_are_read() -> None:
    node = Node("iq", {}, b"x" * 1000)
    assert decode(b"\2" + zlib.compress(encode(node)[1:]), TOKENS) == node


def test_content_that_is_a_word_is_read_as_bytes() -> None:
    assert decode(stanza(text("x"), SINGLE["iq"], size=2), TOKENS).data == b"iq"


nested_too_deep = b"\0" + (bytes([248, 2]) + text("x") + bytes([248, 1])) * 40 + bytes([248, 1]) + text("x")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"\0",
        b"\0\0",
        stanza(size=0),
        stanza(text("x"), size=3),
        stanza(text(""), size=1),
        stanza(text("x"), b"rest", size=1),
        stanza(text("x"), text("a"), bytes([255, 0x01, 0xC1]), size=3),  # nibble 12
        stanza(text("x"), text("a"), bytes([255, 0x01, 0x1F]), size=3),  # padding without the odd bit
        stanza(text("x"), text("a"), bytes([252, 1, 0xFF]), size=3),  # not UTF-8
        stanza(text("x"), text("a"), bytes([240]), size=3),  # an unknown token
        stanza(text("x"), text("a"), bytes([250, 250]) + text("1") * 3, size=3),
        stanza(text("x"), bytes([254, 255, 255, 255, 255]), size=2),
        nested_too_deep,
        b"\2not zlib",
        b"\2" + zlib.compress(encode(Node("x"))[1:])[:-4],  # the check sum is missing
        b"\2" + zlib.compress(bytes(20 << 20)),
    ],
)
def test_rubbish_is_refused(rubbish: bytes) -> None:
    with pytest.raises(BinaryXmlError):
        decode(rubbish, TOKENS)


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
jids = st.one_of(
    st.builds(JID, words, st.sampled_from(["s.whatsapp.net", "lid"]), st.integers(0, 255)),
    st.builds(JID, st.one_of(st.just(""), words), words),
)
nodes = st.recursive(
    st.builds(
        Node, words, st.dictionaries(words, st.one_of(words, jids), max_size=4), st.binary(max_size=300)
    ),
    lambda children: st.builds(Node, words, st.just({}), st.lists(children, min_size=1, max_size=3)),
    max_leaves=8,
)


@given(nodes)
def test_what_is_written_is_read(node: Node) -> None:
    assert decode(encode(node), TOKENS) == node


@pytest.mark.parametrize("size", [255, 256, 1 << 20])
def test_long_contents_and_lists(size: int) -> None:
    for node in (Node("x", {}, bytes(size)), Node("x", {}, [Node("y")] * min(size, 65535))):
        assert decode(encode(node), TOKENS) == node


@settings(max_examples=100)
@given(st.binary(max_size=120))
def test_any_bytes_are_a_stanza_or_an_error(data: bytes) -> None:
    for frame in (data, b"\0" + data, b"\0\xf8" + data):
        with suppress(BinaryXmlError):
            decode(frame, TOKENS)


def test_what_does_not_fit_is_not_written() -> None:
    with pytest.raises(BinaryXmlError, match="65536"):
        encode(Node("x", {}, [Node("y")] * 65536))
    with pytest.raises(BinaryXmlError, match=r"g\.us has no device"):
        encode(Node("x", {"a": JID("1", "g.us", 1)}))


class TestNodes:
    node = Node("a", {"to": JID("1", "lid", 2), "n": "5"}, [Node("b", {}, [Node("c", {}, b"x")]), Node("b")])

    def test_parts_are_found(self) -> None:
        assert self.node.jid("to").bare == JID("1", "lid")
        assert str(self.node.jid("to")) == "1:2@lid" and str(SERVER) == "s.whatsapp.net"
        assert self.node.text("n") == "5" and self.node.text("m", "none") == "none"
        found = self.node.child("b", "c")
        assert found is not None and found.data == b"x"
        assert self.node.child("b", "d") is None and self.node.child("c", "b") is None
        assert len(list(self.node.children("b"))) == 2

    def test_what_is_missing_is_told(self) -> None:
        with pytest.raises(StanzaError, match="<a> has no address in 'n'"):
            self.node.jid("n")
        with pytest.raises(StanzaError, match="<a> holds no bytes"):
            _ = self.node.data


def test_tables_of_any_library_fit() -> None:
    tiny = TokenTable(("",) * 236, (("word",) * 256,) * 4)
    assert decode(stanza(bytes([236, 9]), size=1), tiny) == Node("word")
