"""Lets things go wrong in a soak."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from typing import get_args

from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.world.faults import CutMoment, DialStage
from wabot.trials.peers.keeper import Keeper
from wabot.trials.peers.model_server import ModelServer
from wabot.trials.soak.database import SoakDatabase, Unreachable
from wabot.trials.soak.disk import SmallDisk
from wabot.trials.soak.file_faults import FileTroubles
from wabot.trials.soak.model import misbehaviours
from wabot.trials.soak.plan import PlannedDeed, Trouble

_MOMENTS: tuple[CutMoment, ...] = get_args(CutMoment)
_STAGES: tuple[DialStage, ...] = get_args(DialStage)
_STREAM_ERRORS = (None, 500, 503, 515, 516)
_LOGIN_FAILURES = (500, 503)
_FINAL_REFUSALS = (400, 403, 404, 479)
_PASSING_REFUSALS = (408, 429, 500, 503)
_RECEIPTS = ("enc_rekey_retry", "server-error", "peer_msg", "xyz", "retry")
_CLOCK_STEPS_SECONDS = (-3600.0, 7200.0)
# Those that hold neither messages nor replies: nobody could account for these any more.
_TABLES = ("wabot_sessions", "wabot_model_usage")
_BEGUN = "SELECT count(*) FROM wabot_inbox WHERE state = 'pending' AND attempts > 0"
_NAMESPACES = ("usync", "encrypt")
_LATE_SECONDS = 0.5
_SILENCE_FACTOR = 3
_MOST_ACKS = 3
# Above all those of the customers' lives.
_FIRST_QUESTION = 100_000


class Troublemaker:
    """Carries a plan of troubles out.

    Args:
        emulator: the service.
        customers: those whose phones may fail.
        model: asked by the bot.
        transcriber: asked by the bot what it hears.
        database: the bot's.
        keeper: starts the bot again after each end.
        disk: with the bot's state; None where it is this machine's own.
        write: lets a customer do something.
    """

    def __init__(
        self,
        emulator: Emulator,
        customers: Sequence[Customer],
        model: ModelServer,
        transcriber: ModelServer,
        database: SoakDatabase,
        keeper: Keeper,
        disk: SmallDisk | None,
        write: Callable[[PlannedDeed], None],
    ) -> None:
        self._emulator = emulator
        self._customers = customers
        self._model = model
        self._transcriber = transcriber
        self._database = database
        self._keeper = keeper
        self._disk = disk
        self._write = write
        self._files = FileTroubles(emulator, transcriber, self._kill, self._let_write, self._is_calm)
        self._questions = 0

    def make(self, trouble: Trouble) -> None:
        """Let it happen; returns when it is over, where it lasts."""
        emulator, faults, choice = self._emulator, self._emulator.faults, trouble.choice
        moment = _MOMENTS[choice % len(_MOMENTS)]
        customer = self._customers[choice % len(self._customers)]
        match trouble.fault:
            case "cut":
                emulator.cut()
            case "cut-at-send":
                faults.cut_at_send(times=1, when=moment)
            case "cuts-at-send":
                faults.cut_at_send(times=2, when=moment)
            case "refuse":
                faults.refuse(trouble.seconds)
                emulator.cut()
            case "refused-dials":
                faults.refuse_dials(1 + choice % 2)
                emulator.cut()
            case "hung-dial":
                faults.hang(_STAGES[choice % len(_STAGES)])
                emulator.cut()
            case "failed-login":
                faults.fail_login(_LOGIN_FAILURES[choice % len(_LOGIN_FAILURES)])
                emulator.cut()
            case "silence":
                emulator.silence()
                time.sleep(_SILENCE_FACTOR * trouble.seconds)
                emulator.speak()
            case "latency":
                faults.latency(_LATE_SECONDS)
                time.sleep(trouble.seconds)
                faults.latency(0.0)
            case "stream-error":
                emulator.stream_error(_STREAM_ERRORS[choice % len(_STREAM_ERRORS)])
            case "late-ack":
                faults.ack(late_seconds=trouble.seconds, times=1 + choice % _MOST_ACKS)
            case "no-ack":
                faults.ack(never=True, times=1 + choice % _MOST_ACKS)
            case "nack":
                faults.ack(error=_FINAL_REFUSALS[choice % len(_FINAL_REFUSALS)])
            case "busy":
                error = _PASSING_REFUSALS[choice % len(_PASSING_REFUSALS)]
                faults.ack(error=error, times=1 + choice % _MOST_ACKS)
            case "throttled":
                error = _PASSING_REFUSALS[choice % len(_PASSING_REFUSALS)]
                namespace = _NAMESPACES[choice % len(_NAMESPACES)]
                faults.fail_queries(namespace, error, times=None, seconds=_SILENCE_FACTOR * trouble.seconds)
            case "spoilt":
                self._let_write(trouble, "spoilt" if choice % 2 else "spoilt once")
            case "withheld":
                self._let_write(trouble, "withheld")
            case "odd-id":
                self._let_write(trouble, "odd id")
            case "unreadable":
                customer.damaged_replies += 1
            case "unknown-receipt":
                emulator.receipt(customer, _RECEIPTS[choice % len(_RECEIPTS)])
            case "ban":
                emulator.ban(trouble.seconds)
            case "replaced":
                if emulator.bot.connected:
                    self._keeper.pardon()
                    emulator.replace()
            case "model":
                _misbehave(self._model, trouble)
            case "transcriber":
                _misbehave(self._transcriber, trouble)
            case "database-lock":
                self._database.lock(trouble.seconds)
            case "database-restart":
                self._database.restart(trouble.seconds, crash=bool(choice % 2))
            case "database-kill":
                self._database.restart(trouble.seconds, crash=True, meanwhile=self._kill)
            case "table-dropped":
                self._database.drop(_TABLES[choice % len(_TABLES)])
            case "disk-full":
                if self._disk is not None:
                    self._disk.fill(_SILENCE_FACTOR * trouble.seconds)
            case "clock-step":
                self._keeper.set_clock(_CLOCK_STEPS_SECONDS[choice % len(_CLOCK_STEPS_SECONDS)])
                time.sleep(_SILENCE_FACTOR * trouble.seconds)
                self._keeper.set_clock(0.0)
            case "stop":
                self._keeper.signal(signal.SIGTERM)
            case "kill":
                self._kill()
            case "locked-kill":
                self._database.lock(trouble.seconds, self._kill)
            case "freeze":
                self._keeper.signal(signal.SIGSTOP)
                time.sleep(trouble.seconds)
                self._keeper.signal(signal.SIGCONT)
            case _:
                self._files.make(trouble)

    def _let_write(self, trouble: Trouble, what: str, about: str = "") -> None:
        """Let a customer write a question of its own in an odd way, or about something."""
        customer = 1 + trouble.choice % len(self._customers)
        self._questions += 1
        question = f"¿Y R{customer}-{_FIRST_QUESTION + self._questions}? {about}".rstrip()
        self._write(PlannedDeed(trouble.at_seconds, customer, what, question))

    def _is_calm(self) -> bool:
        """Whether messages are taken, and no answer was begun that a kill would break off once more.

        Three kills in one answer are held against its message.
        """
        try:
            return self._emulator.bot.connected and not self._database.rows(_BEGUN)[0][0]
        except Unreachable:
            return False

    def _kill(self) -> None:
        self._keeper.signal(signal.SIGKILL)


def _misbehave(server: ModelServer, trouble: Trouble) -> None:
    well = server.default
    others = misbehaviours(well)
    server.default = others[trouble.choice % len(others)]
    time.sleep(trouble.seconds)
    server.default = well
