"""The long trial of the real bot on an emulated WhatsApp: `scripts/soak`."""

from __future__ import annotations

import argparse
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from wabot.emulator.bot_process import BotEnded
from wabot.emulator.people.pairing import PairingError
from wabot.errors import ExitCode
from wabot.trials.peers.postgresql import PostgresqlMissing, PostgresqlServer, find_programs
from wabot.trials.soak.database import PostgresqlDatabase, SoakDatabase, SqliteFile, Unreachable
from wabot.trials.soak.disk import SmallDisk, can_be_made
from wabot.trials.soak.plan import FAULTS, NEEDS_ROOT, NEEDS_SERVER, Terms
from wabot.trials.soak.report import report
from wabot.trials.soak.trial import USER_ID, Trial

_INTERRUPTED = 128 + signal.SIGINT
# The machine stays up, so nothing has to reach its disk; but what was committed must survive a crash.
_POSTGRESQL_OPTIONS = ("fsync=off", "full_page_writes=off", "max_connections=60")
_MOST_MINUTES = 1440
_MOST_CUSTOMERS = 500


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.USAGE, f"scripts/soak: {message}; see scripts/soak --help\n")


def main(argv: Sequence[str]) -> int:
    """Run a trial.

    Returns:
        0 when nothing was lost silently or doubled without a record; 1 when something was, or the trial could
        not be held; 130 when it was cut short.
    """
    arguments = _parse(argv)
    logging.basicConfig(level=logging.ERROR, format="%(message)s", stream=sys.stderr)
    # SIGINT as well: a shell that starts a job in the background has it ignored, and Python leaves it so.
    for stop_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop_signal, signal.default_int_handler)
    directory: Path = arguments.keep or Path(tempfile.mkdtemp(prefix="wabot-soak-"))
    code: int = ExitCode.FINDINGS
    try:
        code = _hold(arguments, directory)
    except KeyboardInterrupt:
        _tell("Interrupted; the bot was ended.")
        code = _INTERRUPTED
    except (BotEnded, PairingError, PostgresqlMissing, TimeoutError, Unreachable) as error:
        _tell(f"The trial could not be held: {error}")
    if code == ExitCode.FINDINGS:
        _tell(f"The bot's log and database are in {directory}")
    elif not arguments.keep:
        shutil.rmtree(directory, ignore_errors=True)
    return code


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=_minutes, default=10.0, help="how long customers write (10)")
    parser.add_argument("--faults", type=_faults, default=tuple(FAULTS), help="all, none, or some (all)")
    parser.add_argument("--seed", type=int, default=1, help="decides what happens when (1)")
    parser.add_argument("--customers", type=_customers, default=30, help="how many there are (30)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="the bot's (the seed decides)")
    parser.add_argument("--keep", type=_new_directory, help="leave database and log in this new directory")
    arguments = parser.parse_args(argv)
    if arguments.database is None:
        arguments.database = "postgresql" if arguments.seed % 2 == 0 and _has_postgresql() else "sqlite"
    if arguments.database == "sqlite":
        if set(arguments.faults) and set(arguments.faults) <= NEEDS_SERVER:
            parser.error(f"{', '.join(arguments.faults)}: only with --database postgresql")
        arguments.faults = tuple(each for each in arguments.faults if each not in NEEDS_SERVER)
    elif not _has_postgresql():
        parser.error("--database postgresql: no PostgreSQL server is installed")
    if not can_be_made():
        arguments.faults = tuple(each for each in arguments.faults if each not in NEEDS_ROOT)
    return arguments


def _hold(arguments: argparse.Namespace, directory: Path) -> int:
    terms = Terms(arguments.seed, 60 * arguments.minutes, arguments.faults, arguments.customers)
    state = directory / "state"
    state.mkdir(mode=0o700)
    with ExitStack() as opened:
        disk = opened.enter_context(SmallDisk(state)) if NEEDS_ROOT & set(terms.faults) else None
        database: SoakDatabase = SqliteFile(state / "wabot.db")
        if arguments.database == "postgresql":
            server = opened.enter_context(PostgresqlServer(_POSTGRESQL_OPTIONS))
            database = PostgresqlDatabase(server, USER_ID)
        _tell(
            f"seed {terms.seed}: {terms.customers} customers write for {arguments.minutes:g} min; "
            f"{len(terms.faults)} kinds of faults; {database.name}"
        )
        trial = Trial(terms, directory, database, disk, _tell)
        account = trial.run()
        if account.faults or arguments.keep:
            database.keep(directory)
    print(report(account, trial.happened, trial.codes, trial.interrupted_at), flush=True)
    if account.faults:
        return ExitCode.FINDINGS
    return ExitCode.OK if trial.interrupted_at is None else _INTERRUPTED


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _faults(text: str) -> tuple[str, ...]:
    if text in ("all", "none"):
        return tuple(FAULTS) if text == "all" else ()
    chosen = tuple(each.strip() for each in text.split(","))
    unknown = [each for each in chosen if each not in FAULTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such fault: {', '.join(unknown)}")
    return chosen


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= _MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {_MOST_MINUTES}")
    return minutes


def _customers(text: str) -> int:
    customers = int(text)
    if not 1 <= customers <= _MOST_CUSTOMERS:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {_MOST_CUSTOMERS}")
    return customers


def _new_directory(text: str) -> Path:
    directory = Path(text).absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise argparse.ArgumentTypeError(f"{text} is not empty")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from None
    return directory


def _has_postgresql() -> bool:
    try:
        find_programs()
    except PostgresqlMissing:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
