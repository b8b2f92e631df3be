"""Files in `wabot chat`: what a customer sends is read as the service reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.provider_server import ProviderServer
from wabot.cli.parser import main
from wabot.emulator.people.attachments import sample
from wabot.emulator.people.sample_files import silent_voice
from wabot.trials.peers.model_behaviours import parts_of, texts_of
from wabot.trials.peers.model_behaviours import say as says
from wabot.trials.peers.transcriber_behaviours import hear_words


@pytest.fixture
def model() -> Iterator[ProviderServer]:
    with ProviderServer(says("Sí, tenemos tazas.")) as server:
        yield server


@pytest.fixture
def hearing(config: Path, model: ProviderServer) -> Iterator[Path]:
    """The configuration of a bot that listens."""
    with ProviderServer(hear_words()) as ears:
        config.write_text(
            config.read_text()
            + f'[[ai.providers]]\nbase_url = "{model.base_url}"\nmodel = "m"\n'
            + f'[[ai.transcribers]]\nname = "ears"\nbase_url = "{ears.base_url}"\nmodel = "w"\n'
        )
        yield config


def say(config: Path, text: str) -> int:
    return int(main(["chat", "--config", str(config), "--once", text]))


def test_a_voice_note_is_heard_and_answered(
    hearing: Path, tmp_path: Path, model: ProviderServer, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "a note.ogg"
    note.write_bytes(silent_voice(3, "¿tienen tazas?"))
    assert say(hearing, f'/voice "{note}"') == 0
    said = capsys.readouterr()
    assert said.out.endswith("Sí, tenemos tazas.\n")
    assert "(understood: ¿tienen tazas?; " in said.err
    assert "¿tienen tazas?" in model.requests[0].messages[-1]["content"]
    note.write_bytes(silent_voice(3, "BAJA"))
    assert say(hearing, f'/voice "{note}"') == 0
    assert "no le enviaremos más mensajes" in capsys.readouterr().out


def test_a_picture_is_shown_and_a_document_is_read(
    hearing: Path, tmp_path: Path, model: ProviderServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, command in (("image", "/picture"), ("document", "/file")):
        file = tmp_path / {"image": "pot.jpg", "document": "prices.pdf"}[kind]
        file.write_bytes(sample(kind).content.replace(b"Invoice 4711", b"Pots from 12"))
        assert say(hearing, f"{command} {file} ¿cuánto cuesta?") == 0
        assert capsys.readouterr().out.endswith("Sí, tenemos tazas.\n"), kind
    (seen,) = [each for each in parts_of(model.requests[0].body)[-1] if each["type"] != "text"]
    assert seen["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert "Pots from 12" in "".join(texts_of(model.requests[-1].body))


def test_what_nothing_understands_is_asked_for_in_writing(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / "note.ogg"
    video.write_bytes(sample("voice").content)
    assert say(config, f"/voice {video}") == 0
    said = capsys.readouterr()
    assert "¿Me lo puede contar por escrito, por favor?" in said.out
    assert "to the owner> 🤖 +34600" not in said.out and "envió un audio que no he podido" in said.err
    assert "kept out: nothing here listens to voice notes" in said.err


@pytest.mark.parametrize("words", ["/voice", "/voice nowhere.ogg", '/picture "a b', "/file /"])
def test_a_file_that_is_not_there(config: Path, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(config, words) == 64
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no such file" in line or "quotation marks" in line
