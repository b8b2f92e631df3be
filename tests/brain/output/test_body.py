"""Answers come packed in many ways, broken off, and in pieces."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest

from tests.support.model_answers import OPEN, THOUGHT, A, chat, reading
from wabot.brain.output.answer import CallOutcome
from wabot.brain.output.body import MAX_UNPACKED_BYTES

WHOLE = json.dumps(chat(OPEN)).encode()


def stream(*events: object, end: str = "data: [DONE]\n\n") -> bytes:
    return ("".join(f"data: {json.dumps(event)}\n\n" for event in events) + end).encode()


def piece(content: object = None, finish: str | None = None, **delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content, **delta}, "finish_reason": finish}]}


BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "signs of life before it": (b": PROCESSING\n\n: PROCESSING\n\n" + json.dumps(chat(OPEN)).encode(), {}),
    "gzip": (gzip.compress(WHOLE), {"content_encoding": "gzip"}),
    "gzip that is not said": (gzip.compress(WHOLE), {}),
    "gzip twice": (gzip.compress(gzip.compress(WHOLE)), {"content_encoding": "gzip, gzip"}),
    "gzip in two files": (
        gzip.compress(WHOLE[:20]) + gzip.compress(WHOLE[20:]),
        {"content_encoding": "gzip"},
    ),
    "gzip that is said and is none": (WHOLE, {"content_encoding": "gzip"}),
    "deflate": (zlib.compress(WHOLE), {"content_encoding": "deflate"}),
    "deflate without a header": (zlib.compress(WHOLE, wbits=-15), {"content_encoding": "deflate"}),
    "a mark of the byte order": (b"\xef\xbb\xbf" + WHOLE, {}),
    "UTF-16": (json.dumps(chat(OPEN), ensure_ascii=False).encode("utf-16"), {}),
    "UTF-16 without a mark": (WHOLE.decode().encode("utf-16-le"), {}),
    "UTF-32": (WHOLE.decode().encode("utf-32"), {}),
    "Latin-1, said": (
        json.dumps(chat(f"¡Sí! {OPEN}"), ensure_ascii=False).encode("latin-1"),
        {"content_type": "application/json; charset=iso-8859-1"},
    ),
    "line ends before it": (b"\n\n   \n" + WHOLE + b"\n", {}),
    "the end of a stream behind it": (WHOLE + b"\n\ndata: [DONE]\n\n", {"content_type": "text/event-stream"}),
    "a stream": (
        stream(piece("", role="assistant"), piece("Abrimos "), piece("a las 10."), piece(finish="stop")),
        {"content_type": "text/event-stream"},
    ),
    "a stream with thoughts": (
        stream(piece(None, reasoning_content=THOUGHT), piece("Abrimos a las 10."), piece(finish="stop")),
        {},
    ),
    "a stream with comments": (b": PROCESSING\n\n" + stream(piece(OPEN), piece(finish="stop")), {}),
    "a stream with names and carriage returns": (
        b"event: message\r\nid: 1\r\n" + stream(piece(OPEN), piece(finish="stop")).replace(b"\n", b"\r\n"),
        {},
    ),
    "a stream without an end": (stream(piece(OPEN), piece(finish="stop"), end=""), {}),
    "a stream without empty lines": (
        stream(piece("Abrimos "), piece("a las 10."), piece(finish="stop")).replace(b"\n\n", b"\n"),
        {},
    ),
    "a stream of one": (b"data: " + WHOLE + b"\n\ndata: [DONE]\n\n", {}),
    "a list of one": (b"[" + WHOLE + b"]", {}),
}


@pytest.mark.parametrize("name", BODIES)
def test_an_answer_is_read_whatever_it_comes_in(name: str) -> None:
    body, of_the_line = BODIES[name]
    answer = reading(200, body, **of_the_line)
    assert answer.outcome is A
    assert answer.reply.text.removeprefix("¡Sí! ") == OPEN


@pytest.mark.parametrize(
    ("body", "encoding", "kind"),
    [
        (gzip.compress(b" " * 200_000_000), "gzip", "too_large"),
        (gzip.compress(gzip.compress(b" " * 200_000_000)), "gzip", "too_large"),
        (zlib.compress(b" " * (MAX_UNPACKED_BYTES + 1)), "deflate", "too_large"),
        (gzip.compress(WHOLE)[:-12], "gzip", "dropped"),
        (b"\x1f\x8bnothing", "gzip", "malformed"),
        (WHOLE, "br", "malformed"),
        (WHOLE[:-9], "", "malformed"),
        (b"\xff\xfe\xff", "", "malformed"),
        (stream(piece("Abrimos a l"), end=""), "", "dropped"),
        (stream(piece("Abrimos"), end='data: {"choices": [{"del\n\ndata: [DONE]\n\n'), "", "malformed"),
        (b"[" * 100_000, "", "malformed"),
        (b'{"choices":' * 50_000, "", "malformed"),
        (b'"\\ud800"', "", "malformed"),
        (b"", "", "malformed"),
    ],
)
def test_what_cannot_be_read_is_a_failure_and_takes_no_room(body: bytes, encoding: str, kind: str) -> None:
    started = time.process_time()
    answer = reading(200, body, content_encoding=encoding)
    assert (answer.outcome, answer.complaint.kind) == (CallOutcome.FAILED, kind)
    assert time.process_time() - started < 3


def test_an_error_inside_a_stream_is_no_answer() -> None:
    body = stream(piece("Abrimos a l"), {"error": {"message": "Upstream error", "code": 502}})
    assert reading(200, body).complaint.kind == "unavailable"
    filtered = stream(piece("Abrimos a l"), piece(finish="content_filter"))
    assert reading(200, filtered).outcome is CallOutcome.REFUSED
