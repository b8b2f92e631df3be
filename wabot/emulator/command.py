"""`wabot emulator`: a WhatsApp on loopback for somebody at a terminal."""

from __future__ import annotations

import argparse
import contextlib
import logging
import shlex
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from wabot.emulator.borrowed_configuration import borrowed
from wabot.emulator.bot_process import BotEnded, BotProcess, read_code
from wabot.emulator.console import HELP, Console
from wabot.emulator.guest_process import GuestProcess
from wabot.emulator.people.pairing import PairingError
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.wire.tokens import TokensError
from wabot.errors import ConfigError

_CODE_SECONDS = 30.0
_STOP_SECONDS = 25.0
_LOOK_AGAIN_SECONDS = 0.5
_EXIT_USAGE = 64


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(_EXIT_USAGE, f"wabot emulator: {message}; see wabot emulator --help\n")


def main(argv: Sequence[str]) -> int:
    """Run the emulator until its input ends; returns 0, or 1 when the bot it started could not be linked."""
    parser = _Parser(
        prog="wabot emulator",
        usage="wabot emulator [--seed SEED] [--run] [--config FILE]\n"
        "       wabot emulator [--seed SEED] -- COMMAND [ARGUMENT ...]",
        description="A WhatsApp on this machine alone: link a bot, be its customers, let the link break. "
        "COMMAND: a program in Python that uses neonize, to be started and linked.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", action="store_true", help="start a bot as well, and scan its code")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration whose texts, [ai] and [chats] the bot takes over (default: those of a "
        "show); its state is one to throw away, and the session of that configuration is not touched",
    )
    parser.add_argument("--seed", type=int, default=0, help="decides the phone numbers (default: 0)")
    own, command = _split(argv)
    arguments = parser.parse_args(own)
    if command and (arguments.run or arguments.config):
        parser.error("a command of your own goes with neither --run nor --config")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        with (
            _ending_in_order(),
            Emulator(seed=arguments.seed) as emulator,
            tempfile.TemporaryDirectory(prefix="wabot-emulator-bot-") as directory,
        ):
            console = Console(emulator, sys.stdout)
            if command:
                return _run_with_guest(emulator, console, command, Path(directory))
            bot = _make_bot(emulator, Path(directory), arguments.config)
            if arguments.run:
                return _run_with_bot(emulator, console, bot)
            print(_instructions(emulator, bot.config))
            waiter = threading.Thread(target=_link_next, args=(emulator, bot.config), daemon=True)
            waiter.start()
            console.run(sys.stdin)
    except (TokensError, ConfigError) as error:
        print(f"wabot: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            print(file=sys.stderr)
    return 0


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The emulator's own arguments, and the command behind "--"."""
    end = argv.index("--") if "--" in argv else len(argv)
    return list(argv[:end]), list(argv[end + 1 :])


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let the end of the terminal, as any other, end the bot and take its files away; once is enough."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(_number: int, _frame: object) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    # SIGINT as well: a shell that starts a job in the background has it ignored, and Python leaves it so.
    before = {each: signal.signal(each, end) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _make_bot(emulator: Emulator, directory: Path, config: Path | None) -> BotProcess:
    """A bot with a state of its own, whatever configuration it takes its texts from."""
    bot = BotProcess(emulator, directory)
    if config is not None:
        # Secrets go by the name of the file.
        bot.config = directory / config.name
        bot.config.write_text(borrowed(config, directory / "state"), encoding="utf-8")
    return bot


def _run_with_bot(emulator: Emulator, console: Console, bot: BotProcess) -> int:
    over = threading.Event()
    try:
        bot.start()
        emulator.phone.scan(bot.wait_for_code(_CODE_SECONDS))
        print(f"The bot is linked and its log is {bot.log_file}. Write to it; /help tells what you can do.")
        threading.Thread(target=_tell_end, args=(bot, over), daemon=True).start()
        console.run(sys.stdin)
    except (BotEnded, PairingError, TimeoutError) as error:
        print(f"wabot: {error}; its log:\n{bot.log_file.read_text(errors='replace')}", file=sys.stderr)
        return 1
    finally:
        over.set()
        _end(bot)
    return 0


def _run_with_guest(emulator: Emulator, console: Console, command: Sequence[str], directory: Path) -> int:
    try:
        guest = GuestProcess(emulator, command, directory)
    except OSError as error:
        print(f"wabot: {command[0]} cannot be started: {error.strerror}", file=sys.stderr)
        return 1
    over = threading.Event()
    print(f"{command[0]} is started and its output is {guest.log_file}. Its code is scanned as it shows.")
    try:
        threading.Thread(target=_tell_end, args=(guest, over), daemon=True).start()
        threading.Thread(target=_link_guest, args=(emulator, guest, over), daemon=True).start()
        console.run(sys.stdin)
    finally:
        over.set()
        guest.end(_STOP_SECONDS)
    return 0


def _link_guest(emulator: Emulator, guest: GuestProcess, over: threading.Event) -> None:
    """Scan each code that it shows while it is not linked."""
    while not over.wait(_LOOK_AGAIN_SECONDS):
        code = guest.take_code()
        if code and not emulator.bot.paired:
            _scan(emulator, code)


def _scan(emulator: Emulator, code: str) -> None:
    try:
        emulator.phone.scan(code)
    except (PairingError, TimeoutError) as error:
        print(f"wabot: {error}", file=sys.stderr)
    else:
        print("The bot is linked. Write to it; /help tells what you can do.", flush=True)


def _tell_end(bot: BotProcess | GuestProcess, over: threading.Event) -> None:
    """After /replace or /logout, say, nobody would answer any more."""
    code = bot.wait()
    if not over.is_set():
        # Also where it goes to a pipe.
        print(
            f"The bot has ended with exit code {code}; its log says why. /quit ends the emulator.", flush=True
        )


def _link_next(emulator: Emulator, config: Path) -> None:
    """Wait for the bot that somebody starts, and scan its code."""
    while not (code := read_code(config)):
        time.sleep(_LOOK_AGAIN_SECONDS)
    _scan(emulator, code)


def _end(bot: BotProcess) -> None:
    try:
        bot.stop(_STOP_SECONDS)
    except TimeoutError as error:
        print(f"wabot: {error}", file=sys.stderr)
        bot.kill()


def _instructions(emulator: Emulator, config: Path) -> str:
    base = {"PATH": ""}
    exports = [
        f"export {name}={shlex.quote(value)}"
        for name, value in emulator.environment(base).items()
        if name not in base
    ]
    command = shlex.join(emulator.command("run", "--config", str(config)))
    return "\n".join(
        [
            "Start a bot in another terminal:",
            "",
            *(f"    {line}" for line in (*exports, command)),
            "",
            "Its code is scanned as soon as it shows. /help tells the rest.",
        ]
    )
