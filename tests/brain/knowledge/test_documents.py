"""What is read of each file in the folder of texts, and why one is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pdf_files import pages_of
from wabot.brain.knowledge import documents
from wabot.brain.knowledge.documents import LeftOut, read_document
from wabot.brain.knowledge.sections import Section

_READ = {
    "prices.pdf": (
        pages_of("Maceta de barro 24 cm 12,50 €\nMaceta de barro 30 cm 18,00 €"),
        [(("prices",), "Maceta de barro 24 cm 12,50 €\nMaceta de barro 30 cm 18,00 €")],
    ),
    "prices.csv": (
        'Producto;Precio;Nota\n"Maceta; barro";12,50 €;\n\n;5 €;sin nombre\nSaco;8 €;;de más\n'.encode(),
        [
            (
                ("prices",),
                "- Maceta; barro – Precio: 12,50 €\n- Precio: 5 €, Nota: sin nombre\n- Saco – Precio: 8 "
                "€, de más",
            ),
        ],
    ),
    "tabs.csv": (b"\xef\xbb\xbfName\tPrice\nPot\x00\t5\n", [(("tabs",), "- Pot: 5")]),
    "head.csv": (b"Name,Price\n", []),
    "empty.csv": (b"", []),
    "notes.txt": (b"We open at ten.", [(("notes",), "We open at ten.")]),
    "titled.TXT": (b"# Hours\nAt ten.", [(("Hours",), "At ten.")]),
    "plain.md": (b"At ten.", [((), "At ten.")]),
}


@pytest.mark.parametrize("name", _READ)
def test_what_is_read(tmp_path: Path, name: str) -> None:
    content, sections = _READ[name]
    (tmp_path / name).write_bytes(content)
    assert read_document(tmp_path / name, len(content)) == [Section(*each) for each in sections]


def test_what_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_MOST_ROWS", 2)
    monkeypatch.setattr(documents, "_MOST_CHARACTERS", 20)
    for name, content, size, why, used in (
        ("latin.csv", "año;1".encode("latin-1"), 5, "it is no UTF-8 text: save it as UTF-8", 0),
        ("long.csv", b"Name\na\nb\nc", 9, "its rows after the first 2 are not used: split it", 1),
        ("field.csv", b"a\n" + b"b" * 200_000, 9, "it is no table: check its quotation marks", 0),
        ("scan.pdf", pages_of(""), 9, "it holds no text: a scanned page is a picture", 0),
        (
            "long.pdf",
            pages_of("word " * 9),
            9,
            "what comes after 200 pages or 20 characters is not used: split it",
            1,
        ),
        ("big.pdf", b"", 20_000_001, "it is larger than 20000000 bytes: split it", 0),
        ("big.txt", b"", 1_000_001, "it is larger than 1000000 bytes: split it", 0),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LeftOut) as told:
            read_document(tmp_path / name, size)
        assert (str(told.value), len(told.value.sections)) == (why, used)
    with pytest.raises(LeftOut, match="it cannot be read: No such file or directory"):
        read_document(tmp_path / "gone.txt", 1)
