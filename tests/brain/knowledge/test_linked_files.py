"""What a text links to: only what lies in its folder and is what it says, in the words of a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.brain.knowledge import linked_files
from wabot.brain.knowledge.linked_files import (
    BrokenLink,
    LinkedFile,
    broken_links,
    read_linked,
    write_links,
)
from wabot.emulator.people.sample_files import JPEG, MP3, MP4, PDF, silent_voice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of texts, beside what is nobody's business."""
    texts = tmp_path / "texts"
    for name, content in {
        "photos/pot24.jpg": JPEG,
        "photos/pot 24 (new).jpg": JPEG,
        "pots/near.jpg": JPEG,
        "no_picture.jpg": b"<html>",
        "song.mp3": MP3,
        "film.mp4": MP4,
        "prices.pdf": PDF,
        "hello.ogg": silent_voice(2),
        ".hidden/pot.jpg": JPEG,
        "shipping.md": b"# Shipping",
    }.items():
        path = texts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    (texts / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (texts / "outside").symlink_to(tmp_path)
    (texts / "inside.jpg").symlink_to(texts / "photos" / "pot24.jpg")
    return texts


def written(
    text: str, folder: Path | None, source: str = "pots/terracotta.md"
) -> tuple[str, list[LinkedFile]]:
    found: list[LinkedFile] = []

    def write(file: LinkedFile, is_alone: bool) -> str:
        found.append(file)
        return "" if is_alone else f"<{file.name}>"

    return write_links(text, source, folder, write), found


@pytest.mark.parametrize(
    ("link", "kind", "path"),
    [
        ("![Pot](photos/pot24.jpg)", "image", "photos/pot24.jpg"),
        ("![Pot](near.jpg)", "image", "pots/near.jpg"),
        ("[Pot](photos/pot24.jpg)", "image", "photos/pot24.jpg"),
        ('![Pot]( photos/pot24.jpg "our pot" )', "image", "photos/pot24.jpg"),
        ("![Pot](<photos/pot 24 (new).jpg>)", "image", "photos/pot 24 (new).jpg"),
        ("![Pot](photos/pot%2024%20(new).jpg)", "image", "photos/pot 24 (new).jpg"),
        ("![Pot](photos/pot 24 (new).jpg)", "image", "photos/pot 24 (new).jpg"),
        ("![Pot](inside.jpg)", "image", "inside.jpg"),
        ("[Pot](prices.pdf)", "document", "prices.pdf"),
        ("[Pot](film.mp4)", "video", "film.mp4"),
        ("[Pot](hello.ogg)", "voice", "hello.ogg"),
    ],
)
def test_links_to_files(folder: Path, link: str, kind: str, path: str) -> None:
    assert written(link, folder) == ("", [LinkedFile(kind, "Pot", path)])  # type: ignore[arg-type]
    assert written(f"- {link}", folder)[0] == "- ", "alone behind its bullet"
    assert written(f"See {link} here.", folder)[0] == "See <Pot> here."
    assert list(broken_links(link, "pots/terracotta.md", folder)) == []
    assert len(read_linked(folder, path)) > 0


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("photos/gone.jpg", "no such file"),
        ("../secret.jpg", "hidden"),
        ("photos/../../secret.jpg", "hidden"),
        ("/etc/passwd", "hidden"),
        ("%2e%2e/secret.jpg", "hidden"),
        (".hidden/pot.jpg", "hidden"),
        ("out.jpg", "does not lie in the folder"),
        ("outside/secret.jpg", "does not lie in the folder"),
        ("no_picture.jpg", "no JPEG"),
        ("song.mp3", "no JPEG"),
        ("photos", "directory"),
        ("large.jpg", "larger than 16 MB"),
        ("geo:91,0", "geo:LATITUDE"),
        ("geo:here", "geo:LATITUDE"),
    ],
)
def test_links_that_lead_to_nothing_to_send(folder: Path, target: str, why: str) -> None:
    with (folder / "large.jpg").open("wb") as large:
        large.write(JPEG)
        large.truncate(linked_files.MAX_FILE_BYTES + 1)
    text = f"Our ![pot]({target})."
    assert written(text, folder) == ("Our pot.", [])
    (told,) = broken_links(text, "pots.md", folder)
    assert told.startswith(f"pots.md links to {target}, which is not sent: ") and why in told


def test_a_file_that_was_exchanged_since_is_not_read(folder: Path) -> None:
    for path in ("out.jpg", "../secret.jpg", "/etc/passwd", "", "a\0b"):
        with pytest.raises(BrokenLink):
            read_linked(folder, path)


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("geo:39.47,-0.37", (39.47, -0.37)),
        ("geo:-33,151,20", (-33.0, 151.0)),
        ("GEO:39.47,-0.37?z=17", (39.47, -0.37)),
    ],
)
def test_places(folder: Path, target: str, place: tuple[float, float]) -> None:
    expected = ("", [LinkedFile("location", "Here we are", place=place)])
    assert written(f"[Here we are]({target})", folder) == expected
    assert written(f"[Here we are]({target})", None) == expected


@pytest.mark.parametrize(
    "link",
    ["[us](https://shop.example)", "[us](mailto:a@b.c)", "[us](//shop)", "[us](www.shop.es)", "[us](#top)"],
)
def test_links_to_addresses_stay(folder: Path, link: str) -> None:
    assert written(f"See {link} now", folder) == (f"See {link} now", [])
    assert list(broken_links(link, "a.md", folder)) == []


def test_a_link_to_another_text_is_only_its_name(folder: Path) -> None:
    assert written("See [shipping](shipping.md).", folder) == ("See shipping.", [])
    assert list(broken_links("[shipping](shipping.md#costs)", "a.md", folder)) == []


def test_lines_stay_and_each_link_of_one_is_found(folder: Path) -> None:
    text = "Pots:\n![One](photos/pot24.jpg) ![Two](near.jpg)\n\n| 24 cm | [Prices](prices.pdf) |"
    assert written(text, folder) == (
        "Pots:\n \n\n| 24 cm | <Prices> |",
        [
            LinkedFile("image", "One", "photos/pot24.jpg"),
            LinkedFile("image", "Two", "pots/near.jpg"),
            LinkedFile("document", "Prices", "prices.pdf"),
        ],
    )
