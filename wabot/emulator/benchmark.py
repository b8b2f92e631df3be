"""Measures wabot against raw neonize on the same emulator, in turn: `scripts/bench messages`.

Single figures say little on a shared machine: each is the median of several rounds, and the ratio counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wabot.emulator.bot_process import BotProcess
from wabot.emulator.customer import Customer
from wabot.emulator.echo_process import EchoProcess
from wabot.emulator.server import Emulator

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_TIMEOUT_SECONDS = 120.0
_QUESTION = "What are your opening hours?"
# One passage that always fits: the brain takes next to no time, and everything else is as in real life.
_KNOWLEDGE = "# Opening hours\n\nOpening hours: we open every day from nine to five.\n"
_CONFIGURATION = """\
[paths]
state = "{directory}/state"
[ai]
knowledge = "{directory}/knowledge"
[replies]
debounce = 0
typing = false
per_chat_per_hour = 0
per_minute = 0
[chats]
loop_ceiling = 0
"""
# Figure, unit and the highest (or lowest) ratio to raw neonize that is good enough.
GOALS = {
    "round trip, median": ("ms", "at most", 1.25),
    "round trip, 95th percentile": ("ms", "at most", 1.25),
    "throughput, 50 chats": ("messages/s", "at least", 0.8),
    "CPU per 1,000 messages": ("s", "at most", 1.4),
    "memory, connected": ("MB", "at most", 1.25),
    "memory, after the messages": ("MB", "at most", 1.25),
    "start to connected": ("s", "at most", 1.3),
    "cut to next reply": ("s", "at most", 1.5),
}


@dataclass
class Figures:
    """What was measured, by figure; one value a round."""

    rounds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in GOALS})

    def add(self, name: str, value: float) -> None:
        """Note one round's value."""
        self.rounds[name].append(value)

    def median(self, name: str) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds[name])


def measure(emulator: Emulator, pid: int, figures: Figures, messages: int) -> None:
    """Take one round of figures of a connected bot.

    Args:
        emulator: where it is connected.
        pid: its process id.
        figures: where they go.
        messages: how many to send one at a time, and as many again from 50 customers at once.
    """
    figures.add("memory, connected", _resident_mb(pid))
    customers = [emulator.customer(number) for number in range(1, 51)]
    for customer in customers:
        _ask(customer)
    cpu_seconds = _cpu_seconds(pid)
    trips = sorted(_ask(customers[turn % 20]) for turn in range(messages))
    figures.add("round trip, median", 1000 * statistics.median(trips))
    figures.add("round trip, 95th percentile", 1000 * trips[int(0.95 * len(trips))])
    each = max(1, messages // len(customers))
    began = time.perf_counter()
    _answered_in_turns(customers, each)
    figures.add("throughput, 50 chats", each * len(customers) / (time.perf_counter() - began))
    sent = messages + each * len(customers)
    figures.add("CPU per 1,000 messages", (_cpu_seconds(pid) - cpu_seconds) * 1000 / sent)
    figures.add("memory, after the messages", _resident_mb(pid))
    began = time.perf_counter()
    logins = emulator.bot.logins
    emulator.cut()
    emulator.wait_for_login(logins + 1)
    _ask(customers[0])
    figures.add("cut to next reply", time.perf_counter() - began)


def measure_raw(directory: Path, messages: int, figures: Figures) -> None:
    """One round of the raw client library: an echo bot without storage."""
    with Emulator() as emulator:
        with EchoProcess(emulator, directory / "raw.sqlite") as bot:
            bot.pair()
        began = time.perf_counter()
        with EchoProcess(emulator, directory / "raw.sqlite") as bot:
            emulator.wait_for_login(2)
            figures.add("start to connected", time.perf_counter() - began)
            measure(emulator, bot.pid, figures, messages)


def measure_wabot(directory: Path, messages: int, figures: Figures) -> None:
    """One round of wabot with everything durable and an instant brain."""
    knowledge = directory / "knowledge"
    knowledge.mkdir()
    (knowledge / "hours.md").write_text(_KNOWLEDGE, encoding="utf-8")
    with Emulator() as emulator:
        bot = BotProcess(emulator, directory)
        bot.config.write_text(_CONFIGURATION.format(directory=directory), encoding="utf-8")
        try:
            bot.start()
            emulator.phone.scan(bot.wait_for_code(_TIMEOUT_SECONDS))
            emulator.wait_for_login(1)
            bot.stop(_TIMEOUT_SECONDS)
            began = time.perf_counter()
            bot.start()
            emulator.wait_for_login(2)
            figures.add("start to connected", time.perf_counter() - began)
            measure(emulator, bot.pid, figures, messages)
            bot.stop(_TIMEOUT_SECONDS)
        finally:
            bot.kill()


def as_table(raw: Figures, wabot: Figures) -> str:
    """The figures side by side, with the ratio and whether it is good enough."""
    lines = [f"{'':30}{'raw neonize':>14}{'wabot':>14}{'ratio':>8}   goal"]
    for name, (unit, bound, goal) in GOALS.items():
        ratio = wabot.median(name) / raw.median(name)
        good = ratio <= goal if bound == "at most" else ratio >= goal
        lines.append(
            f"{name:30}{raw.median(name):>9.2f} {unit[:4]:4}{wabot.median(name):>9.2f} {unit[:4]:4}"
            f"{ratio:>8.2f}   {bound} {goal:g}: {'yes' if good else 'no'}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 even where a goal is missed, because the figures are the answer."""
    parser = argparse.ArgumentParser(prog="scripts/bench messages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turn (default: 3)")
    parser.add_argument("--messages", type=int, default=500, help="a round, twice (default: 500)")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    raw, wabot = Figures(), Figures()
    steps: tuple[tuple[str, Callable[[Path, int, Figures], None], Figures], ...] = (
        ("raw neonize", measure_raw, raw),
        ("wabot", measure_wabot, wabot),
    )
    for number in range(1, arguments.rounds + 1):
        for name, step, figures in steps:
            print(f"round {number} of {arguments.rounds}: {name} …", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="wabot-bench-") as directory:
                step(Path(directory), arguments.messages, figures)
    if arguments.json:
        print(json.dumps({"machine": _machine(), "raw": raw.rounds, "wabot": wabot.rounds}))
    else:
        print(_machine())
        print(as_table(raw, wabot))
    return 0


def _ask(customer: Customer) -> float:
    """Send a question and wait for its reply; the seconds that took."""
    before = len(customer.replies)
    began = time.perf_counter()
    customer.send(_QUESTION)
    customer.wait_for_replies(before + 1, _TIMEOUT_SECONDS)
    return time.perf_counter() - began


def _answered_in_turns(customers: list[Customer], turns: int) -> None:
    """Everybody writes at once, and again when their reply is there, so that no two messages share one."""
    for _ in range(turns):
        before = [len(customer.replies) for customer in customers]
        for customer in customers:
            customer.send(_QUESTION)
        for customer, count in zip(customers, before, strict=True):
            customer.wait_for_replies(count + 1, _TIMEOUT_SECONDS)


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _cpu_seconds(pid: int) -> float:
    # The fields after the name in brackets, which may hold blanks: utime and stime are the 12th and 13th.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
