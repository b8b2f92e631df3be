"""The dictionary in the installed client library, and files that hold none."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.emulator.wire.tokens import TokensError, client_tokens, find_client_library, read_tokens


def test_the_tables_of_the_installed_library() -> None:
    tokens = client_tokens()
    assert len(tokens.single) == 236
    assert tokens.single[:4] == ("", "xmlstreamstart", "xmlstreamend", "s.whatsapp.net")
    assert {"message", "receipt", "iq", "lid", "pkmsg"} <= set(tokens.single)
    assert [len(table) for table in tokens.double] == [256] * 4
    assert tokens.double[0][:3] == ("read-self", "active", "fbns")
    assert all(word for table in tokens.double for word in table)
    words = [word for table in (tokens.single, *tokens.double) for word in table]
    assert len(set(words)) == len(words)


def test_it_is_found_without_importing_the_library() -> None:
    assert find_client_library().name.startswith("neonize-linux-")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a 64-bit little-endian ELF file"),
        (b"\x7fELF\x02\x01" + bytes(10), "cannot be read as an ELF library"),
        (b"\x7fELF\x02\x01" + bytes(200), "machine 0 is not supported"),
        (b"\x7fELF\x02\x01" + bytes(12) + b"\x3e" + bytes(200), "starts 0 tables"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    library = tmp_path / "library.so"
    library.write_bytes(content)
    with pytest.raises(TokensError, match=reason):
        read_tokens(library)


def test_a_library_without_the_tables_is_refused(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    library.write_bytes(find_client_library().read_bytes().replace(b"xmlstreamstart", b"xmlstreamother"))
    with pytest.raises(TokensError, match="'xmlstreamstart' starts 0 tables"):
        read_tokens(library)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TokensError, match="cannot be read"):
        read_tokens(tmp_path / "missing.so")
