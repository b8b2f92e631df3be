"""A file that is no TOML, or not there: what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.config.load import load_settings
from wabot.errors import ConfigError, ExitCode


def test_who_types_the_name_of_a_number_is_told_its_file() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(Path("north"), {})
    assert caught.value.problems == [
        "north: no such file; create it or name another with --config, such as --config /etc/wabot/north.toml"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[account", "not valid TOML: Expected ']' at the end of a table declaration"),
        (b"a = 1\na = 2", "not valid TOML: Cannot overwrite a value"),
        (b"[account]\n[account]\n", "line 2: not valid TOML: Cannot declare ('account',) twice"),
        (
            b'a = 1\nname = "ma\xf1ana"',
            "line 2 has a character that is not UTF-8, such as an accent saved on Win",
        ),
        ("a = 1".encode("utf-16"), "it is saved as UTF-16; save it as UTF-8"),
        (b'[paths]\nstate = "C:\\Users\\shop"', "line 2, state: not valid TOML: "),
        (b'file = "D:\\shop\\persona"', "line 1, file: not valid TOML: "),
        (b"a = " + b"[" * 50_000, "not valid TOML: nested too deeply"),
        (b"a = " + b"9" * 5000, "not valid TOML: Exceeds the limit"),
        (b"\n[a]\nuser_id = shop\n", "line 3, user_id: not valid TOML: "),
        ("a = “shop”".encode(), "line 1, a: not valid TOML: "),
        (b"k = sk-123", "line 1, k: not valid TOML: "),
        (b"t = 15m", "line 1, t: not valid TOML: "),
        (b't = "abc\nx = 1', "line 1, t: not valid TOML: "),
        (b't = """abc', "not valid TOML: "),
        (b'allow = [\n"a"\nb = 1\n', "line 3, b: not valid TOML: "),
        (b'allow = [\n"a"\n', "not valid TOML: "),
        (b"name = 'shop", "not valid TOML: "),
        (b"c2VjcmV0LWtleS1vZi1taW5l==", "line 1: not valid TOML: "),
        (b"\nhello, world\n", "line 2: not valid TOML: "),
        (b"= 5", "line 1: not valid TOML: "),
        (b"#" * 1_000_001, "larger than 1000000 bytes"),
    ],
)
def test_what_is_no_configuration_at_all(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert str(caught.value).startswith(f"{file}: {said}")
    if said.endswith("not valid TOML: "):
        assert "; TOML is written NAME = VALUE" in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("sk-123", "c2Vj")), (
        "what stands unquoted may be a secret"
    )
    assert caught.value.exit_code is ExitCode.OPERATOR_NEEDED


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError, match="it is no regular file"):
        load_settings(Path("/dev/zero"), {})


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "wabot.toml"
    file.write_bytes(b'\xef\xbb\xbf[account]\nuser_id = "shop"\n')
    assert load_settings(file, {}).account.user_id == "shop"
