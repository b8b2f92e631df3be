"""What a row of the outbox says of a file or a place: it comes back as it was, and nothing odd comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wabot.whatsapp.messages import Attachment
from wabot.whatsapp.uploads import Place, UploadedFile

KEPT = UploadedFile(
    url="https://mmg.whatsapp.net/v/t62/1?ccb=11-4",
    path="/v/t62/1?ccb=11-4",
    key="11" * 32,
    file_sha256="22" * 32,
    encrypted_sha256="33" * 32,
    size_bytes=10_240,
    mimetype="image/jpeg",
    file_name="precios ñ.pdf",
    width=640,
    height=480,
    thumbnail="ffd8",
)


def test_it_comes_back_from_its_row() -> None:
    assert UploadedFile.from_json(KEPT.to_json()) == KEPT
    assert Place.from_json(Place(39.47, 0.0).to_json()) == Place(39.47, 0.0)
    assert "11" * 32 not in repr(KEPT) and "t62" not in repr(KEPT), "neither its key nor its address"


def test_a_file_that_came_is_passed_on_as_it_is() -> None:
    came = Attachment("image/jpeg", "", 10_240, 0, False, "", KEPT.path, KEPT.key, "22" * 32, "33" * 32)
    passed_on = UploadedFile.of(came)
    assert (passed_on.url, passed_on.path, passed_on.key) == ("", KEPT.path, KEPT.key)
    assert UploadedFile.of(replace(came, address="http://10.0.0.1/x")).url == ""


@pytest.mark.parametrize(
    "change",
    [
        {"path": ""},
        {"path": "mmg.whatsapp.net/v"},
        {"url": "http://mmg.whatsapp.net/v"},
        {"key": ""},
        {"key": "zz" * 32},
        {"file_sha256": "22" * 31},
        {"encrypted_sha256": ""},
        {"thumbnail": "odd"},
    ],
    ids=str,
)
def test_what_is_no_kept_file(change: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        replace(KEPT, **change)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"path": 1}', '{"latitude": 91, "longitude": 0}'])
def test_rows_that_say_nothing_of_use(text: str) -> None:
    for kind in (UploadedFile, Place):
        with pytest.raises(ValueError):
            kind.from_json(text)
