"""What a transcriber is sent, and what is made of whatever it answers; against a real HTTP server."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.provider_server import KEY, ProviderServer, refused_url
from wabot.brain.output.completion import ErrorKind, ProviderError
from wabot.brain.settings import TranscriberSettings
from wabot.brain.transcription.sound import Sound, read_sound
from wabot.brain.transcription.transcriber import Transcriber
from wabot.emulator.people.sample_files import MP3, silent_voice
from wabot.trials.peers import model_behaviours as behaviours
from wabot.trials.peers.forms import FormFile
from wabot.trials.peers.model_server import Behaviour
from wabot.trials.peers.transcriber_behaviours import (
    REFUSALS,
    hear,
    hear_words,
    like_openai,
    refuse_ogg,
)

SECONDS = 1.0
WORDS = "quiero dos macetas de 24"


@pytest.fixture
def server(no_proxy: None) -> Iterator[ProviderServer]:
    with ProviderServer(like_openai(hear_words())) as running:
        yield running


@pytest.fixture
def note(tmp_path: Path) -> Sound:
    return kept(tmp_path, silent_voice(7, WORDS))


def kept(tmp_path: Path, content: bytes) -> Sound:
    file = tmp_path / "7"
    file.write_bytes(content)
    return read_sound(file, 7)


def settings(url: str, **changes: Any) -> TranscriberSettings:
    return replace(TranscriberSettings("ears", url, "whisper-1", KEY), **changes)


def heard(settings: TranscriberSettings, sound: Sound, language: str = "es", seconds: float = 5.0) -> str:
    return Transcriber(settings).transcribe(sound, language, seconds)


def test_a_note_goes_out_as_every_server_takes_it(server: ProviderServer, note: Sound) -> None:
    assert heard(settings(server.base_url), note) == WORDS
    (request,) = server.requests
    assert request.path == "/v1/audio/transcriptions"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    file = request.body.pop("file")
    assert file == FormFile("voice.ogg", "audio/ogg", note.path.read_bytes())
    assert request.body == {
        "model": "whisper-1",
        "language": "es",
        "response_format": "json",
        "temperature": "0",
    }


def test_a_large_file_is_read_as_it_goes_out(server: ProviderServer, tmp_path: Path) -> None:
    sound = kept(tmp_path, MP3 + bytes(3_000_000))
    server.default = hear("la la la")
    assert heard(settings(server.base_url), sound) == "la la la"
    file = server.requests[0].body["file"]
    assert (file.name, len(file.content)) == ("voice.mp3", len(MP3) + 3_000_000)


@pytest.mark.parametrize(
    ("kind", "language", "said"),
    [
        *(("openai", "chat", "es"), ("openai", "auto", None), ("openai", "pt", "pt")),
        *(("whisper.cpp", "chat", "es"), ("whisper.cpp", "auto", "auto"), ("whisper.cpp", "en", "en")),
    ],
)
def test_the_language_is_told_or_left_open(
    server: ProviderServer, note: Sound, kind: str, language: str, said: str | None
) -> None:
    base_url = server.base_url if kind == "openai" else server.base_url.removesuffix("/v1")
    model = "" if kind == "whisper.cpp" else "whisper-1"
    heard(settings(base_url, kind=kind, language=language, model=model), note)
    (request,) = server.requests
    assert request.body.get("language") == said
    assert request.path == ("/inference" if kind == "whisper.cpp" else "/v1/audio/transcriptions")
    assert ("model" in request.body) == bool(model)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (hear(" Hola,\nbuenas \u202etardes.\x00 \n"), "Hola, buenas tardes."),
        *((hear(nothing), "") for nothing in ("", " \n ", "\u200e\u2028", " Thanks for watching!")),
        (
            behaviours.json_value({"text": "hola", "language": "spanish", "segments": [], "error": None}),
            "hola",
        ),
        (hear("a" * 100_000), "a" * 20_000),
    ],
)
def test_what_was_heard_is_one_text(
    server: ProviderServer, note: Sound, answer: Behaviour, text: str
) -> None:
    server.default = answer
    assert heard(settings(server.base_url), note).replace("\u200e", "") == text


HTML = b"<html><body>Bad gateway</body></html>"
BAD: dict[str, tuple[Behaviour, ErrorKind, str]] = {
    "OpenAI refuses the format": (refuse_ogg(hear(""), *REFUSALS["OpenAI"]), "rejected", "does not take"),
    "whisper.cpp cannot read Ogg": (refuse_ogg(hear(""), *REFUSALS["whisper.cpp"]), "rejected", "not take"),
    "whisper.cpp has no ffmpeg": (
        refuse_ogg(hear(""), *REFUSALS["whisper.cpp, converting"]),
        "rejected",
        "does not take",
    ),
    "speaches has no model": (
        refuse_ogg(hear(""), *REFUSALS["speaches"]),
        "not_found",
        "not have this model",
    ),
    "too large": (behaviours.status(413, text="Payload Too Large"), "too_long", "larger than it takes"),
    "any other refusal": (behaviours.status(400, text="no"), "rejected", "refuses this voice note"),
    "a filter": (behaviours.status(400, text="content_policy"), "rejected", "refuses this voice note"),
    "no key": (behaviours.status(401), "unauthorized", "check its api_key"),
    "no credit": (behaviours.status(429, text="insufficient_quota"), "no_credit", "no credit left"),
    "too many": (behaviours.status(429, "7"), "rate_limited", "too many requests"),
    "out of order": (behaviours.status(500), "unavailable", "it answered 500"),
    "a gateway": (behaviours.status(502), "unavailable", "it answered 502"),
    "an error in a success": (
        behaviours.json_value({"error": "model crashed"}),
        "unavailable",
        "with an error",
    ),
    "HTML": (behaviours.raw(HTML, {"Content-Type": "text/html"}), "malformed", "not JSON"),
    "a list": (behaviours.json_value([1]), "malformed", "no text in it"),
    "no text": (behaviours.json_value({"text": None}), "malformed", "no text in it"),
    "half an answer": (behaviours.truncated(), "dropped", "broke off"),
    "hangs up": (behaviours.hang_up(), "dropped", "closed the connection"),
    "redirect": (behaviours.redirect("https://evil.example/"), "redirected", "a redirect"),
    "silence": (behaviours.silent(5), "timeout", "no complete answer within 1 s"),
    "slow header": (behaviours.slow_headers(5), "timeout", "no complete answer within 1 s"),
    "slow body": (behaviours.slow_body(5), "timeout", "no complete answer within 1 s"),
    "slow body of no length": (behaviours.slow_body(5, announced=False), "timeout", "within 1 s"),
    "endless": (behaviours.endless(), "too_large", "larger than"),
}


@pytest.mark.parametrize("bad", BAD)
def test_whatever_it_does_ends_in_time_with_one_line_for_the_operator(
    server: ProviderServer, note: Sound, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    caplog.set_level(logging.DEBUG)
    server.default, kind, says = BAD[bad]
    began_at = time.monotonic()
    with pytest.raises(ProviderError, match=says) as caught:
        heard(settings(server.base_url), note, seconds=SECONDS)
    assert time.monotonic() - began_at < SECONDS + 1.5
    assert caught.value.kind == kind
    assert str(caught.value).startswith("transcriber ears: ") and "\n" not in str(caught.value)
    assert KEY not in caplog.text + str(caught.value)
    assert caught.value.retry_after_seconds == (7 if bad == "too many" else None)


def test_a_server_that_is_not_there(no_proxy: None, note: Sound) -> None:
    with pytest.raises(ProviderError, match="nothing listens there") as caught:
        heard(settings(refused_url()), note)
    assert caught.value.kind == "unreachable"


def test_whoever_runs_whisper_cpp_is_told_what_to_start_it_with(server: ProviderServer, note: Sound) -> None:
    server.default = refuse_ogg(hear(""), *REFUSALS["whisper.cpp"])
    with pytest.raises(ProviderError, match="--convert"):
        heard(settings(server.base_url, kind="whisper.cpp", model=""), note)


def test_its_own_timeout_grows_with_what_the_note_plays(server: ProviderServer, note: Sound) -> None:
    server.default = hear("later", delay_seconds=0.6)
    assert heard(settings(server.base_url, timeout_seconds=0.1), note) == "later"
