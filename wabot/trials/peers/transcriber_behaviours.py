"""How a transcriber behaves, well or badly; what else `model_behaviours` has fits it as well."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from wabot.emulator.people.sample_files import words_of
from wabot.trials.peers.forms import FormFile
from wabot.trials.peers.model_server import Behaviour, Handler

_OGG = b"OggS"


def hear(text: str, delay_seconds: float = 0.0) -> Behaviour:
    """A transcriber that hears the same in whatever it is sent."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(delay_seconds)
        handler.send_json({"text": text})

    return act


def hear_words(delay_seconds: float = 0.0) -> Behaviour:
    """A transcriber that hears the words which `silent_voice` wrote into a note."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(delay_seconds)
        handler.send_json({"text": words_of(file_of(body).content)})

    return act


def refuse_ogg(well: Behaviour, status: int, refusal: object) -> Behaviour:
    """A transcriber that cannot read Ogg, and hears `well` what is in another form."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        if file_of(body).content.startswith(_OGG):
            handler.send_json(refusal, status)
        else:
            well(handler, body)

    return act


def like_openai(well: Behaviour) -> Behaviour:
    """One that knows a form by the ending of the file's name, and takes neither .opus nor .oga."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        ending = file_of(body).name.rpartition(".")[2]
        if ending in ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "ogg", "wav", "webm"):
            well(handler, body)
        else:
            status, refusal = REFUSALS["OpenAI"]
            handler.send_json(refusal, status)

    return act


REFUSALS: Mapping[str, tuple[int, object]] = {
    "OpenAI": (
        400,
        {"error": {"message": "Unrecognized file format. Supported formats: ['flac', 'm4a', 'mp3', 'ogg']"}},
    ),
    "whisper.cpp": (400, {"error": "failed to read audio data"}),
    "whisper.cpp, converting": (500, {"error": "FFmpeg conversion failed."}),
    "speaches": (404, {"detail": "Model 'tiny' is not installed locally."}),
}
"""Status and body with which transcribers refuse a file, by who says so."""


def file_of(body: dict[str, Any]) -> FormFile:
    """The file that is to be heard."""
    file = body["file"]
    if not isinstance(file, FormFile):
        raise TypeError(f"what is to be heard is no file: {file!r}")
    return file
