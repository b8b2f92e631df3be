"""Files as they lie on a phone, and as somebody who watches is told of them."""

from __future__ import annotations

from pathlib import Path

from wabot.emulator.people.attachments import File, fetch, put_up, read_file
from wabot.emulator.world.media import Media


def test_files_of_a_disk(tmp_path: Path) -> None:
    path = tmp_path / "pot.png"
    path.write_bytes(b"png")
    assert read_file(path, "image") == File(b"png", "image/png", "pot.png")
    assert read_file(path, "voice").mimetype == "audio/ogg; codecs=opus"
    nameless = path.rename(path.with_name("pot"))
    assert read_file(nameless, "document").mimetype == "application/octet-stream"


def test_a_received_file_in_a_few_words() -> None:
    media = Media()
    said = put_up(media, "document", File(bytes(10_240), "application/pdf", "prices.pdf"), "for you")
    assert str(fetch(media, said)) == "[document prices.pdf, 10,240 bytes] for you"
    media.forget(said.direct_path)
    gone = "[document prices.pdf, not readable: there is no file where the message says] for you"
    assert str(fetch(media, said)) == gone
