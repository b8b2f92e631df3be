"""A form with a file in it, in pieces of any size."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.brain.transcription.form import SoundForm
from wabot.brain.transcription.sound import Sound
from wabot.trials.peers.forms import FormFile, read_form


@pytest.mark.parametrize("size", [1, 7, 16_384])
@pytest.mark.parametrize("content", [b"", b"OggS" + bytes(range(256)) * 20])
def test_a_form_is_as_long_as_it_says_whatever_is_read_at_once(
    tmp_path: Path, size: int, content: bytes
) -> None:
    path = tmp_path / "7"
    path.write_bytes(content)
    with SoundForm({"model": "m", "language": "es"}, Sound(path, "voice.ogg", "audio/ogg", 1), "b0") as form:
        body = b"".join(iter(lambda: form.read(size), b""))
        assert len(body) == len(form)
    assert read_form("multipart/form-data; boundary=b0", body) == {
        "model": "m",
        "language": "es",
        "file": FormFile("voice.ogg", "audio/ogg", content),
    }
