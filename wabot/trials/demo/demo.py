"""The demonstration: the real bot answers three customers, and the link is cut while it sends.

python -m wabot.trials.demo.demo [--svg FILE]

Ends by itself: with 0 when every message got its reply exactly once, with 1 when not.
"""

from __future__ import annotations

import argparse
import io
import logging
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import wabot
from wabot.emulator.bot_process import BotEnded, BotProcess
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.pairing import PairingError
from wabot.emulator.server.emulator import Emulator
from wabot.trials.demo.narrator import Narrator
from wabot.trials.demo.screen import Screen, Style, StyledSpan
from wabot.trials.demo.terminal_picture import draw_terminal

_TIMEOUT_SECONDS = 20.0
_LOCKED = 78  # the exit code of a bot whose session another one holds
_INTERRUPTED = 128 + signal.SIGINT


class DemoFailed(Exception):
    """Something did not go as promised."""


class Demo:
    """One run of the story with `bot`, which was not started yet; the caller ends it."""

    def __init__(self, narrator: Narrator, emulator: Emulator, bot: BotProcess) -> None:
        self._narrator = narrator
        self._emulator = emulator
        self._bot = bot
        self._sent: Counter[Customer] = Counter()

    def run(self) -> None:
        """Tell the story; raises what stands in FAILURES where it goes wrong."""
        self._link()
        ana = self._meet(1, "Ana")
        ben = self._meet(2, "Ben")
        marta = self._meet(3, "Marta")

        self._narrator.head("Three customers write, in two languages")
        self._ask(ana, "Hola, ¿dónde está la tienda?")
        self._ask(ben, "Hi! Do you have gift cards?")
        self._ask(marta, "¿Cuánto tarda en llegar un pedido?")
        self._await_replies()

        self._narrator.head("The link is cut at the moment of sending")
        self._emulator.faults.cut_at_send(times=1, when="before_ack", only=ben.phone)
        self._ask(ben, "Great! And do you ship to France?")
        self._await_replies()

        self._narrator.head("The link is cut twice in a row")
        self._emulator.faults.cut_at_send(times=2, when="before_ack", only=ana.phone)
        self._ask(ana, "¿Y si algo llega roto?")
        self._await_replies()

        self._narrator.head("A second bot is started on the same number")
        self._start_second()
        self._ask(marta, "¿A qué hora abren los sábados?")
        self._await_replies()

        self._narrator.head("The bot is asked to stop, as systemd does it")
        self._stop()
        self._conclude()

    def _link(self) -> None:
        self._narrator.head("The bot is linked to a number")
        self._bot.start()
        self._narrator.note("start", f"PID {self._bot.pid}: wabot run --config {self._bot.config}")
        code = self._bot.wait_for_code(_TIMEOUT_SECONDS)
        self._narrator.note("QR code", f"{code[:44]}… ({len(code)} characters)")
        self._emulator.phone.scan(code)
        self._narrator.note("scanned", f"with the owner's phone, +{self._emulator.bot.phone}")
        self._follow_until("active", "the bot's login")

    def _follow_until(self, event: str, wanted: str) -> None:
        self._narrator.follow(
            lambda: self._narrator.counts[event] > 0, wanted, _TIMEOUT_SECONDS, self._bot.check_alive
        )

    def _meet(self, number: int, name: str) -> Customer:
        customer = self._emulator.customer(number, name)
        self._narrator.know(customer)
        return customer

    def _ask(self, customer: Customer, text: str) -> None:
        self._sent[customer] += 1
        customer.send(text)
        self._narrator.tell_news()

    def _await_replies(self) -> None:
        self._narrator.follow(
            lambda: self._narrator.replies >= self._sent,
            "the replies",
            _TIMEOUT_SECONDS,
            self._bot.check_alive,
        )

    def _start_second(self) -> None:
        self._narrator.note("start", f"wabot run --config {self._bot.config}")
        second = self._bot.run_second(_TIMEOUT_SECONDS)
        lines = second.stderr.strip().splitlines() or ["nothing"]
        self._narrator.note("it says", re.sub(r"^\S+Z ", "", lines[-1]), Style.TROUBLE)
        self._narrator.note("it ends", f"with exit code {second.returncode}; the first one works on:")
        if second.returncode != _LOCKED or str(self._bot.pid) not in lines[-1]:
            raise DemoFailed(f"it should have ended with {_LOCKED} and named the PID {self._bot.pid}")

    def _stop(self) -> None:
        self._narrator.note("SIGTERM", f"to PID {self._bot.pid}")
        code = self._bot.stop(_TIMEOUT_SECONDS)
        self._narrator.note("it ends", f"in order, with exit code {code}")
        if code != 0:
            raise DemoFailed("it should have ended with 0")

    def _conclude(self) -> None:
        self._narrator.tell_news()
        messages, replies = self._sent.total(), self._narrator.replies.total()
        lost = (self._sent - self._narrator.replies).total()
        duplicated = (self._narrator.replies - self._sent).total()
        counts = self._narrator.counts
        summary = (
            f"{messages} messages, {replies} replies: {lost} lost, {duplicated} duplicated; "
            f"{counts['cut']} cuts, {counts['login'] - 1} reconnects"
        )
        if lost or duplicated:
            raise DemoFailed(summary)
        self._narrator.head("Every message was answered exactly once")
        self._narrator.say(summary, Style.GOOD)


FAILURES = (DemoFailed, BotEnded, PairingError, TimeoutError, subprocess.TimeoutExpired)
"""What a story can end with."""


def main(argv: Sequence[str]) -> int:
    """Show the story; returns 0 when it ended well, 1 when not, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="wabot against a WhatsApp on loopback")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also draw what was shown as a picture")
    picture: Path | None = parser.parse_args(argv).svg
    # SIGINT as well: a shell that starts a job in the background has it ignored, and Python leaves it so.
    for stop_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop_signal, signal.default_int_handler)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?"
    screen = Screen()
    directory = Path(tempfile.mkdtemp(prefix="wabot-demo-"))
    try:
        if not _show(screen, directory):
            return 1
    except KeyboardInterrupt:
        shutil.rmtree(directory, ignore_errors=True)
        print("\nInterrupted; the bot was ended.", file=sys.stderr)
        return _INTERRUPTED
    shutil.rmtree(directory, ignore_errors=True)
    if picture is not None:
        picture.write_text(draw_terminal(screen.lines, "scripts/demo"), encoding="utf-8")
    return 0


def _show(screen: Screen, directory: Path) -> bool:
    """Whether all went well; if not, the logs in `directory` were named."""
    logging.basicConfig(filename=directory / "emulator.log", level=logging.INFO)
    screen.show(StyledSpan("wabot answers WhatsApp customers", Style.HEADING))
    screen.tell(
        (),
        f"The real bot (wabot {wabot.__version__}) with the real client library (neonize "
        f"{version('neonize')}) and a WhatsApp on this machine alone: no phone, no account, no internet.",
        Style.FAINT,
    )
    with Emulator() as emulator:
        bot = BotProcess(emulator, directory)
        try:
            Demo(Narrator(screen, emulator), emulator, bot).run()
        except FAILURES as failure:
            screen.show()
            screen.tell((), f"The demonstration failed: {failure}", Style.BAD)
            screen.tell((), f"The bot's log is {bot.log_file}", Style.BAD)
            return False
        finally:
            bot.kill()
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
