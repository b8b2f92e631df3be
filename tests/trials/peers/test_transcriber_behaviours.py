"""The transcribers that trials speak to: what they are sent, and what they hear."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from wabot.emulator.people.sample_files import silent_voice
from wabot.trials.peers.forms import FormFile, read_form
from wabot.trials.peers.model_server import Behaviour, ModelServer
from wabot.trials.peers.transcriber_behaviours import REFUSALS, hear, hear_words, like_openai, refuse_ogg

NOTE = silent_voice(3, "¿Tienen tazas?")


def send(behaviour: Behaviour, content: bytes = NOTE, name: str = "voice.ogg") -> tuple[int, Any]:
    with ModelServer(behaviour) as server:
        answer = requests.post(
            f"{server.base_url}/audio/transcriptions",
            data={"model": "tiny", "language": "es"},
            files={"file": (name, content, "audio/ogg")},
            timeout=5,
        )
    return answer.status_code, answer.json()


def test_what_is_said_is_heard() -> None:
    assert send(hear("hola")) == (200, {"text": "hola"})
    assert send(hear_words()) == (200, {"text": "¿Tienen tazas?"})
    assert send(hear_words(), b"noise") == (200, {"text": ""})


@pytest.mark.parametrize("whose", REFUSALS)
def test_some_read_no_ogg(whose: str) -> None:
    behaviour = refuse_ogg(hear("hola"), *REFUSALS[whose])
    assert send(behaviour) == REFUSALS[whose]
    assert send(behaviour, b"RIFF", "voice.wav") == (200, {"text": "hola"})


def test_some_know_a_form_by_its_name() -> None:
    assert send(like_openai(hear_words()))[0] == 200
    assert send(like_openai(hear_words()), name="voice.oga") == REFUSALS["OpenAI"]


def test_a_form_is_read_byte_for_byte() -> None:
    content = bytes(range(256)) + b"\r\n--b\r\r\n"
    sent = requests.Request(
        "POST", "http://x/", data={"model": "té"}, files={"file": ("a b.ogg", content, "audio/ogg")}
    ).prepare()
    assert isinstance(sent.body, bytes)
    form = read_form(sent.headers["Content-Type"], sent.body)
    assert form == {"model": "té", "file": FormFile("a b.ogg", "audio/ogg", content)}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nhalf"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nnameless\r\n--b--\r\n"),
    ],
)
def test_what_is_no_form(kind: str, body: bytes) -> None:
    with pytest.raises(ValueError, match="form"):
        read_form(kind, body)
