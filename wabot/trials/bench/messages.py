"""Measures wabot against raw neonize on the same emulator, in turn: `scripts/bench messages`.

Single figures say little on a shared machine: each is the median of several rounds, and the ratio counts.
With --model wabot asks a model that answers at once; the bare bot asks nobody.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.system.terminal import until_interrupted
from wabot.trials.bench.bots import Bot, RawBot, Wabot, ask, ask_all, cpu_seconds, resident_mb
from wabot.trials.peers.instant_model import InstantModel

_AT_ONCE = 50
# So many that nobody writes twice within 0.3 s: that would be a burst, and wabot would wait for its end.
_CUSTOMERS = 3 * _AT_ONCE
_CUTS = 5


@dataclass(frozen=True, slots=True)
class Goal:
    """How far a figure may be from raw neonize's: by the ratio, or by how much it may be above."""

    unit: str
    bound: float
    kind: Literal["at most", "at least", "above"] = "at most"

    def is_met(self, raw: float, wabot: float) -> bool:
        """Whether wabot's figure is good enough."""
        match self.kind:
            case "at most":
                return wabot <= raw * self.bound
            case "at least":
                return wabot >= raw * self.bound
            case "above":
                return wabot <= raw + self.bound

    def __str__(self) -> str:
        if self.kind == "above":
            return f"≤ +{self.bound:g} {self.unit}"
        return f"{'≥' if self.kind == 'at least' else '≤'} {self.bound:g}"


GOALS = {
    "round trip, median": Goal("ms", 1.25),
    "round trip, 95th percentile": Goal("ms", 1.25),
    "throughput, 50 chats": Goal("messages/s", 0.8, "at least"),
    "CPU per 1,000 messages": Goal("s", 1.4),
    "memory, connected": Goal("MB", 1.25),
    "memory, after the messages": Goal("MB", 1.25),
    "start to READY": Goal("s", 1.3),
    "start to connected": Goal("s", 1.3),
    "cut to next reply": Goal("ms", 1.5),
}
GOALS_WITH_MODEL = GOALS | {
    "round trip, median": Goal("ms", 4, "above"),
    "round trip, 95th percentile": Goal("ms", 4, "above"),
    "CPU per 1,000 messages": Goal("s", 1.6),
}
_MODEL_SAYS = "We open every day from nine to five. Is there anything else you would like to know?"


@dataclass
class Figures:
    """What was measured, by figure; one value a round."""

    rounds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, value: float) -> None:
        """Note one round's value."""
        self.rounds[name].append(value)

    def median(self, name: str) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds[name])

    def ratios(self, raw: Figures, name: str) -> list[float]:
        """The ratio to raw neonize's of the same round, by round."""
        return [each / bare for each, bare in zip(self.rounds[name], raw.rounds[name], strict=True)]


def measure(emulator: Emulator, bot: Bot, figures: Figures, messages: int) -> None:
    """Take one round of figures of a bot.

    Args:
        emulator: where it is linked.
        bot: not started yet.
        figures: where they go.
        messages: how many to send one at a time, and as many again from 50 customers at once.
    """
    ready_seconds, connected_seconds = bot.start()
    figures.add("start to READY", ready_seconds)
    figures.add("start to connected", connected_seconds)
    figures.add("memory, connected", resident_mb(bot.pid))
    customers = [emulator.customer(number) for number in range(1, _CUSTOMERS + 1)]
    for customer in customers:
        ask(customer)
    cpu = cpu_seconds(bot.pid)
    trips = sorted(ask(customers[turn % _CUSTOMERS]) for turn in range(messages))
    figures.add("round trip, median", 1000 * statistics.median(trips))
    figures.add("round trip, 95th percentile", 1000 * trips[int(0.95 * len(trips))])
    turns = max(1, messages // _AT_ONCE)
    began = time.perf_counter()
    for turn in range(turns):
        ask_all(customers[turn % 3 :: 3])
    figures.add("throughput, 50 chats", turns * _AT_ONCE / (time.perf_counter() - began))
    sent = messages + turns * _AT_ONCE
    figures.add("CPU per 1,000 messages", (cpu_seconds(bot.pid) - cpu) * 1000 / sent)
    figures.add("memory, after the messages", resident_mb(bot.pid))
    figures.add(
        "cut to next reply",
        1000 * statistics.median(_seconds_to_reply_after_cut(emulator, each) for each in customers[:_CUTS]),
    )


def compared(raw: Figures, wabot: Figures, goals: Mapping[str, Goal] = GOALS) -> list[dict[str, object]]:
    """The figures side by side, with the ratio, its range over the rounds, and whether it is good enough."""
    rows: list[dict[str, object]] = []
    for name, goal in goals.items():
        ratios = wabot.ratios(raw, name)
        rows.append(
            {
                "figure": name,
                "unit": goal.unit,
                "raw": raw.median(name),
                "wabot": wabot.median(name),
                "ratio": wabot.median(name) / raw.median(name),
                "lowest_ratio": min(ratios),
                "highest_ratio": max(ratios),
                "goal": str(goal),
                "verdict": "met" if goal.is_met(raw.median(name), wabot.median(name)) else "missed",
            }
        )
    return rows


def as_table(rows: list[dict[str, object]], names: tuple[str, str] = (RawBot.name, Wabot.name)) -> str:
    """The same, for people; `names` are those of the two that are compared."""
    lines = [f"{'':40}{names[0]:>12}{names[1]:>10}{'ratio':>8}{'of rounds':>13}  {'goal':10}"]
    lines += [
        f"{row['figure']:<30}{row['unit']:>10}{row['raw']:>12.2f}{row['wabot']:>10.2f}{row['ratio']:>8.2f}"
        f"{row['lowest_ratio']:>8.2f}–{row['highest_ratio']:.2f}  {row['goal']:10}{row['verdict']}"
        for row in rows
    ]
    return "\n".join(lines)


def machine() -> str:
    """What the figures were measured on."""
    return f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 even where a goal is missed, because the figures are the answer."""
    parser = argparse.ArgumentParser(prog="scripts/bench messages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turn (default: 3)")
    parser.add_argument("--messages", type=int, default=500, help="a round, twice (default: 500)")
    parser.add_argument("--model", action="store_true", help="wabot asks a model, which answers at once")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    # As pip does when it installs, and has done with the client library.
    compileall.compile_dir(Path(__file__).parents[2], quiet=1)
    raw, wabot = Figures(), Figures()
    with InstantModel(_MODEL_SAYS) if arguments.model else nullcontext() as model:
        kinds: dict[str, tuple[Callable[[Emulator, Path], Bot], Figures]] = {
            RawBot.name: (RawBot, raw),
            Wabot.name: (partial(Wabot, model_url=model.base_url if model else ""), wabot),
        }
        for number in range(1, arguments.rounds + 1):
            for name, (make, figures) in kinds.items():
                print(f"round {number} of {arguments.rounds}: {name} …", file=sys.stderr)
                with tempfile.TemporaryDirectory(prefix="wabot-bench-") as directory, Emulator() as emulator:
                    bot = make(emulator, Path(directory))
                    try:
                        measure(emulator, bot, figures, arguments.messages)
                        bot.stop()
                    finally:
                        bot.kill()
    rows = compared(raw, wabot, GOALS_WITH_MODEL if arguments.model else GOALS)
    if arguments.json:
        rounds = {"raw": raw.rounds, "wabot": wabot.rounds}
        print(json.dumps({"machine": machine(), "figures": rows, "rounds": rounds}, ensure_ascii=False))
    else:
        print(machine())
        print(as_table(rows))
    return 0


def _seconds_to_reply_after_cut(emulator: Emulator, customer: Customer) -> float:
    logins = emulator.bot.logins
    began = time.perf_counter()
    emulator.cut()
    emulator.wait_for_login(logins + 1)
    ask(customer)
    return time.perf_counter() - began


if __name__ == "__main__":
    until_interrupted(main)
