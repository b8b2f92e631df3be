"""A problem, the notice of it in the owner's language, and what a channel for notices is."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Self

from wabot.alerts.texts import DETAIL, NEXT_STEP, OVER, PROBLEMS, TEST
from wabot.system import units


class NoticeKind(StrEnum):
    """What a notice is about."""

    ALERT = "alert"
    RECOVERY = "recovery"
    TEST = "test"


class Condition(StrEnum):
    """What can be wrong; the names are what a webhook is told."""

    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    OUTDATED = "outdated"
    PAIRING_EXPIRED = "pairing_expired"
    FAILED = "failed"
    BANNED = "banned"
    UNSTABLE = "unstable"
    OFFLINE = "offline"
    DATABASE_AWAY = "database_away"
    REPLIES_STUCK = "replies_stuck"
    REPLIES_LOST = "replies_lost"
    REPLIES_LATE = "replies_late"
    MODEL_DOWN = "model_down"
    TRANSCRIBER_DOWN = "transcriber_down"
    BUDGET_SPENT = "budget_spent"
    NO_ROOM = "no_room"
    DISK_LOW = "disk_low"
    CLOCK_WRONG = "clock_wrong"
    JANITOR_REFUSED = "janitor_refused"
    PROCESS_FAILED = "process_failed"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong now, as a check found it.

    Attributes:
        condition: what.
        detail: what is known about this very case, for people.
        values: what the sentences have a place for.
        patience_seconds: for how long it must have been so before it is worth an alert.
        subject: tells two problems of one kind apart, as a unit's name does.
    """

    condition: Condition
    detail: str = ""
    values: tuple[tuple[str, str], ...] = ()
    patience_seconds: float = 0.0
    subject: str = ""

    @property
    def key(self) -> str:
        """What this problem is remembered by."""
        return problem_key(self.condition, self.subject)


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, and the keys of what certainly is not; what is in neither cannot be told now."""

    problems: Sequence[Problem] = ()
    cleared: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """One message to the owner, complete; all fields are texts, so that it can be stored."""

    id: str
    kind: str
    conditions: str
    account: str
    host: str
    at: str
    title: str
    body: str

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The notice that `as_json` stored; raises KeyError or TypeError for anything else."""
        values = {name: fields[name] for name in cls.__slots__}
        if not all(isinstance(value, str) for value in values.values()):
            raise TypeError("a notice is made of texts")
        return cls(**values)

    def as_json(self) -> dict[str, str]:
        """The notice, to be stored."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NoticeWriter:
    """Writes the notices of one account.

    Attributes:
        account: its user id.
        host: the name of this machine.
        language: es, en or pt.
        file: its configuration, which the commands in the notices name; None when there is none.
    """

    account: str
    host: str
    language: str
    file: Path | None = None

    def alert(self, problem: Problem, at: str) -> AlertNotice:
        """The notice of a problem; `at` is ISO-8601, UTC."""
        values = {**self._commands(), **dict(problem.values)}
        title, cause, step = (
            text.format_map(values) for text in PROBLEMS[problem.condition.value][self.language]
        )
        lines = [cause]
        if problem.detail:
            lines.append(f"{DETAIL[self.language]}: {problem.detail}")
        lines.append(f"{NEXT_STEP[self.language]}: {step}")
        return self._notice(NoticeKind.ALERT, [problem.condition], at, title, lines)

    def recovery(self, keys: Iterable[str], at: str) -> AlertNotice:
        """The notice that problems with these keys are over."""
        title, sentence = OVER[self.language]
        conditions: dict[Condition, None] = {}
        lines: dict[str, None] = {}
        for key in keys:
            name, _, subject = key.partition(":")
            conditions[Condition(name)] = None
            # The one title with a place for something names the unit.
            lines[f"- {PROBLEMS[name][self.language][0].format(unit=subject)}"] = None
        return self._notice(NoticeKind.RECOVERY, conditions, at, title, [sentence, *lines])

    def test(self, at: str) -> AlertNotice:
        """The notice for whoever wants to know whether alerts arrive."""
        title, sentence = TEST[self.language]
        return self._notice(NoticeKind.TEST, [], at, title, [sentence])

    def _commands(self) -> dict[str, str]:
        """The commands that the sentences have a place for, about this very bot."""
        typed = {name: units.command(name, self.file) for name in ("pair", "doctor", "janitor")}
        typed["doctor_online"] = units.command("doctor --online", self.file)
        return {**typed, "start": units.start(self.file), "unit": units.unit_of(self.file)}

    def _notice(
        self, kind: NoticeKind, conditions: Iterable[Condition], at: str, title: str, lines: Iterable[str]
    ) -> AlertNotice:
        return AlertNotice(
            id=f"msg_{secrets.token_hex(12)}",
            kind=kind.value,
            conditions=" ".join(conditions),
            account=self.account,
            host=self.host,
            at=at,
            title=f"wabot {self.account}: {title}",
            body="\n".join(lines),
        )


def problem_key(condition: Condition, subject: str = "") -> str:
    """What a problem of this kind is remembered by."""
    return f"{condition}:{subject}" if subject else condition.value


def span(seconds: float) -> str:
    """How long something has lasted, as all three languages write it."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


class NotDelivered(Exception):
    """A notice did not arrive; the text says why, without addresses that may hold secrets.

    Attributes:
        permanent: it will be so until somebody changes something, as with a wrong password.
    """

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class Channel(Protocol):
    """One way to the owner."""

    name: str

    def send(self, notice: AlertNotice) -> None:
        """Deliver a notice, or raise NotDelivered."""
