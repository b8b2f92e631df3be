from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

import pytest

import wabot
from wabot.clock import TOLERANCE_SECONDS, Clock, error_text
from wabot.service.clock_watch import ClockWatch

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0
NOON = 1_795_608_000.0
SETTINGS = [-HOUR, 2 * HOUR, 400 * DAY, -50 * YEAR]


class Machine:
    """A machine whose clock can be set, and one at WhatsApp whose clock is right."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.uptime = 100.0
        self.ahead = ahead
        self.clock = Clock(lambda: self.whatsapp + self.ahead, lambda: self.uptime)
        self.watch = ClockWatch(self.clock)

    @property
    def whatsapp(self) -> float:
        return NOON + self.uptime

    def hear(self, age: float = 0.0, is_live: bool = True) -> None:
        self.clock.hear(float(int(self.whatsapp - age)), is_live)


@pytest.mark.parametrize("ahead", SETTINGS)
def test_a_clock_that_is_set_under_a_running_bot_changes_nothing(ahead: float) -> None:
    machine = Machine()
    machine.hear()
    machine.uptime += 10 * DAY
    machine.ahead = ahead
    assert machine.clock.now() == pytest.approx(machine.whatsapp, abs=60)
    assert machine.clock.error_seconds() == pytest.approx(ahead, abs=60)


@pytest.mark.parametrize("ahead", SETTINGS)
def test_one_that_was_wrong_from_the_start_is_put_right_by_the_first_message(ahead: float) -> None:
    machine = Machine(ahead)
    assert machine.clock.now() == machine.whatsapp + ahead
    machine.hear()
    assert machine.clock.now() == pytest.approx(machine.whatsapp, abs=2)


@pytest.mark.parametrize("ahead", [0.0, TOLERANCE_SECONDS - 5, -TOLERANCE_SECONDS + 5])
def test_one_that_is_nearly_right_is_believed(ahead: float) -> None:
    machine = Machine(ahead)
    machine.hear()
    machine.uptime += HOUR
    assert machine.clock.now() == machine.whatsapp + ahead


def test_what_was_sent_while_the_bot_was_away_says_only_that_it_is_later_now() -> None:
    machine = Machine()
    machine.hear(8 * HOUR, is_live=False)
    assert machine.clock.now() == machine.whatsapp
    machine.ahead = -9 * HOUR
    assert machine.clock.now() == pytest.approx(machine.whatsapp - 8 * HOUR, abs=2)


def test_a_message_that_was_long_on_its_way_does_not_make_the_clock_wrong() -> None:
    machine = Machine()
    machine.hear()
    machine.uptime += 3 * HOUR
    machine.hear(2 * HOUR)
    assert machine.clock.error_seconds() == 0
    machine.ahead = 5 * HOUR
    assert machine.clock.now() == pytest.approx(machine.whatsapp, abs=5)


def test_a_first_one_that_was_long_on_its_way_is_put_right_by_the_next() -> None:
    machine = Machine()
    machine.hear(2 * HOUR)
    assert machine.clock.now() == pytest.approx(machine.whatsapp - 2 * HOUR, abs=2)
    machine.hear()
    assert machine.clock.now() == machine.whatsapp


@pytest.mark.parametrize("moment", [-62_135_596_800.0, 0.0, 1.0, 9e12, float("inf")])
def test_what_is_no_time_is_not_heard(moment: float) -> None:
    machine = Machine()
    machine.clock.hear(moment, is_live=True)
    assert machine.clock.now() == machine.whatsapp
    assert not machine.clock.is_compared


@pytest.mark.parametrize("ahead", [HOUR, 400 * DAY])
def test_one_message_with_a_wrong_time_is_not_believed_against_all_others(ahead: float) -> None:
    machine = Machine()
    machine.hear()
    machine.uptime += HOUR
    machine.hear(-ahead)
    assert machine.clock.now() == machine.whatsapp
    machine.uptime += HOUR
    machine.hear()
    assert machine.clock.now() == machine.whatsapp


def test_a_machine_that_stood_still_with_its_clock_believes_the_second_message() -> None:
    machine = Machine()
    machine.hear()
    machine.uptime += 10
    for _ in range(2):
        machine.hear(-8 * HOUR)
    assert machine.clock.now() == pytest.approx(machine.whatsapp + 8 * HOUR, abs=5)


@pytest.mark.parametrize("ahead", [HOUR, 400 * DAY, -400 * DAY])
def test_a_first_message_with_a_wrong_time_counts_until_whatsapp_takes_a_reply(ahead: float) -> None:
    machine = Machine()
    machine.hear(-ahead)
    machine.uptime += 10
    machine.clock.hear(float(int(machine.whatsapp)), is_live=True, is_exact=True)
    assert machine.clock.now() == machine.whatsapp


def test_a_step_and_an_error_are_told_once_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    machine = Machine()
    machine.hear()
    assert not machine.watch.look()
    machine.ahead = -HOUR
    assert machine.watch.look()
    machine.uptime += 1
    assert not machine.watch.look()
    assert machine.watch.text == "this machine's clock is 1 h 0 min behind WhatsApp's"
    machine.ahead = 0
    assert machine.watch.look()
    assert machine.watch.text == ""
    assert [record.getMessage() for record in caplog.records] == [
        "this machine's clock was set back by 1:00:00; nothing waits for it",
        "this machine's clock is 1 h 0 min behind WhatsApp's, which counts until this one is right",
        "this machine's clock was set forward by 1:00:00; nothing waits for it",
        "this machine's clock agrees with WhatsApp's again",
    ]


def test_the_next_process_knows_what_this_one_knew_until_the_machine_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "clock.json"
    machine = Machine()
    ClockWatch(machine.clock, file).look()
    assert not file.exists()
    machine.hear()
    ClockWatch(machine.clock, file).look()
    machine.uptime += HOUR
    machine.ahead = 2 * HOUR
    fresh = Clock(lambda: machine.whatsapp + machine.ahead, lambda: machine.uptime)
    ClockWatch(fresh, file)
    assert fresh.now() == pytest.approx(machine.whatsapp, abs=2)
    monkeypatch.setattr("wabot.service.clock_watch._boot_id", lambda: "another")
    fresh = Clock(lambda: machine.whatsapp + machine.ahead, lambda: machine.uptime)
    ClockWatch(fresh, file)
    assert fresh.now() == machine.whatsapp + machine.ahead


@pytest.mark.parametrize("content", ["", "[]", '{"boot": 1}', "null", "\xff"])
def test_a_file_nobody_understands_is_told_and_harms_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "clock.json"
    file.write_bytes(content.encode("latin-1"))
    machine = Machine()
    ClockWatch(machine.clock, file)
    assert machine.clock.reference() is None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (0.0, ""),
        (130.0, "this machine's clock is 2 min ahead of WhatsApp's"),
        (-7260.0, "this machine's clock is 2 h 1 min behind WhatsApp's"),
        (400 * DAY, "this machine's clock is 400 d 0 h ahead of WhatsApp's"),
    ],
)
def test_an_error_in_words(error: float, text: str) -> None:
    assert error_text(error) == text


def test_nobody_else_asks_the_machine_what_time_it_is() -> None:
    """Whoever measures how long something takes asks a clock that nobody can set."""
    # They look at the machine itself, or at a clock elsewhere.
    allowed = {
        "clock.py",
        "doctor/machine.py",
        "doctor/database.py",
        "brain/providers/endpoint.py",
        "status/metrics.py",
        "brain/providers/counts.py",
    }
    root = Path(wabot.__file__).parent
    found = set()
    for file in root.rglob("*.py"):
        place = file.relative_to(root)
        if place.parts[0] in ("emulator", "trials") or str(place) in allowed:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and re.fullmatch(
                r"time\.(time|time_ns)|datetime\.(now|utcnow|today)|date\.today", ast.unparse(node)
            ):
                found.add(f"{place}:{node.lineno}")
    assert found == set()
