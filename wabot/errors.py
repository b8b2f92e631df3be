"""The exit codes, their meaning, and the errors that end the process on purpose."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Why the process ended; the unit files and the handbook are tested against this table.

    The numbers follow sysexits.h where it has a fitting one (64, 69, 70, 75, 78).
    """

    OK = 0
    FINDINGS = 1
    USAGE = 64
    REFUSED = 65
    DATABASE_AWAY = 69
    BUG = 70
    LINK_LOST = 75
    CLIENT_OUTDATED = 76
    SESSION_ENDED = 77
    OPERATOR_NEEDED = 78

    @property
    def restarts(self) -> bool:
        """Whether systemd starts the service again after this code."""
        return self in {ExitCode.DATABASE_AWAY, ExitCode.BUG, ExitCode.LINK_LOST}

    @property
    def meaning(self) -> str:
        """One line for people."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "asked to stop",
    ExitCode.FINDINGS: "a check found something, or what was asked for did not come about",
    ExitCode.USAGE: "wrong usage",
    ExitCode.REFUSED: "refused by a rule of `wabot send`",
    ExitCode.DATABASE_AWAY: "database away at start",
    ExitCode.BUG: "bug: unhandled exception",
    ExitCode.LINK_LOST: "link lost beyond its deadline: a fresh process is wanted",
    ExitCode.CLIENT_OUTDATED: "client library outdated",
    ExitCode.SESSION_ENDED: "session ended: replaced, logged out, stopped by policy",
    ExitCode.OPERATOR_NEEDED: (
        "operator needed: configuration, unknown user, database file unusable, database refuses the role, "
        "session lock held by a living process, QR expired"
    ),
}


class WabotError(Exception):
    """Expected trouble: one line for the operator, and the code the process ends with.

    Args:
        message: what happened, to what, and what to do next, on one line.
    """

    exit_code = ExitCode.BUG
    advisor = ""
    """The wabot command that says what to do, if one does."""

    @property
    def lines(self) -> list[str]:
        """What to say, a line for each thing that is wrong."""
        return [str(self)]

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class UsageError(WabotError):
    """The command line makes no sense."""

    exit_code = ExitCode.USAGE


class ConfigError(WabotError):
    """The configuration cannot be used; every problem is named at once.

    Args:
        problems: one line each, with key, value and what is allowed.
    """

    exit_code = ExitCode.OPERATOR_NEEDED

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems

    @property
    def lines(self) -> list[str]:
        """The problems."""
        return self.problems


class DatabaseAway(WabotError):
    """The database cannot be reached or opened."""

    exit_code = ExitCode.DATABASE_AWAY
    advisor = "doctor"


class OperatorNeeded(WabotError):
    """Nothing will get better by trying again: a person has to act."""

    exit_code = ExitCode.OPERATOR_NEEDED
