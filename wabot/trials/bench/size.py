"""Measures how wabot does with years of messages: `scripts/bench size`.

The same figures with 10,000, 100,000 and 1,000,000 messages show what grows with them, and what does not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from wabot.answers.worker import make_workers
from wabot.brain.brain import Answer
from wabot.brain.conversation import Conversation
from wabot.clock import utc_now
from wabot.config.machine import settings_in_unit
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.schedule import ChatSchedule
from wabot.conversation.send_queue import SendQueue
from wabot.database.engine import migrate, open_database
from wabot.emulator.bot_process import BotProcess
from wabot.emulator.server.emulator import Emulator
from wabot.inbound.reception import reception_of
from wabot.outbound.chat_presence import ChatPresence
from wabot.system.terminal import until_interrupted
from wabot.system.threads import Pulse
from wabot.trials.bench.bots import TIMEOUT_SECONDS, cpu_seconds
from wabot.trials.bench.janitor import GOAL_LOCK_SECONDS, GOAL_SECONDS, clean_beside_writer
from wabot.trials.bench.messages import machine
from wabot.trials.bench.size_filling import CUSTOMER_PHONE, USER_ID, fill
from wabot.trials.peers.postgresql import PostgresqlServer
from wabot.whatsapp.messages import IncomingMessage, MessageKind

_MESSAGES_PER_CHAT = 10
_SETTLING_SECONDS = 15.0
_WARM_UP_MESSAGES, _MESSAGES = 20, 200
_CONFIGURATION = """\
[account]
user_id = "{user}"
[paths]
state = "{directory}/state"
[database]
url = "{url}"
[ai]
disclosure = false
[replies]
debounce = 0
typing = false
per_minute = 0
[alerts]
webhook_url = "http://127.0.0.1:9/"
[metrics]
file = "{directory}/wabot.prom"
"""
# As a bot does it for each message.
_WRITES = (
    "INSERT INTO wabot_inbox (user_id, chat_id, jid, message_id, sender, kind, text, quoted_text, mentions, "
    "offline, sent_at, received_at, state, reason, attempts, revision) "
    "SELECT user_id, chat_id, jid, 'written' || 'COUNT', sender, kind, text, quoted_text, mentions, offline, "
    "sent_at, received_at, 'answered', '', 0, 0 FROM wabot_inbox "
    "WHERE id = (SELECT max(id) FROM wabot_inbox)",
)


@dataclass(frozen=True, slots=True)
class SizeGoal:
    """What a figure may be at most, and its unit."""

    most: float
    unit: str


GOALS = {
    "status": SizeGoal(0.5, "s"),
    "export": SizeGoal(0.5, "s"),
    "slowest query of a message": SizeGoal(1.0, "ms"),
    "CPU of an idle minute": SizeGoal(0.2, "s"),
    "read in an idle minute": SizeGoal(1.0, "MB"),
    "janitor": SizeGoal(GOAL_SECONDS, "s"),
    "longest write beside it": SizeGoal(GOAL_LOCK_SECONDS, "s"),
}


def measure(url: str, directory: Path, messages: int, idle_seconds: float) -> dict[str, float]:
    """Fill a database, and take every figure.

    Args:
        url: of an empty database.
        directory: an empty one, for the bot.
        messages: how many.
        idle_seconds: how long to watch a bot that has nothing to do.
    """
    fill(url, messages, max(1, messages // _MESSAGES_PER_CHAT))
    directory.joinpath("state").mkdir(mode=0o700)
    text = _CONFIGURATION.format(user=USER_ID, directory=directory, url=url)
    cpu, megabytes = _idle_minute(directory, text, idle_seconds)
    file = directory / "shop.toml"
    figures = {
        "status": _command_seconds("status", "--config", str(file)),
        "export": _command_seconds("export", CUSTOMER_PHONE, "--config", str(file)),
        "slowest query of a message": 1000 * max(query_seconds(file).values()),
        "CPU of an idle minute": cpu,
        "read in an idle minute": megabytes,
    }
    cleaning = clean_beside_writer(file, url, _WRITES)
    return figures | {"janitor": cleaning.seconds, "longest write beside it": cleaning.longest_write_seconds}


def query_seconds(file: Path) -> dict[str, float]:
    """How long each query takes that a message needs from its arrival until its answer has left; medians.

    Args:
        file: the configuration; its bot does not run.
    """
    settings = settings_in_unit(file, {}, all_secrets=False)
    database = open_database(settings.database.url)
    migrate(database)
    inbox, outbox, send_queue = Inbox(USER_ID), Outbox(USER_ID), SendQueue(USER_ID)
    reception = reception_of(settings, inbox, outbox)
    (worker,) = make_workers(
        settings,
        inbox,
        outbox,
        ChatSchedule(0),
        _Instantly(),
        ChatPresence(send_queue.wakeup),
        [Pulse()],
    )
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(_WARM_UP_MESSAGES + _MESSAGES):
        if number == _WARM_UP_MESSAGES:
            database.query_hooks.append(lambda event: seconds[event.sql].append(event.duration))
        chat_id = reception.receive(_message(number), utc_now())
        assert chat_id is not None
        worker.answer(chat_id)
        row, _ = send_queue.next(utc_now())
        assert row is not None
        send_queue.begin(row, utc_now())
        send_queue.mark_sent(row, f"sent{number}", utc_now())
        send_queue.confirm([f"sent{number}"], utc_now())
    database.close()
    return {sql: statistics.median(each) for sql, each in seconds.items()}


class _Instantly:
    """Composes the same answer to everything."""

    def reply(self, conversation: Conversation, now: datetime) -> Answer:
        """See Composer."""
        return Answer(("From nine to five.",), "knowledge")


def _message(number: int) -> IncomingMessage:
    phone = str(int(CUSTOMER_PHONE) + number)
    return IncomingMessage(
        chat=f"{phone}@s.whatsapp.net",
        message_id=f"new{number}",
        sender=f"{phone}@s.whatsapp.net",
        phone=phone,
        lid="",
        from_me=False,
        kind=MessageKind.TEXT,
        text="What are your opening hours?",
        sent_at=utc_now(),
    )


def _idle_minute(directory: Path, configuration: str, seconds: float) -> tuple[float, float]:
    """Link a bot and leave it alone; the seconds of processor time and the MB read in a minute."""
    with Emulator() as emulator:
        bot = BotProcess(emulator, directory, configuration)
        bot.start()
        try:
            emulator.phone.scan(bot.wait_for_code(TIMEOUT_SECONDS))
            emulator.wait_for_login(1, TIMEOUT_SECONDS)
            time.sleep(_SETTLING_SECONDS)
            cpu, read = cpu_seconds(bot.pid), _bytes_read(bot.pid)
            time.sleep(seconds)
            cpu, read = cpu_seconds(bot.pid) - cpu, _bytes_read(bot.pid) - read
            bot.check_alive()
            bot.stop(TIMEOUT_SECONDS)
        finally:
            bot.kill()
    return cpu * 60 / seconds, read / 1_000_000 * 60 / seconds


def _bytes_read(pid: int) -> int:
    """What a process has asked of files and pipes; what the system's cache had counts as well (proc(5))."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["rchar"])


def _command_seconds(*arguments: str) -> float:
    """How long a command takes, its start included: the middle of three."""
    times = []
    for _ in range(3):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-P", "-m", "wabot", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        times.append(time.monotonic() - began)
        if done.stderr:
            raise SystemExit(f"{arguments[0]}: {done.stderr.decode()}")
    return statistics.median(times)


def as_table(results: Sequence[dict[str, Any]]) -> str:
    """For people: each figure in a line, the sizes side by side."""
    lines = [f"{'':11}{'':28}" + "".join(f"{each['messages']:>12,}" for each in results) + "    goal"]
    for name, goal in GOALS.items():
        values = "".join(f"{each[name]:>12.3g}" for each in results)
        met = "met" if results[-1][name] <= goal.most else "MISSED"
        lines.append(f"{results[0]['engine']:<11}{name:<28}{values}    ≤ {goal.most:g} {goal.unit}: {met}")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 when the goals were reached with the most messages.

    Args:
        argv: the arguments after the program's name.
    """
    parser = argparse.ArgumentParser(prog="scripts/bench size", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--messages", type=int, action="append", help="default: 10000, 100000 and 1000000, one after another"
    )
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append", help="default: both")
    parser.add_argument("--idle-seconds", type=float, default=60.0, help="how long to watch (default: 60)")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    everything: list[dict[str, Any]] = []
    if not arguments.json:
        print(machine())
    for engine in arguments.engine or ("sqlite", "postgresql"):
        results: list[dict[str, Any]] = []
        for messages in arguments.messages or (10_000, 100_000, 1_000_000):
            with ExitStack() as stack:
                directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wabot-bench-")))
                url = f"sqlite:///{directory}/wabot.db"
                if engine == "postgresql":
                    url = stack.enter_context(PostgresqlServer()).url()
                figures = measure(url, directory, messages, arguments.idle_seconds)
                results.append({"engine": engine, "messages": messages, **figures})
        if not arguments.json:
            print(as_table(results), flush=True)
        everything += results
    if arguments.json:
        print(json.dumps({"machine": machine(), "results": everything}))
    largest = max(each["messages"] for each in everything)
    reached = all(
        each[name] <= goal.most
        for each in everything
        for name, goal in GOALS.items()
        if each["messages"] == largest
    )
    return 0 if reached else 1


if __name__ == "__main__":
    until_interrupted(main)
