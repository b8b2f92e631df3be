"""`wabot pair` at a terminal, with the real client library against the emulator."""

from __future__ import annotations

import os
import pty
import re
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.bot_process import REPOSITORY, BotProcess
from tests.e2e.conftest import MakeBot
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e


class Terminal:
    """`wabot pair` with a terminal of its own."""

    def __init__(self, bot: BotProcess, *options: str, script: Path | None = None) -> None:
        self._controller, terminal = pty.openpty()
        self._shown = bytearray()
        arguments = ["pair", "--config", str(bot.config), *options]
        emulator = bot.emulator
        self.process = subprocess.Popen(
            emulator.command_for_script(script, *arguments) if script else emulator.command(*arguments),
            env={**bot.emulator.environment(), "TERM": "xterm", "COLUMNS": "100", "LINES": "60"},
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def shown(self) -> str:
        """Everything so far."""
        # The end may be half a character that is still on its way.
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    def wait_for(self, wanted: str | Callable[[str], object], timeout_seconds: float = 20) -> str:
        """Wait until a text is shown."""
        deadline = time.monotonic() + timeout_seconds
        reached = wanted if callable(wanted) else lambda shown: wanted in shown
        while not reached(self.shown):
            assert time.monotonic() < deadline and self.process.poll() is None, self.shown
            time.sleep(0.05)
        return self.shown

    def exit_code(self, timeout_seconds: float = 20) -> int:
        """How it ended, once it did."""
        code = self.process.wait(timeout_seconds)
        self._reader.join(5)
        return code

    def close(self) -> None:
        """End it if it still runs."""
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        os.close(self._controller)

    def _read(self) -> None:
        while True:
            try:
                read = os.read(self._controller, 65_536)
            except OSError:
                # The last process that had the terminal open is gone.
                return
            self._shown += read


@pytest.fixture
def pair() -> Iterator[Callable[..., Terminal]]:
    """Starts `wabot pair` for a bot; ends it after the test."""
    terminals: list[Terminal] = []

    def start(bot: BotProcess, *options: str, script: Path | None = None) -> Terminal:
        terminals.append(Terminal(bot, *options, script=script))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


Pair = Callable[..., Terminal]


def code_on_show(bot: BotProcess) -> str:
    """The QR code's text, as a dashboard reads it."""
    return str(bot.wait_for(lambda status: bool(status["qr"]))["qr"])


def row(bot: BotProcess) -> tuple[str, ...]:
    (found,) = bot.rows('SELECT "status", "qrCode", "phoneNumber", "lastError" FROM whatsapp_connections')
    return found


def test_scan_at_a_terminal_then_the_service(
    emulator: Emulator, make_bot: MakeBot, pair: Pair, tmp_path: Path
) -> None:
    bot = make_bot()
    picture = tmp_path / "code.png"
    terminal = pair(bot, "--png", str(picture))
    terminal.wait_for("Scan this code")
    code = code_on_show(bot)
    assert row(bot)[:2] == ("QR_PENDING", code)
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600
    assert picture.read_bytes().startswith(b"\x89PNG")
    emulator.phone.scan(code)
    terminal.wait_for("Ready")
    ana = emulator.customer(1)
    ana.send("Hola, ¿cuánto cuesta el envío a domicilio?")
    assert terminal.exit_code() == 0
    order = [
        "Connecting to WhatsApp",
        "Scan this code",
        "The phone accepted",
        "Logged in",
        "Ready: linked as",
    ]
    assert sorted(order, key=terminal.shown.index) == order
    assert emulator.bot.phone in terminal.shown
    assert not picture.exists()
    assert row(bot) == ("DISCONNECTED", None, emulator.bot.phone, None)
    assert bot.status()["state"] == "stopped"

    again = pair(bot)
    assert again.exit_code() == 0
    assert f"user shop is linked already, as +{emulator.bot.phone}" in again.shown

    bot.restart()
    assert "env" in ana.wait_for_replies(1)[0].text.lower()
    taken = pair(bot)
    assert taken.exit_code() == 78
    assert bot.process is not None
    assert f"in use by PID {bot.process.pid}" in taken.shown


def test_code_to_type(emulator: Emulator, make_bot: MakeBot, pair: Pair) -> None:
    bot = make_bot()
    terminal = pair(bot, "--phone", f"+{emulator.phone.phone}")
    shown = terminal.wait_for("Type this code:")
    assert "█" not in shown
    (code,) = re.findall(r"^ {4}(\w{4}-\w{4})$", terminal.wait_for(lambda text: text.count("-") > 0), re.M)
    assert bot.wait_for(lambda status: bool(status["pair_code"]))["pair_code"] == code
    emulator.phone.type_code(code)
    assert terminal.exit_code() == 0
    assert "Ready: linked as" in terminal.shown
    assert bot.rows("SELECT pair_code FROM wabot_sessions") == [(None,)]


def test_number_without_whatsapp(make_bot: MakeBot, pair: Pair) -> None:
    terminal = pair(make_bot(), "--phone", "+34 999 999 999")
    assert terminal.exit_code() == 1
    assert "WhatsApp gives no code for +" in terminal.shown
    assert "look at the number and its country code" in terminal.shown


def test_phone_refuses(emulator: Emulator, make_bot: MakeBot, pair: Pair) -> None:
    bot = make_bot()
    terminal = pair(bot)
    emulator.phone.refuse(code_on_show(bot))
    assert terminal.exit_code() == 1
    assert terminal.shown.count("wabot: the phone could not be linked") == 1
    assert row(bot)[0] == "QR_EXPIRED"


def test_nobody_scans(make_bot: MakeBot, pair: Pair) -> None:
    bot = make_bot(sections={"connection": "pairing_timeout = 5"})
    terminal = pair(bot)
    assert terminal.exit_code() == 1
    assert "wabot: nobody scanned the code in time; start again for a new code" in terminal.shown
    assert row(bot)[:2] == ("QR_EXPIRED", None)


def test_account_that_asks_for_a_passkey(make_bot: MakeBot, pair: Pair) -> None:
    terminal = pair(make_bot(), script=Path(__file__).with_name("passkey_account.py"))
    assert terminal.exit_code() == 78
    assert "wabot: this account asks for a passkey to link a device" in terminal.shown


def test_interrupted(make_bot: MakeBot, pair: Pair) -> None:
    bot = make_bot()
    terminal = pair(bot)
    terminal.wait_for("Scan this code")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.exit_code(10) == 1
    assert terminal.shown.endswith("wabot: stopped; nothing is linked\n")
    assert "Traceback" not in terminal.shown
    assert row(bot)[:2] == ("DISCONNECTED", None)


def test_whoever_looked_on_has_gone(emulator: Emulator, make_bot: MakeBot) -> None:
    """As in `wabot pair | head -1`: the process ends, and so do its link and its lock."""
    bot = make_bot()
    process = subprocess.Popen(
        emulator.command("pair", "--config", str(bot.config)),
        env=emulator.environment(),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    assert process.stdout.readline() == "Connecting to WhatsApp …\n"
    process.stdout.close()
    try:
        assert process.wait(20) == 1
        assert process.stderr.read() == ""
    finally:
        process.kill()
    assert row(bot)[:2] == ("DISCONNECTED", None)
    assert bot.status()["state"] == "stopped"


def test_no_network(emulator: Emulator, make_bot: MakeBot, pair: Pair) -> None:
    emulator.faults.refuse(600)
    terminal = pair(make_bot())
    terminal.wait_for("no connection to WhatsApp")
    terminal.wait_for("trying again in")
    emulator.accept_connections()
    terminal.wait_for("Scan this code")


@pytest.mark.parametrize("number", ["600", "+0034600123456", "me", "+346001234567890123"])
def test_what_is_no_number_is_wrong_usage(make_bot: MakeBot, pair: Pair, number: str) -> None:
    terminal = pair(make_bot(), "--phone", number)
    assert terminal.exit_code() == 64
    assert "such as +34600123456" in terminal.shown
