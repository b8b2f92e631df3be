"""The interactive emulator without a bot: what each line does and says."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator

import pytest

from wabot.emulator.command import main
from wabot.emulator.console import HELP, Console
from wabot.emulator.server.emulator import Emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def console(emulator: Emulator) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(emulator, out), out


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("hola", "no: no bot is linked to the account: scan its code first"),
        ("/phone hola", "no: no bot is linked to the account: scan its code first"),
        ("/phone", "no: /phone wants the text that the owner writes"),
        ("/voice", "no: no bot is linked to the account: scan its code first"),
        ("/voice /nowhere.ogg", "no: /nowhere.ogg cannot be read: No such file or directory"),
        ('/picture "/no where.jpg" our pot', "no: /no where.jpg cannot be read: No such file or directory"),
        ("/picture", "no: /picture wants a file, and a caption if you like: /picture pot.jpg Our pot"),
        ("/file", "no: /file wants a file: /file prices.pdf"),
        ("/file /", "no: / cannot be read: Is a directory"),
        ("/location 39.47, -0.37 The shop", "no: no bot is linked to the account: scan its code first"),
        ("/location 99,0", "no: /location wants degrees, and a name if you like: /location 39.47,-0.37 Shop"),
        ("/location here", "no: /location wants degrees, and a name if you like: /location 39.47,-0.37 Shop"),
        ("/as 2", "you are Customer 2, +34600000002"),
        ("/as two", "no: /as wants a number: /as 2"),
        ("/as 0", "no: /as wants a number: /as 2"),
        ("/scan", "no: this is no code to link a device: five fields with commas are expected"),
        ("/cut send", "the link will be cut when the bot sends its next message"),
        ("/ban soon", "no: 'soon' is no duration: say 30s or 2m"),
        ("/dance", "no: /dance is unknown; /help tells what there is"),
        ("/status", "the bot is not linked, away; 0 logins in 0 dials, 0 messages wait for it;"),
        ("/help", "/refuse 10s       refuse connections for a while"),
    ],
)
def test_what_a_line_answers(console: tuple[Console, io.StringIO], line: str, answer: str) -> None:
    carried, out = console
    carried.carry_out(line)
    assert answer in out.getvalue()


@pytest.mark.parametrize("line", ["", "/cut", "/silence", "/speak", "/replace", "/logout", "/late 0.1s"])
def test_what_needs_no_answer(console: tuple[Console, io.StringIO], line: str) -> None:
    carried, out = console
    carried.carry_out(line)
    assert out.getvalue() == ""


def test_every_command_is_in_the_help(console: tuple[Console, io.StringIO]) -> None:
    for name in console[0]._commands:
        assert f"/{name}" in HELP


def test_events_are_shown_without_control_characters(emulator: Emulator) -> None:
    out = io.StringIO()

    def lines() -> Iterator[str]:
        emulator._service.note("reply", "34600000001", "\x1b[2Jhola")
        emulator._service.note("dial", "bot")
        emulator._service.note("own chat", "34600000009", "an alert")
        emulator._service.note("unknown query", "bot", "blocklist set item")
        yield "/quit\n"
        yield "never read\n"

    Console(emulator, out).run(lines())  # type: ignore[arg-type]
    shown = [line[10:] for line in out.getvalue().splitlines()]
    assert shown == [
        "Customer 1 reads: ?[2Jhola",
        "the owner reads in the chat with themselves: an alert",
        "the bot asked what nobody here knows, and was told so: blocklist set item",
    ]


def test_the_command_tells_how_to_start_a_bot_and_ends_with_its_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wabot.emulator"],
        input="/status\n/as 3\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    assert "export HTTPS_PROXY=http://127.0.0.1:" in done.stdout
    assert "wabot.emulator.server.launcher" in done.stdout and "wabot run --config /" in done.stdout
    assert "you are Customer 3" in done.stdout
    assert "this is an emulator of WhatsApp on 127.0.0.1" in done.stderr


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--sing"])
    assert ended.value.code == 64
    assert capsys.readouterr().err == (
        "wabot emulator: unrecognized arguments: --sing; see wabot emulator --help\n"
    )


def test_a_command_of_ones_own_goes_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--run", "--", "python", "bot.py"])
    assert ended.value.code == 64
    assert "a command of your own goes with neither --run nor --config" in capsys.readouterr().err


def test_a_command_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", "--", "/nowhere/bot", "--flag"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "wabot: /nowhere/bot cannot be started: No such file or directory"
    )
