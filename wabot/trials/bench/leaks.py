"""Watches what wabot, and a bare echo, hold while they work for long: `scripts/bench leaks`."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from wabot.emulator.server.emulator import Emulator
from wabot.system.terminal import until_interrupted
from wabot.trials.bench.bots import BOTS, TIMEOUT_SECONDS, Bot, RawBot, Wabot, ask, ask_all, resident_mb
from wabot.trials.bench.messages import machine
from wabot.trials.peers.echo_process import EchoProcess

_CUSTOMERS = 150
_SCRIPT = Path(__file__).parents[1] / "peers" / "kicked_client.py"
_CHECKOUT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds at a moment."""

    memory_mb: float
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class Growth:
    """What a process held before and after it did something many times."""

    bot: str
    what: str
    times: int
    before: Held
    after: Held

    @property
    def memory_mb(self) -> float:
        """How much more memory."""
        return self.after.memory_mb - self.before.memory_mb

    @property
    def descriptors(self) -> int:
        """How many more file descriptors."""
        return self.after.descriptors - self.before.descriptors

    @property
    def threads(self) -> int:
        """How many more threads."""
        return self.after.threads - self.before.threads


def held(pid: int) -> Held:
    """What a process holds now."""
    process = Path(f"/proc/{pid}")
    return Held(
        resident_mb(pid), len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))
    )


def while_answering(
    kind: type[RawBot | Wabot], directory: Path, warm_up: int, messages: int, reconnects: int
) -> list[Growth]:
    """Let a bot answer messages, then lose and find its link.

    Args:
        kind: which bot.
        directory: an empty one.
        warm_up: messages before the first look: caches fill, threads start.
        messages: how many after that.
        reconnects: how often the link is cut after those; a message is answered after each tenth.
    """
    with Emulator() as emulator:
        bot: Bot = kind(emulator, directory)
        try:
            bot.start()
            customers = [emulator.customer(number) for number in range(1, _CUSTOMERS + 1)]
            looks = []
            for count in (warm_up, messages):
                for turn in range(max(1, count // 50)):
                    ask_all(customers[turn % 3 :: 3])
                looks.append(held(bot.pid))
            for number in range(reconnects):
                logins = emulator.bot.logins
                emulator.cut()
                emulator.wait_for_login(logins + 1, TIMEOUT_SECONDS)
                if number % 10 == 0:
                    ask(customers[number % _CUSTOMERS])
            looks.append(held(bot.pid))
            bot.stop()
        finally:
            bot.kill()
    return [
        Growth(kind.name, "messages", messages, looks[0], looks[1]),
        Growth(kind.name, "reconnects", reconnects, looks[1], looks[2]),
    ]


def while_kicked(directory: Path, warm_up: int, kicks: int) -> Growth:
    """Let wabot's client hang up and dial afresh, again and again.

    Args:
        directory: an empty one.
        warm_up: kicks before the first look.
        kicks: how many after that.
    """
    store = directory / "kicked.sqlite"
    with Emulator() as emulator:
        with EchoProcess(emulator, store) as bot:
            bot.pair()
        logins = emulator.bot.logins
        process = subprocess.Popen(
            emulator.command_for_script(_SCRIPT, str(store)),
            env=emulator.environment(),
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdin is not None
            emulator.wait_for_login(logins + 1, TIMEOUT_SECONDS)
            looks = []
            for count in (warm_up, kicks):
                for _ in range(count):
                    logins = emulator.bot.logins
                    process.stdin.write("kick\n")
                    process.stdin.flush()
                    emulator.wait_for_login(logins + 1, TIMEOUT_SECONDS)
                looks.append(held(process.pid))
        finally:
            process.kill()
            process.communicate()
    return Growth(Wabot.name, "kicks", kicks, *looks)


def as_table(growths: Sequence[Growth]) -> str:
    """For people."""
    lines = [f"{'':31}{'memory (MB)':>22}{'descriptors':>16}{'threads':>14}"]
    lines += [
        f"{each.bot:<13}{each.times:>6} {each.what:<11}"
        f"{each.before.memory_mb:>9.1f} → {each.after.memory_mb:<9.1f}"
        f"{each.before.descriptors:>8} → {each.after.descriptors:<6}"
        f"{each.before.threads:>6} → {each.after.threads:<4}".rstrip()
        for each in growths
    ]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Watch and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench leaks", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="after a first 1000 (default: 10000)")
    parser.add_argument("--reconnects", type=int, default=200, help="(default: 200)")
    parser.add_argument("--kicks", type=int, default=50, help="after a first 5 (default: 50)")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    growths: list[Growth] = []
    for kind in BOTS:
        with tempfile.TemporaryDirectory(prefix="wabot-bench-") as directory:
            growths += while_answering(kind, Path(directory), 1000, arguments.messages, arguments.reconnects)
    with tempfile.TemporaryDirectory(prefix="wabot-bench-") as directory:
        growths.append(while_kicked(Path(directory), 5, arguments.kicks))
    if arguments.json:
        print(json.dumps({"machine": machine(), "growths": [asdict(each) for each in growths]}))
    else:
        print(machine())
        print(as_table(growths))
    return 0


if __name__ == "__main__":
    until_interrupted(main)
