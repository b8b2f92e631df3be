"""Measures the janitor on a table of a million rows: `scripts/bench janitor`.

While it cleans, another process writes to the same tables all the time, as a bot does; the longest of its
writes shows how long a lock was held.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peewee

from wabot.database.engine import migrate, open_database
from wabot.database.errors import patience
from wabot.database.models import Fact
from wabot.system.terminal import until_interrupted
from wabot.trials.peers.postgresql import PostgresqlServer

GOAL_SECONDS = 30.0
GOAL_LOCK_SECONDS = 0.5

_LONGEST_FILL_SECONDS = 600
_SCHEMA = """
CREATE TABLE "users" ("id" TEXT PRIMARY KEY);
CREATE TABLE "whatsapp_connections" (
    "id" TEXT PRIMARY KEY,
    "userId" TEXT NOT NULL UNIQUE,
    "phoneNumber" TEXT NOT NULL UNIQUE,
    "status" {status} NOT NULL DEFAULT 'DISCONNECTED',
    "isConnected" BOOLEAN NOT NULL DEFAULT false,
    "qrCode" TEXT,
    "lastError" TEXT,
    "updatedAt" TIMESTAMP NOT NULL
)"""
_ENUM = (
    'CREATE TYPE "ConnectionStatus" AS ENUM '
    "('DISCONNECTED', 'CONNECTING', 'CONNECTED', 'ERROR', 'QR_PENDING', 'QR_EXPIRED')"
)
# Carries statements out every few milliseconds, until its stdin says stop.
_WRITER = """
import select, sys, time
from wabot.database.engine import open_database
database = open_database(sys.argv[1])
print("ready", flush=True)
longest = count = 0
while not select.select([sys.stdin], [], [], 0.005)[0]:
    for statement in sys.argv[2:]:
        began = time.monotonic()
        database.execute_sql(statement.replace("COUNT", str(count)))
        longest = max(longest, time.monotonic() - began)
    count += 1
print(longest, count, flush=True)
"""
# A row of its own and one of wabot's tables.
_WRITES = (
    """UPDATE whatsapp_connections SET "phoneNumber" = 'xCOUNT' WHERE "userId" = 'user1'""",
    "UPDATE wabot_facts SET value = 'COUNT' WHERE key = 'benchmark'",
)


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How a clean-up went beside a process that writes.

    Attributes:
        seconds: how long it took.
        peak_megabytes: of memory.
        longest_write_seconds: of the other process.
        writes: how often that wrote.
        outcome: what the janitor said.
    """

    seconds: float
    peak_megabytes: float
    longest_write_seconds: float
    writes: int
    outcome: dict[str, Any]


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 when the goals were reached.

    Args:
        argv: the arguments after the program's name.
    """
    parser = argparse.ArgumentParser(prog="bench janitor", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="connection rows (default: 1000000)")
    parser.add_argument("--orphans", type=int, default=10_000, help="of them without a user (default: 10000)")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append", help="default: both")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    results: list[dict[str, Any]] = []
    for engine in arguments.engine or ("sqlite", "postgresql"):
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wabot-bench-")))
            if engine == "sqlite":
                url = f"sqlite:///{directory}/wabot.db"
            else:
                url = stack.enter_context(PostgresqlServer()).url()
            results.append({"engine": engine} | measure(url, directory, arguments.rows, arguments.orphans))
        if not arguments.json:
            print(_as_line(results[-1]), flush=True)
    if arguments.json:
        print(json.dumps(results))
    reached = all(
        each["seconds"] < GOAL_SECONDS and each["longest_write_seconds"] < GOAL_LOCK_SECONDS
        for each in results
    )
    return 0 if reached else 1


def measure(url: str, directory: Path, rows: int, orphans: int) -> dict[str, Any]:
    """Fill a database, clean it while another process writes to it, and clean it once more.

    Args:
        url: of an empty database.
        directory: for the configuration and the state.
        rows: of connections.
        orphans: how many of them have no user.
    """
    # A million rows take longer than any question of the bot's.
    with patience(_LONGEST_FILL_SECONDS):
        _fill(url, rows, orphans)
    configuration = directory / "wabot.toml"
    configuration.write_text(f'[paths]\nstate = "{directory}/state"\n[database]\nurl = "{url}"\n', "utf-8")
    first = clean_beside_writer(configuration, url, _WRITES)
    again_seconds, _, again = _clean(configuration)
    return {
        "rows": rows,
        "removed": first.outcome["before"]["connections"] - first.outcome["after"]["connections"],
        "seconds": first.seconds,
        "longest_write_seconds": first.longest_write_seconds,
        "writes_meanwhile": first.writes,
        "peak_megabytes": first.peak_megabytes,
        "second_run_seconds": again_seconds,
        "second_run_actions": len(again["actions"]),
    }


def clean_beside_writer(configuration: Path, url: str, writes: Sequence[str]) -> Cleaning:
    """Run the janitor as its unit does, while another process writes to the same tables all the time.

    Args:
        configuration: the janitor's.
        url: of the database.
        writes: statements, carried out in turn; COUNT in them is replaced by how often that happened.
    """
    writer = subprocess.Popen(
        [sys.executable, "-P", "-c", _WRITER, url, *writes],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    seconds, megabytes, outcome = _clean(configuration)
    longest, count = writer.communicate("stop\n", timeout=60)[0].split()
    return Cleaning(seconds, megabytes, float(longest), int(count), outcome)


def _fill(url: str, rows: int, orphans: int) -> None:
    database = open_database(url)
    migrate(database)
    Fact.insert(key="benchmark", value="").execute()
    is_sqlite = isinstance(database, peewee.SqliteDatabase)
    if not is_sqlite:
        database.execute_sql("SET statement_timeout = 0")
        database.execute_sql(_ENUM)
    status = "TEXT" if is_sqlite else '"ConnectionStatus"'
    for statement in _SCHEMA.format(status=status).split(";"):
        database.execute_sql(statement)
    numbers = (
        "WITH RECURSIVE numbers(n) AS "
        f"(SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) "
    )
    # The same for both engines: psycopg2 takes a percent sign for a parameter.
    scattered, every = "n * 7919 - n * 7919 / 1000003 * 1000003", max(rows // orphans, 2)
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')" if is_sqlite else "now()"
    with database.atomic():
        # Ids that do not sort by age, as real ones: every hundredth or so, all over the table, is nobody's.
        database.execute_sql(
            'INSERT INTO "whatsapp_connections" ("id", "userId", "phoneNumber", "updatedAt") '
            f"{numbers} SELECT 'c' || ({scattered}) || 'x' || n, 'user' || n, 'n' || n, {now} FROM numbers"
        )
        database.execute_sql(
            'INSERT INTO "users" ("id") '
            f"{numbers} SELECT 'user' || n FROM numbers WHERE n <> n / {every} * {every}"
        )
    if not is_sqlite:
        database.execute_sql("ANALYZE")
    database.close()


def _clean(configuration: Path) -> tuple[float, float, dict[str, Any]]:
    """Run the janitor as its unit does; returns seconds, peak memory in MB and what it said."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "wabot",
        "janitor",
        "--apply",
        "--json",
        "--config",
        str(configuration),
    ]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("the janitor failed")
    return seconds, usage.ru_maxrss / 1024, json.loads(output)


def _as_line(result: dict[str, Any]) -> str:
    return (
        f"{result['engine']}: {result['removed']} of {result['rows']} rows removed "
        f"in {result['seconds']:.1f} s (goal < {GOAL_SECONDS:.0f}), longest write of another process "
        f"{result['longest_write_seconds'] * 1000:.0f} ms of {result['writes_meanwhile']} "
        f"(goal < {GOAL_LOCK_SECONDS * 1000:.0f}), peak memory {result['peak_megabytes']:.0f} MB; "
        f"second run {result['second_run_seconds']:.1f} s, {result['second_run_actions']} actions"
    )


if __name__ == "__main__":
    until_interrupted(main)
