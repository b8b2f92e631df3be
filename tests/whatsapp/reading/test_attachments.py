"""What a message says of its file, read from messages as phones write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.neonize_events import anything, e2e
from wabot.emulator.people.attachments import put_up, sample
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.file_messages import ENVELOPES, FILE_KINDS, file_message
from wabot.emulator.world.media import Media
from wabot.whatsapp.messages import Attachment
from wabot.whatsapp.reading.attachments import attachment_of
from wabot.whatsapp.reading.content import unwrapped

SENT = {kind: put_up(Media(), kind, sample(kind)) for kind in FILE_KINDS}


def read(message: bytes) -> Attachment | None:
    return attachment_of(unwrapped(e2e.Message.FromString(message)))


@pytest.mark.parametrize("envelope", ["", *ENVELOPES])
@pytest.mark.parametrize("kind", FILE_KINDS)
def test_all_that_a_fetch_needs_is_read(kind: str, envelope: str) -> None:
    sent = SENT[kind]
    assert read(file_message(sent, envelope=envelope)) == Attachment(
        mimetype=sent.mimetype,
        file_name="document.pdf" if kind == "document" else "",
        size_bytes=sent.seal.length,
        seconds=sent.seconds,
        is_voice=kind == "voice",
        address=sent.url,
        path=sent.direct_path,
        key=sent.seal.media_key.hex(),
        file_sha256=sent.seal.sha256.hex(),
        encrypted_sha256=sent.seal.enc_sha256.hex(),
    )


@pytest.mark.parametrize(
    "message",
    [
        plaintexts.text("hola"),
        plaintexts.edit_message("1@lid", "3EB0", file_message(SENT["image"]), at=1),
        e2e.Message(locationMessage={"degreesLatitude": 1}).SerializeToString(),
        b"",
    ],
)
def test_a_message_without_a_file_has_none(message: bytes) -> None:
    assert read(message) is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("prices.pdf", "prices.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\docs\\offer 2026.pdf", "offer 2026.pdf"),
        ("..", ""),
        ("a\0b\nc\u202efdp.exe", "ab cfdp.exe"),
        ("n" * 300 + ".pdf", "n" * 116 + ".pdf"),
        ("n" * 300, "n" * 120),
        ("." + "n" * 300, "n" * 120),
        ("a." + "n" * 300, ("a." + "n" * 300)[:120]),
    ],
)
def test_a_name_is_one_line_and_no_path(said: str, kept: str) -> None:
    found = read(file_message(replace(SENT["document"], file_name=said)))
    assert found is not None and found.file_name == kept


def test_what_lies_is_bounded() -> None:
    lies: dict[str, Any] = {
        "length": 2**64 - 1,
        "seconds": 2**32 - 1,
        "media_key": bytes(10_000),
        "direct_path": "/" + "x" * 10_000,
        "url": "https://" + "x" * 10_000,
        "mimetype": "X" * 1000,
    }
    found = read(file_message(SENT["voice"], lies=lies))
    assert found is not None
    assert found.size_bytes < 2**63 and found.seconds < 2**31
    assert max(map(len, (found.key, found.path, found.address, found.mimetype))) <= 2000


@given(st.data())
def test_any_message_is_read(data: st.DataObject) -> None:
    names = ("imageMessage", "audioMessage", "documentMessage", "ptvMessage", "stickerMessage")
    found = attachment_of(unwrapped(data.draw(anything(e2e.Message, names))))
    assert found is None or found.file_name == " ".join(found.file_name.split())
