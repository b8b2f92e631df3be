"""WhatsApp's binary XML: stanzas to bytes and back.

A stanza is a tag, attributes and either bytes or child stanzas. Tags, attribute names and values are written
as numbers of a dictionary, packed digits, addresses (JIDs) or plain bytes (whatsmeow binary/).
The emulator writes plain bytes and JIDs only, which every client reads, and reads everything.
"""

from __future__ import annotations

import zlib

from wabot.emulator.wire.stanza import JID, LID_SERVER, PHONE_SERVER, Node, StanzaError, Value
from wabot.emulator.wire.tokens import TokenTable

_LIST_EMPTY = 0
_DICTIONARY_0, _DICTIONARY_3 = 236, 239
_INTEROP_JID, _FB_JID, _AD_JID = 245, 246, 247
_LIST_8, _LIST_16 = 248, 249
_JID_PAIR = 250
_HEX_8, _NIBBLE_8 = 251, 255
_BINARY_8, _BINARY_20, _BINARY_32 = 252, 253, 254

_AD_SERVERS = {0: PHONE_SERVER, 1: LID_SERVER, 128: "hosted", 129: "hosted.lid"}
_AD_AGENTS = {server: agent for agent, server in _AD_SERVERS.items()}
_PACKED_ALPHABETS = {_HEX_8: "0123456789ABCDEF", _NIBBLE_8: "0123456789-.\0\0\0\0"}
_COMPRESSED_FLAG = 2
_MAX_DEPTH = 32
_MAX_INFLATED_BYTES = 16 << 20


class BinaryXmlError(StanzaError):
    """The bytes are not a stanza, or the stanza cannot be written."""


def encode(node: Node) -> bytes:
    """`node` as the plaintext of one frame: an uncompressed flag byte, then the stanza."""
    out = bytearray(b"\0")
    _write_node(out, node)
    return bytes(out)


def decode(data: bytes, tokens: TokenTable) -> Node:
    """The stanza in the plaintext `data` of one frame; raises BinaryXmlError on anything else."""
    if not data:
        raise BinaryXmlError("the frame is empty")
    body = _inflate(data[1:]) if data[0] & _COMPRESSED_FLAG else data[1:]
    reader = _Reader(body, tokens)
    node = reader.node(0)
    if reader.offset != len(body):
        raise BinaryXmlError(f"{len(body) - reader.offset} bytes follow the stanza")
    return node


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(data, _MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise BinaryXmlError(f"the stanza cannot be inflated: {error}") from error
    if not inflater.eof:
        raise BinaryXmlError("the compressed stanza is truncated or too large")
    return body


def _write_node(out: bytearray, node: Node) -> None:
    _write_list_start(out, 1 + 2 * len(node.attributes) + (node.content is not None))
    _write_bytes(out, node.tag.encode())
    for name, value in node.attributes.items():
        _write_bytes(out, name.encode())
        if isinstance(value, JID):
            _write_jid(out, value)
        else:
            _write_bytes(out, value.encode())
    if isinstance(node.content, bytes):
        _write_bytes(out, node.content)
    elif node.content is not None:
        _write_list_start(out, len(node.content))
        for child in node.content:
            _write_node(out, child)


def _write_list_start(out: bytearray, size: int) -> None:
    if size < 1 << 8:
        out += bytes((_LIST_8, size))
    elif size < 1 << 16:
        out.append(_LIST_16)
        out += size.to_bytes(2, "big")
    else:
        raise BinaryXmlError(f"a list of {size} does not fit into a stanza")


def _write_bytes(out: bytearray, value: bytes) -> None:
    size = len(value)
    if size < 1 << 8:
        out += bytes((_BINARY_8, size))
    elif size < 1 << 20:
        out.append(_BINARY_20)
        out += size.to_bytes(3, "big")
    else:
        out.append(_BINARY_32)
        out += size.to_bytes(4, "big")
    out += value


def _write_jid(out: bytearray, jid: JID) -> None:
    if jid.device:
        if jid.server not in _AD_AGENTS or jid.device > 255:
            raise BinaryXmlError(f"{jid.server} has no device addresses like {jid.device}")
        out += bytes((_AD_JID, _AD_AGENTS[jid.server], jid.device))
        _write_bytes(out, jid.user.encode())
        return
    out.append(_JID_PAIR)
    if jid.user:
        _write_bytes(out, jid.user.encode())
    else:
        out.append(_LIST_EMPTY)
    _write_bytes(out, jid.server.encode())


class _Reader:
    """Reads one stanza from its start to its end."""

    def __init__(self, data: bytes, tokens: TokenTable) -> None:
        self.offset = 0
        self._data = data
        self._tokens = tokens

    def node(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise BinaryXmlError(f"stanzas are nested deeper than {_MAX_DEPTH}")
        size = self._list_size(self._integer(1))
        if size == 0:
            raise BinaryXmlError("a stanza without a tag")
        tag = self._string()
        attributes = {self._string(): self._value() for _ in range((size - 1) // 2)}
        return Node(tag, attributes, self._content(depth) if size % 2 == 0 else None)

    def _content(self, depth: int) -> bytes | list[Node] | None:
        tag = self._integer(1)
        if tag in (_LIST_8, _LIST_16):
            return [self.node(depth + 1) for _ in range(self._list_size(tag))]
        if tag == _LIST_EMPTY:
            return None
        size = self._byte_size(tag)
        return self._take(size) if size is not None else str(self._scalar(tag)).encode()

    def _string(self) -> str:
        value = self._value()
        if not isinstance(value, str) or not value:
            raise BinaryXmlError("a name is empty or an address")
        return value

    def _value(self) -> Value:
        tag = self._integer(1)
        size = self._byte_size(tag)
        return self._scalar(tag) if size is None else self._decode_text(self._take(size))

    def _scalar(self, tag: int) -> Value:
        if tag == _LIST_EMPTY:
            return ""
        if tag < _DICTIONARY_0:
            return self._tokens.single[tag]
        if tag <= _DICTIONARY_3:
            return self._tokens.double[tag - _DICTIONARY_0][self._integer(1)]
        if tag in _PACKED_ALPHABETS:
            return self._packed(_PACKED_ALPHABETS[tag])
        return self._jid(tag)

    def _jid(self, tag: int) -> JID:
        if tag == _JID_PAIR:
            return JID(self._user(), self._string())
        if tag == _AD_JID:
            agent, device = self._integer(1), self._integer(1)
            return JID(self._user(), _AD_SERVERS.get(agent, PHONE_SERVER), device)
        if tag in (_FB_JID, _INTEROP_JID):
            user, device = self._user(), self._integer(2)
            if tag == _INTEROP_JID:
                self._integer(2)  # the integrator says nothing to this service
            return JID(user, self._string(), device)
        raise BinaryXmlError(f"token {tag} is unknown")

    def _user(self) -> str:
        value = self._value()
        if isinstance(value, JID):
            raise BinaryXmlError("an address inside an address")
        return value

    def _packed(self, alphabet: str) -> str:
        start = self._integer(1)
        raw = self._take(start & 0x7F)
        text = "".join(alphabet[byte >> 4] + alphabet[byte & 15] for byte in raw)
        text = text[:-1] if start & 0x80 else text
        if "\0" in text:
            raise BinaryXmlError("packed digits hold a character they do not have")
        return text

    def _list_size(self, tag: int) -> int:
        if tag == _LIST_EMPTY:
            return 0
        if tag in (_LIST_8, _LIST_16):
            return self._integer(tag - _LIST_8 + 1)
        raise BinaryXmlError(f"token {tag} starts no list")

    def _byte_size(self, tag: int) -> int | None:
        if tag == _BINARY_8:
            return self._integer(1)
        if tag == _BINARY_20:
            return self._integer(3) & 0xFFFFF
        if tag == _BINARY_32:
            return self._integer(4)
        return None

    def _integer(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _take(self, size: int) -> bytes:
        end = self.offset + size
        if end > len(self._data):
            raise BinaryXmlError("the stanza is truncated")
        taken = self._data[self.offset : end]
        self.offset = end
        return taken

    @staticmethod
    def _decode_text(raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise BinaryXmlError("a text is not UTF-8") from error
