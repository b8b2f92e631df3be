"""What a reply says stands in the library's own message; an upload is believed only where it is whole."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.neonize_events import e2e
from wabot.whatsapp.outgoing import Outgoing, UploadFailed, fill, harmless_reason, taken_file
from wabot.whatsapp.uploads import Place, UploadedFile

KEPT = UploadedFile(
    url="https://mmg.whatsapp.net/v/1",
    path="/v/1?ccb=11-4",
    key="11" * 32,
    file_sha256="22" * 32,
    encrypted_sha256="33" * 32,
    size_bytes=10,
    mimetype="a/b",
    file_name="prices.pdf",
    seconds=7,
    width=640,
    height=480,
    waveform="1e37",
    thumbnail="ffd8",
)


def filled(outgoing: Outgoing, expiration_seconds: int = 0) -> Any:
    message = e2e.Message()
    fill(message, outgoing, expiration_seconds)
    return e2e.Message.FromString(message.SerializeToString())


@pytest.mark.parametrize(
    ("kind", "field", "more"),
    [
        (
            "image",
            "imageMessage",
            {"caption": "A pot", "width": 640, "height": 480, "JPEGThumbnail": b"\xff\xd8"},
        ),
        ("video", "videoMessage", {"caption": "A pot", "seconds": 7}),
        ("voice", "audioMessage", {"PTT": True, "seconds": 7, "waveform": b"\x1e\x37"}),
        (
            "document",
            "documentMessage",
            {"caption": "A pot", "fileName": "prices.pdf", "title": "prices.pdf"},
        ),
    ],
)
@pytest.mark.parametrize("expiration_seconds", [0, 86_400])
def test_files(kind: str, field: str, more: dict[str, object], expiration_seconds: int) -> None:
    message = filled(Outgoing("A pot", kind, KEPT), expiration_seconds)
    if kind == "document":
        message = message.documentWithCaptionMessage.message
    said = getattr(message, field)
    assert (said.URL, said.directPath, said.mimetype, said.fileLength) == (KEPT.url, KEPT.path, "a/b", 10)
    assert (said.mediaKey, said.fileSHA256, said.fileEncSHA256) == (b"\x11" * 32, b"\x22" * 32, b"\x33" * 32)
    assert {name: getattr(said, name) for name in more} == more
    assert said.contextInfo.expiration == expiration_seconds


def test_a_document_without_words_stands_unwrapped_and_a_place_has_its_name() -> None:
    assert filled(Outgoing("", "document", KEPT)).documentMessage.fileName == "prices.pdf"
    said = filled(Outgoing("Here we are", "location", Place(39.47, -0.37)), 60).locationMessage
    assert (said.degreesLatitude, said.degreesLongitude, said.name) == (39.47, -0.37, "Here we are")
    assert said.contextInfo.expiration == 60


def test_texts_stand_as_before() -> None:
    assert filled(Outgoing("hello @12345")).conversation == "hello @12345"
    said = filled(Outgoing("hello"), 60).extendedTextMessage
    assert (said.text, said.contextInfo.expiration) == ("hello", 60)


@pytest.mark.parametrize(("kind", "what"), [("image", None), ("location", KEPT), ("sticker", KEPT)])
def test_what_there_is_nothing_of(kind: str, what: Any) -> None:
    with pytest.raises(ValueError):
        filled(Outgoing("", kind, what))


CONTENT = b"a picture"
TAKEN = {
    "url": KEPT.url,
    "DirectPath": KEPT.path,
    "MediaKey": bytes(32),
    "FileSHA256": hashlib.sha256(CONTENT).digest(),
    "FileEncSHA256": bytes(32),
    "FileLength": len(CONTENT),
}


def test_an_upload_that_is_whole() -> None:
    found = taken_file(SimpleNamespace(**TAKEN), CONTENT, "image/jpeg")
    assert replace(found, key=KEPT.key) == UploadedFile(
        KEPT.url,
        KEPT.path,
        KEPT.key,
        TAKEN["FileSHA256"].hex(),
        "00" * 32,
        len(CONTENT),
        "image/jpeg",  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize(
    "lie",
    [
        {"url": "", "DirectPath": ""},
        {"DirectPath": "v/1"},
        {"FileSHA256": bytes(32)},
        {"FileLength": 0},
        {"MediaKey": b""},
        {"FileEncSHA256": bytes(31)},
    ],
    ids=str,
)
def test_uploads_that_only_say_so(lie: dict[str, object]) -> None:
    with pytest.raises(UploadFailed) as raised:
        taken_file(SimpleNamespace(**TAKEN | lie), CONTENT, "image/jpeg")
    assert "https" not in str(raised.value) and not raised.value.is_refused


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("upload failed with status code 401", "upload failed with status code 401"),
        ('failed to execute request: Post "https://mmg/mms/image/x?auth=SECRET&token=T": EOF', "EOF"),
        (
            'failed: Post "https://a/?auth=SECRET": proxyconnect: "b": dial tcp: i/o timeout',
            "dial tcp: i/o timeout",
        ),
        ("Post https://mmg/?auth=SECRET failed", "the media host cannot be reached"),
        ("", "the media host cannot be reached"),
    ],
)
def test_why_an_upload_failed_names_no_login(error: str, reason: str) -> None:
    assert harmless_reason(error) == reason
    assert UploadFailed(reason).is_refused == ("401" in error)
