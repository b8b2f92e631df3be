"""Keeps a bot running as systemd would."""

from __future__ import annotations

import signal
import threading

from wabot.emulator.bot_process import BotProcess
from wabot.errors import ExitCode

_PAUSE_SECONDS = 0.2
_RESTARTED = frozenset(code for code in ExitCode if code.restarts)


class Keeper:
    """Starts `bot` again whenever it ends, also when it was asked to, but not where its exit code says so.

    `codes` are the exit codes so far; that of a process that a signal ended is negative.
    """

    def __init__(self, bot: BotProcess) -> None:
        self._bot = bot
        self._closing = threading.Event()
        self._pardons = 0
        self.codes: list[int] = []
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Start the bot, and keep it running."""
        self._bot.start()
        self._thread.start()

    @property
    def gave_up(self) -> bool:
        """Whether the bot ended in a way after which nobody starts it again."""
        return not self._thread.is_alive() and not self._closing.is_set()

    def signal(self, number: signal.Signals) -> None:
        """Send the bot a signal, if it runs."""
        self._bot.signal(number)

    def set_clock(self, ahead_seconds: float) -> None:
        """Let the bot's clock be ahead of this machine's by so much, of this process and of the next."""
        self._bot.set_clock(ahead_seconds)

    def pardon(self) -> None:
        """Start it again once more also after the end of its session, as an operator would."""
        self._pardons += 1

    def close(self, timeout_seconds: float) -> bool:
        """End the bot in order and for good; whether it did in time."""
        self._closing.set()
        self._bot.signal(signal.SIGTERM)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            code = self._bot.wait()
            self.codes.append(code)
            if self._closing.wait(_PAUSE_SECONDS) or not self._is_restarted(code):
                return
            self._bot.start()
            if self._closing.is_set():
                self._bot.signal(signal.SIGTERM)

    def _is_restarted(self, code: int) -> bool:
        if code == ExitCode.SESSION_ENDED and self._pardons:
            self._pardons -= 1
            return True
        return code <= 0 or code in _RESTARTED
