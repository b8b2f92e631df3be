"""Counts replies lost and said twice while things go wrong: `scripts/bench losses`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from wabot.brain.texts import LANGUAGES, texts_for
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.system.terminal import until_interrupted
from wabot.trials.bench.bots import BOTS, Bot, RawBot, Wabot, ask, send
from wabot.trials.bench.messages import machine

_BATCH = 100
_CUT_EVERY = 20
_PAUSE_SECONDS = 0.01
# A reply in doubt waits 5 s for a receipt, after 2 s of a link that holds.
_QUIET_SECONDS = 10.0
_ASKED_TO_REPEAT = frozenset(texts_for(language).ask_to_repeat for language in LANGUAGES)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the messages of one run.

    Attributes:
        scenario: what went wrong.
        bot: who answered.
        messages: how many were sent.
        asked_to_repeat: of these, how many customers were asked to write again.
        lost: how many got neither an answer nor that.
        duplicated: answers beyond one a message.
        ends: how often the process was ended.
    """

    scenario: str
    bot: str
    messages: int
    asked_to_repeat: int
    lost: int
    duplicated: int
    ends: int = 0

    @property
    def verdict(self) -> str:
        """Whether it is as it should be; a kill may double what was leaving at that moment."""
        allowed = self.ends if self.scenario.startswith("kill") else 0
        return "met" if not self.lost and self.duplicated <= allowed else "missed"


def run(scenario: str, kind: type[RawBot | Wabot], messages: int) -> Account:
    """Send messages, let things go wrong, and count.

    Args:
        scenario: one of SCENARIOS.
        kind: which bot.
        messages: how many, in batches of 100 from as many customers.
    """
    with tempfile.TemporaryDirectory(prefix="wabot-bench-") as directory, Emulator() as emulator:
        bot: Bot = kind(emulator, Path(directory))
        try:
            bot.start()
            customers = [emulator.customer(number) for number in range(1, min(messages, _BATCH) + 1)]
            for customer in customers:
                ask(customer)
            in_the_middle = SCENARIOS[scenario](emulator, bot)
            batches = max(1, messages // _BATCH)
            asked = lost = duplicated = 0
            for _ in range(batches):
                before = [len(customer.replies) for customer in customers]
                _send_to_all(customers, in_the_middle)
                _wait_for_quiet(emulator, customers, before)
                for customer, count in zip(customers, before, strict=True):
                    texts = [reply.text for reply in customer.replies[count:]]
                    answers = len([text for text in texts if text not in _ASKED_TO_REPEAT])
                    asked += not answers and bool(texts)
                    lost += not texts
                    duplicated += max(0, answers - 1)
            bot.stop()
        finally:
            bot.kill()
    ends = batches if in_the_middle is not None else 0
    return Account(scenario, kind.name, batches * len(customers), asked, lost, duplicated, ends)


def _cut_at_sends(emulator: Emulator, _bot: Bot) -> None:
    emulator.faults.cut_at_send(every=_CUT_EVERY)


def _restart(_emulator: Emulator, bot: Bot, end: Callable[[Bot], None]) -> Callable[[], None]:
    def restart() -> None:
        end(bot)
        bot.start()

    return restart


SCENARIOS: dict[str, Callable[[Emulator, Bot], Callable[[], None] | None]] = {
    f"link cut at every {_CUT_EVERY}th send": _cut_at_sends,
    f"SIGTERM every {_BATCH}": partial(_restart, end=lambda bot: bot.stop()),
    f"kill -9 every {_BATCH}": partial(_restart, end=lambda bot: bot.kill()),
}


def as_table(accounts: Sequence[Account]) -> str:
    """For people."""
    lines = [f"{'':28}{'':14}{'messages':>9}{'asked again':>13}{'lost':>7}{'doubled':>9}  goal"]
    lines += [
        f"{each.scenario:<28}{each.bot:<14}{each.messages:>9}{each.asked_to_repeat:>13}{each.lost:>7}"
        f"{each.duplicated:>9}  {each.verdict if each.bot == Wabot.name else ''}".rstrip()
        for each in accounts
    ]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Count and print; 0 even where a goal is missed, because the figures are the answer."""
    parser = argparse.ArgumentParser(prog="scripts/bench losses", description=__doc__)
    parser.add_argument("--messages", type=int, default=1000, help="in each run (default: 1000)")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    accounts = []
    for scenario in SCENARIOS:
        for kind in BOTS:
            print(f"{scenario}: {kind.name} …", file=sys.stderr)
            accounts.append(run(scenario, kind, arguments.messages))
    if arguments.json:
        runs = [{**asdict(each), "verdict": each.verdict} for each in accounts]
        print(json.dumps({"machine": machine(), "runs": runs}))
    else:
        print(machine())
        print(as_table(accounts))
    return 0


def _send_to_all(customers: Sequence[Customer], in_the_middle: Callable[[], None] | None) -> None:
    for number, customer in enumerate(customers):
        if in_the_middle is not None and number == len(customers) // 2:
            in_the_middle()
        send(customer)
        time.sleep(_PAUSE_SECONDS)


def _wait_for_quiet(emulator: Emulator, customers: Sequence[Customer], before: Sequence[int]) -> None:
    """Until everybody has a reply and it stays so for a moment, or nobody gets one any more."""

    def counts() -> list[int]:
        return [len(customer.replies) for customer in customers]

    seen = counts()
    changed_at = time.monotonic()
    while True:
        time.sleep(0.1)
        now = counts()
        if now != seen or not emulator.bot.connected:
            seen, changed_at = now, time.monotonic()
        everybody = all(count > old for count, old in zip(now, before, strict=True))
        if time.monotonic() - changed_at > (1.0 if everybody else _QUIET_SECONDS):
            return


if __name__ == "__main__":
    until_interrupted(main)
