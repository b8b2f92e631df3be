from __future__ import annotations

from pathlib import Path

from tests.support.examined_bot import illnesses
from tests.support.provider_server import ProviderServer
from wabot.brain.transcription.sound import read_sound
from wabot.doctor.transcribers import _SILENCE
from wabot.trials.peers import model_behaviours as behaviours
from wabot.trials.peers.transcriber_behaviours import REFUSALS, hear, like_openai, refuse_ogg


def add(file: Path, address: str, more: str = "") -> None:
    with file.open("a") as text:
        text.write(f'[[ai.transcribers]]\nname = "ears"\nbase_url = "{address}"\nmodel = "w"\n{more}')


def test_a_transcriber_is_asked_what_the_bot_asks(file: Path, state: Path, server: ProviderServer) -> None:
    add(file, server.base_url)
    server.default = like_openai(hear(""))
    assert illnesses(file) == {}
    assert server.requests[-1].body["file"].name == "voice.ogg"
    expected = {
        refuse_ogg(hear(""), *REFUSALS["whisper.cpp"]): ("does not take voice notes", "with --convert"),
        refuse_ogg(hear(""), *REFUSALS["speaches"]): ("does not have this model", "load w there, or edit"),
        behaviours.status(401): ("wants an api_key", "edit the api_key of [[ai.transcribers]] ears in"),
        behaviours.status(404, text=""): ("nothing at this address", 'or its kind: "whisper.cpp"'),
        behaviours.status(503): ("answered 503", "start it, or edit the base_url"),
    }
    for behaviour, (text, cure) in expected.items():
        server.default = behaviour
        ill = illnesses(file)["ai ears"]
        assert text in ill.text and cure in ill.cure


def test_one_on_another_machine_is_asked_only_where_that_is_allowed(file: Path, state: Path) -> None:
    add(file, "https://far.example/v1")
    assert illnesses(file) == {}


def test_voice_notes_behind_a_socks_proxy(file: Path, state: Path) -> None:
    add(file, "https://far.example/v1", '[connection]\nproxy = "socks5://127.0.0.1:1"\n')
    assert "SOCKS" in illnesses(file)["media"].text


def test_the_silence_it_is_sent_is_a_voice_note(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_bytes(_SILENCE)
    assert round(read_sound(note, 0).seconds, 2) == 1
