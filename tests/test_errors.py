from __future__ import annotations

import pytest

from wabot.errors import ConfigError, DatabaseAway, ExitCode, OperatorNeeded, UsageError, WabotError


@pytest.mark.parametrize(
    ("code", "number", "restarts"),
    [
        (ExitCode.OK, 0, False),
        (ExitCode.FINDINGS, 1, False),
        (ExitCode.USAGE, 64, False),
        (ExitCode.DATABASE_AWAY, 69, True),
        (ExitCode.BUG, 70, True),
        (ExitCode.LINK_LOST, 75, True),
        (ExitCode.CLIENT_OUTDATED, 76, False),
        (ExitCode.SESSION_ENDED, 77, False),
        (ExitCode.OPERATOR_NEEDED, 78, False),
    ],
)
def test_the_table_of_exit_codes(code: ExitCode, number: int, restarts: bool) -> None:
    assert (int(code), code.restarts) == (number, restarts)


def test_every_code_has_a_meaning_of_its_own() -> None:
    meanings = [code.meaning for code in ExitCode]
    assert all(meanings)
    assert len(set(meanings)) == len(meanings)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WabotError("x"), ExitCode.BUG),
        (UsageError("x"), ExitCode.USAGE),
        (ConfigError(["x"]), ExitCode.OPERATOR_NEEDED),
        (DatabaseAway("x"), ExitCode.DATABASE_AWAY),
        (OperatorNeeded("x"), ExitCode.OPERATOR_NEEDED),
    ],
)
def test_each_error_knows_its_exit_code(error: WabotError, code: ExitCode) -> None:
    assert error.exit_code is code


def test_an_error_is_one_line() -> None:
    assert str(DatabaseAway("could not connect\n\tIs the server running?\n")) == (
        "could not connect Is the server running?"
    )


def test_a_configuration_error_has_every_problem() -> None:
    error = ConfigError(["a: wrong", "b: worse"])
    assert (str(error), error.problems) == ("a: wrong; b: worse", ["a: wrong", "b: worse"])
