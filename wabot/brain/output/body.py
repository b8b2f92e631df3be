"""Reads the bytes of a model server's answer: whatever it is packed in, a JSON document or its text. Pure."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

#: What an answer may unpack to: a compressed megabyte can unpack to a gigabyte.
MAX_UNPACKED_BYTES = 4_000_000
_MAX_LAYERS = 3
_GZIP = b"\x1f\x8b"
_CHARSET = re.compile(r"charset=[\"']?([\w-]{1,40})", re.IGNORECASE)
_EVENT_STREAM = re.compile(r"\s*(?:data|event|id|retry)?:", re.ASCII)


# By which a gateway shows that it is still there.
_COMMENTS = re.compile(r"(?:\s*:[^\n]*\n)+\s*(?=[{\[])")


class UnreadableBody(Exception):
    """The bytes are nothing that can be read. The message is for the operator.

    Attributes:
        too_large: whether there was too much of it.
        broken_off: whether its end is missing.
    """

    def __init__(self, explanation: str, *, too_large: bool = False, broken_off: bool = False) -> None:
        super().__init__(explanation)
        self.too_large = too_large
        self.broken_off = broken_off


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came over the line."""

    status: int
    body: bytes
    content_type: str = ""
    content_encoding: str = ""


def read_document(answer: RawAnswer) -> Any:
    """The JSON document of an answer; the events of a stream become the one they tell piece by piece.

    Raises:
        UnreadableBody: it holds none.
    """
    text = read_text(answer)
    comments = _COMMENTS.match(text)
    text = text[comments.end() :] if comments else text
    if _EVENT_STREAM.match(text):
        return _from_events(text)
    try:
        document, end = json.JSONDecoder().raw_decode(text, len(text) - len(text.lstrip()))
    except (ValueError, RecursionError):
        raise UnreadableBody("its answer is not JSON") from None
    rest = text[end:].strip()
    # Some close an answer as if it had been a stream.
    if rest and not rest.startswith("data:"):
        raise UnreadableBody("its answer is not JSON")
    return document


def read_text(answer: RawAnswer) -> str:
    """The text of an answer: unpacked, and in whatever encoding of Unicode it says or shows.

    Raises:
        UnreadableBody: it cannot be unpacked, or is no text.
    """
    body = _unpacked(answer.body, answer.content_encoding)
    encoding: str = json.detect_encoding(body)
    if encoding.startswith("utf-8"):
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            declared = _CHARSET.search(answer.content_type)
            encoding = declared[1] if declared else ""
    try:
        if not encoding or codecs.lookup(encoding).name == "utf-8":
            raise UnreadableBody("its answer is no text in UTF-8")
        return body.decode(encoding).lstrip("\ufeff")
    except (LookupError, ValueError):
        raise UnreadableBody("its answer is no text in an encoding that is known here") from None


def _unpacked(body: bytes, content_encoding: str) -> bytes:
    """Undo compression that nobody asked for, layer by layer and no further than the limit."""
    layers = [layer.strip().lower() for layer in content_encoding.split(",")]
    packed = [layer for layer in layers if layer not in ("", "identity")]
    for _ in range(_MAX_LAYERS):
        if body.startswith(_GZIP):
            body = _inflated(body, zlib.MAX_WBITS | 16)
        elif packed and packed[-1] == "deflate":
            # By the standard with the header of zlib, by habit without.
            body = _inflated(body, zlib.MAX_WBITS if _has_zlib_header(body) else -zlib.MAX_WBITS)
        elif packed and packed[-1] not in ("gzip", "x-gzip"):
            raise UnreadableBody(f"its answer is packed ({packed[-1][:20]!r}), which nobody asked for")
        else:
            return body
        packed = packed[:-1]
    return body


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _inflated(body: bytes, window_bits: int) -> bytes:
    unpacked = bytearray()
    try:
        while body:
            unpacker = zlib.decompressobj(window_bits)
            unpacked += unpacker.decompress(body, MAX_UNPACKED_BYTES + 1 - len(unpacked))
            if len(unpacked) > MAX_UNPACKED_BYTES:
                raise UnreadableBody(
                    f"its answer unpacks to more than {MAX_UNPACKED_BYTES} bytes", too_large=True
                )
            if not unpacker.eof:
                raise UnreadableBody("it broke off in the middle of its answer", broken_off=True)
            # gzip may hold several files, one after the other.
            body = unpacker.unused_data if unpacker.unused_data.startswith(_GZIP) else b""
    except zlib.error:
        raise UnreadableBody("its answer is packed, and damaged") from None
    return bytes(unpacked)


def _from_events(text: str) -> Any:
    """Put the events of a stream together (WHATWG HTML, 9.2.6) to the document of an answer in one piece."""
    content: list[str] = []
    first: dict[str, Any] = {}
    message: dict[str, Any] = {}
    is_over = False
    for event in _events(text):
        if event in ("[DONE]", "DONE"):
            is_over = True
            break
        try:
            chunk = json.loads(event)
        except (ValueError, RecursionError):
            raise UnreadableBody("a piece of its answer is not JSON") from None
        if not isinstance(chunk, dict):
            continue
        if chunk.get("error"):
            return chunk
        first.update({key: value for key, value in chunk.items() if key == "usage" and value})
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            continue
        first.update({key: value for key, value in choice.items() if key in _OF_CHOICE and value})
        is_over = is_over or bool(choice.get("finish_reason"))
        for part in (choice.get("delta"), choice.get("message"), {"content": choice.get("text")}):
            if not isinstance(part, dict):
                continue
            if isinstance(part.get("content"), str):
                content.append(part["content"])
            elif isinstance(part.get("content"), list):
                message["content"] = [*message.get("content", ()), *part["content"]]
            message.update({key: value for key, value in part.items() if key in _OF_MESSAGE and value})
    if not is_over:
        raise UnreadableBody("it broke off in the middle of its answer", broken_off=True)
    usage = first.pop("usage", None)
    if content:
        message["content"] = "".join(content)
    return {"choices": [{**first, "message": {"content": None, **message}}], "usage": usage}


_OF_CHOICE = ("finish_reason", "native_finish_reason", "stop_reason", "error")
_OF_MESSAGE = ("tool_calls", "function_call", "refusal")


def _events(text: str) -> list[str]:
    """The data of each event: its lines joined, comments and other fields left out."""
    events: list[str] = []
    data: list[str] = []
    for line in [*re.split(r"\r\n|\n|\r", text), ""]:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            events.append("\n".join(data).strip())
            data = []
    return [event for each in events for event in ([each] if _is_one(each) else each.split("\n")) if event]


def _is_one(event: str) -> bool:
    """Whether it is one document; servers that forget the empty line between two events run them together."""
    return "\n" not in event or not event.split("\n", 1)[0].rstrip().endswith("}")
