from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import stat
import struct
import tempfile
import termios
from pathlib import Path

import pytest
import segno

from wabot.errors import OperatorNeeded
from wabot.service.pairing_screen import PairingScreen
from wabot.service.picture_file import PictureFile

# As long as WhatsApp's are, or a little shorter.
LONG = "https://wa.me/settings/linked_devices#2@" + "x" * 201
CODE = "https://wa.me/settings/linked_devices#2@" + "x" * 190
OTHER = CODE.replace("x", "y")
COLOURED = re.compile(r"^\x1b\[38;5;231;48;5;16m(.*)\x1b\[0m$", re.MULTILINE)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def large_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "60")


def modules(drawing: list[str]) -> list[list[bool]]:
    """The dark modules of a drawing, as a camera sees them: what is not drawn is dark."""
    top = {"█": False, "▀": False, "▄": True, " ": True}
    bottom = {"█": False, "▀": True, "▄": False, " ": True}
    return [[half[character] for character in line] for line in drawing for half in (top, bottom)]


def test_the_code_is_white_on_black_whatever_the_terminal_looks_like() -> None:
    output = Terminal()
    PairingScreen(output).show_qr(CODE)
    drawn = modules(COLOURED.findall(output.getvalue()))
    wanted = [[bool(module) for module in row] for row in segno.make(CODE, error="l").matrix_iter(border=2)]
    assert drawn[: len(wanted)] == wanted
    assert len(drawn) - len(wanted) <= 1


def test_a_new_code_takes_the_place_of_the_one_before() -> None:
    output = Terminal()
    screen = PairingScreen(output)
    screen.show_qr(CODE)
    lines = output.getvalue().count("\n")
    screen.show_qr(OTHER)
    assert output.getvalue().count(f"\x1b[{lines}F\x1b[J") == 1


def test_what_was_said_between_two_codes_stays() -> None:
    output = Terminal()
    screen = PairingScreen(output)
    screen.show_qr(CODE)
    screen.say("no connection; trying again")
    screen.show_qr(OTHER)
    assert "\x1b[J" not in output.getvalue()


@pytest.mark.parametrize(("columns", "rows", "line"), [("100", "24", -1), ("40", "60", 0)])
def test_a_code_that_does_not_fit_is_not_taken_back(
    monkeypatch: pytest.MonkeyPatch, columns: str, rows: str, line: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", rows)
    output = Terminal()
    screen = PairingScreen(output, otherwise="sudo wabot pair --png code.png")
    screen.show_qr(CODE)
    screen.show_qr(OTHER)
    assert "\x1b[J" not in output.getvalue()
    advice = output.getvalue().rstrip().splitlines()[line]
    assert advice.startswith(f"This window has {columns} columns and {rows} lines, and the code needs "), (
        "below a code that is too long, because what stands above has scrolled away; above one that is broken"
    )
    assert advice.endswith(", or stop with Ctrl-C and type: sudo wabot pair --png code.png")


@pytest.mark.parametrize(
    ("columns", "rows", "told"),
    [
        (61, 34, ""),
        (61, 33, "This window has 61 columns and 33 lines, and the code needs 61 and 34"),
        (60, 50, "This window has 60 columns and 50 lines, and the code needs 61 and 34"),
        (60, 24, "This window has 60 columns and 24 lines, and the code needs 61 and 34"),
    ],
)
def test_the_window_is_the_one_written_to(
    monkeypatch: pytest.MonkeyPatch, columns: int, rows: int, told: str
) -> None:
    # As sudo leaves it; and standard output is no terminal here, as while the library is at work.
    monkeypatch.delenv("COLUMNS")
    monkeypatch.delenv("LINES")
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with (
        os.fdopen(controller, "rb", buffering=0) as seen,
        os.fdopen(terminal, "w", encoding="utf-8") as output,
    ):
        screen = PairingScreen(output)
        screen.show_qr(LONG)
        screen.show_qr(LONG.replace("x", "y"))
        os.set_blocking(seen.fileno(), False)
        shown = ""
        while part := seen.read(65_536):
            shown += part.decode("utf-8", "replace")
    assert ("This window has" in shown) == bool(told)
    assert told in shown
    assert ("\x1b[J" in shown) == (not told), "where it fits, the new one takes its place"


def test_a_file_is_no_window_that_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "24")
    output = io.StringIO()
    PairingScreen(output).show_qr(CODE)
    assert "This window" not in output.getvalue()


def test_a_code_below_a_line_that_the_window_broke_is_not_taken_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "60")
    picture = tmp_path / ("x" * 200)
    screen = PairingScreen(output := Terminal(), PictureFile(picture))
    screen.show_qr(CODE)
    screen.show_qr(OTHER)
    screen.close()
    assert "\x1b[J" not in output.getvalue()


def test_where_it_does_not_fit_the_picture_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINES", "24")
    output = Terminal()
    screen = PairingScreen(output, PictureFile(tmp_path / "code.png"))
    screen.show_qr(CODE)
    screen.close()
    told = output.getvalue()
    assert told.endswith(f"or scan {tmp_path / 'code.png'}\n") and "--png" not in told


@pytest.mark.parametrize("output", [io.StringIO(), Terminal()])
def test_without_a_terminal_there_are_no_colours(
    monkeypatch: pytest.MonkeyPatch, output: io.StringIO
) -> None:
    if output.isatty():
        monkeypatch.setenv("TERM", "dumb")
    screen = PairingScreen(output)
    screen.show_qr(CODE)
    screen.show_qr(OTHER)
    assert "\x1b" not in output.getvalue()
    assert "█" in output.getvalue()


def test_the_picture_is_private_replaced_as_a_whole_and_gone_at_the_end(tmp_path: Path) -> None:
    picture = tmp_path / "code.png"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    picture.symlink_to(elsewhere)
    screen = PairingScreen(io.StringIO(), PictureFile(picture))
    screen.show_qr(CODE)
    assert stat.S_IMODE(picture.lstat().st_mode) == 0o600
    first = picture.read_bytes()
    screen.show_qr(OTHER)
    assert picture.read_bytes() != first
    assert picture.read_bytes().startswith(b"\x89PNG")
    screen.close()
    assert sorted(tmp_path.iterdir()) == [elsewhere]
    assert elsewhere.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_picture_belongs_to_whoever_typed_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    monkeypatch.setenv("SUDO_GID", "65534")
    # Below a directory that everybody may enter, which pytest's is not.
    with tempfile.TemporaryDirectory() as directory:
        os.chown(directory, 65534, 65534)
        screen = PairingScreen(io.StringIO(), PictureFile(Path(directory, "code.png")))
        screen.show_qr(CODE)
        assert Path(directory, "code.png").stat().st_uid == 65534
        screen.close()
        assert list(Path(directory).iterdir()) == []


def test_the_same_line_is_said_once() -> None:
    output = io.StringIO()
    screen = PairingScreen(output)
    for _ in range(3):
        screen.say("trying again")
    assert output.getvalue() == "trying again\n"


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    screen = PairingScreen(io.StringIO(), PictureFile(tmp_path / "gone" / "code.png"))
    with pytest.raises(OperatorNeeded, match=r"code\.png cannot be written"):
        screen.show_qr(CODE)
