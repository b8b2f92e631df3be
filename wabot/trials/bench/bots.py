"""The two bots that are compared: a bare echo on the client library, and wabot with an instant brain."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from wabot.emulator.bot_process import BotProcess
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.echo_process import EchoProcess
from wabot.trials.peers.notify_socket import NotifySocket

TIMEOUT_SECONDS = 120.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_QUESTION = "What are your opening hours?"
# One passage that always fits: the brain takes next to no time, and everything else is as in real life.
_KNOWLEDGE = "# Opening hours\n\nOpening hours: we open every day from nine to five.\n"
# Every rule is asked, and none of them stops a customer of the benchmark.
_CONFIGURATION = """\
[account]
user_id = "shop"
[paths]
state = "{directory}/state"
[ai]
knowledge = "{directory}/knowledge"
disclosure = false
[connection]
max_unstable_cycles = 0
[replies]
debounce = 0
typing = false
per_chat_per_hour = 0
per_minute = 0
[chats]
loop_ceiling = 100000
loop_repetitions = 0
"""
# In front of the knowledge base, which is searched as ever for what the model is told.
_MODEL = """\
[[ai.providers]]
name = "instant"
base_url = "{model_url}"
model = "instant"
"""


class Bot(Protocol):
    """One of the two, linked to an emulator."""

    @property
    def pid(self) -> int:
        """Of its process, while it runs."""

    def start(self) -> tuple[float, float]:
        """Start it and wait until it is connected; the seconds to READY and to connected."""

    def stop(self) -> None:
        """End it in order."""

    def kill(self) -> None:
        """kill -9."""


class RawBot:
    """An echo bot without storage. It says no READY: it is ready when it is connected."""

    name = "raw neonize"

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        self._emulator = emulator
        self._store = directory / "raw.sqlite"
        with EchoProcess(emulator, self._store) as bot:
            bot.pair()
        self._process: EchoProcess | None = None

    @property
    def pid(self) -> int:
        """See Bot."""
        return self._process.pid if self._process else 0

    def start(self) -> tuple[float, float]:
        """See Bot."""
        logins = self._emulator.bot.logins
        began = time.perf_counter()
        self._process = EchoProcess(self._emulator, self._store)
        self._emulator.wait_for_login(logins + 1, TIMEOUT_SECONDS)
        seconds = time.perf_counter() - began
        return seconds, seconds

    def stop(self) -> None:
        """See Bot."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """See Bot."""
        if self._process is not None:
            self._process.kill()
            self._process = None


class Wabot:
    """`wabot run`, everything durable, with a knowledge base of one passage.

    Args:
        emulator: where it is linked.
        directory: for all it has; it must be empty.
        model_url: where the model is that it asks; "" for none.
        more: sections to add to its configuration.
        texts: files to add to its knowledge, by name.
    """

    name = "wabot"

    def __init__(
        self,
        emulator: Emulator,
        directory: Path,
        model_url: str = "",
        more: str = "",
        texts: Mapping[str, bytes] | None = None,
    ) -> None:
        knowledge = directory / "knowledge"
        knowledge.mkdir()
        for file_name, content in (texts or {}).items():
            (knowledge / file_name).write_bytes(content)
        (knowledge / "hours.md").write_text(_KNOWLEDGE, encoding="utf-8")
        self.database = directory / "state" / "wabot.db"
        self._emulator = emulator
        self._process = BotProcess(emulator, directory)
        configuration = _CONFIGURATION.format(directory=directory)
        if model_url:
            configuration += _MODEL.format(model_url=model_url)
        self._process.config.write_text(configuration + more, encoding="utf-8")
        self._process.start()
        try:
            emulator.phone.scan(self._process.wait_for_code(TIMEOUT_SECONDS))
            emulator.wait_for_login(1, TIMEOUT_SECONDS)
            self._process.stop(TIMEOUT_SECONDS)
        finally:
            self._process.kill()

    @property
    def pid(self) -> int:
        """See Bot."""
        return self._process.pid

    def start(self) -> tuple[float, float]:
        """See Bot."""
        manager = NotifySocket()
        self._process.notify_socket = manager.address
        logins = self._emulator.bot.logins
        began = time.perf_counter()
        self._process.start()
        manager.wait_for("READY=1", TIMEOUT_SECONDS)
        ready_seconds = time.perf_counter() - began
        self._emulator.wait_for_login(logins + 1, TIMEOUT_SECONDS)
        # The socket stays: a service that cannot reach its manager would behave otherwise.
        return ready_seconds, time.perf_counter() - began

    def stop(self) -> None:
        """See Bot."""
        self._process.stop(TIMEOUT_SECONDS)

    def kill(self) -> None:
        """See Bot."""
        self._process.kill()


BOTS: tuple[type[RawBot | Wabot], ...] = (RawBot, Wabot)


def ask(customer: Customer) -> float:
    """Send a question and wait for its reply; the seconds that took."""
    before = len(customer.replies)
    began = time.perf_counter()
    customer.send(_QUESTION)
    customer.wait_for_replies(before + 1, TIMEOUT_SECONDS)
    return time.perf_counter() - began


def ask_all(customers: list[Customer]) -> None:
    """Everybody sends a question at once; wait for every reply."""
    before = [len(customer.replies) for customer in customers]
    for customer in customers:
        customer.send(_QUESTION)
    for customer, count in zip(customers, before, strict=True):
        customer.wait_for_replies(count + 1, TIMEOUT_SECONDS)


def send(customer: Customer) -> None:
    """Send a question, and wait for nothing."""
    customer.send(_QUESTION)


def resident_mb(pid: int) -> float:
    """The resident memory of a process."""
    return _status_mb(pid, "VmRSS:")


def peak_mb(pid: int) -> float:
    """The most memory that a process had resident since `forget_peak`."""
    return _status_mb(pid, "VmHWM:")


def forget_peak(pid: int) -> None:
    """Begin anew to look for the peak of a process's memory."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(pid: int) -> float:
    """The processor time a process has used."""
    # The fields after the name in brackets, which may hold blanks: utime and stime are the 12th and 13th.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _status_mb(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
