from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.examined_bot import illnesses
from wabot.doctor import machine as doctor_machine
from wabot.doctor.machine import judge_unit

HEALTHY_UNIT = {
    "LoadState": "loaded",
    "UnitFileState": "enabled",
    "ActiveState": "active",
    "SubState": "running",
    "NRestarts": "0",
    "Type": "notify",
    "NotifyAccess": "main",
    "WatchdogUSec": "2min",
    "NeedDaemonReload": "no",
    "Environment": "NEONIZE_BOT_TAG=off GOMAXPROCS=1",
}


def install(programs: Path, name: str, output: str) -> None:
    """Put a program there that prints a text."""
    (programs / "answer").write_text(output)
    program = programs / name
    program.write_text(f"#!/bin/sh\n/bin/cat {programs}/answer\n")
    program.chmod(0o755)


def test_a_clock_that_is_wrong(file: Path, programs: Path) -> None:
    assert "before this program was installed" in illnesses(file, now=datetime(2020, 1, 1))["clock"].text
    install(programs, "timedatectl", "CanNTP=yes\nNTPSynchronized=yes\n")
    assert "clock" not in illnesses(file)
    install(programs, "timedatectl", "CanNTP=yes\nNTPSynchronized=no\n")
    assert "not synchronized" in illnesses(file)["clock"].text
    assert illnesses(file)["clock"].cure == "sudo timedatectl set-ntp true"
    install(programs, "timedatectl", "CanNTP=no\nNTPSynchronized=no\n")
    assert illnesses(file)["clock"].cure == "sudo apt-get install -y systemd-timesyncd"


def test_a_disk_that_is_full(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "disk" not in illnesses(file)
    monkeypatch.setattr(doctor_machine, "_LEAST_FREE_BYTES", 1 << 60)
    assert "MB are free" in illnesses(file)["disk"].text


def test_a_disk_without_room_for_files(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "_LEAST_FREE_FILES", 1 << 60)
    assert "more files fit" in illnesses(file)["disk"].text


def test_the_way_to_whatsapp(file: Path, state: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "_WHATSAPP", model.address)
    assert illnesses(file, online=True) == {}
    monkeypatch.setattr(doctor_machine, "_CLOCK_TOLERANCE_SECONDS", -1)
    assert "off WhatsApp's time" in illnesses(file, online=True)["clock"].text
    monkeypatch.setattr(doctor_machine, "_WHATSAPP", "http://127.0.0.1:1/")
    assert "cannot be reached" in illnesses(file, online=True)["network"].text


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("LoadState", "not-found", "sudo scripts/install"),
        ("LoadState", "masked", "sudo scripts/install"),
        ("UnitFileState", "disabled", "sudo systemctl enable wabot.service"),
        ("ActiveState", "failed", "as the other lines say, or sudo journalctl -u wabot.service -n 50"),
        ("Type", "simple", "sudo systemctl revert wabot.service"),
        ("NotifyAccess", "none", "sudo systemctl revert wabot.service"),
        ("WatchdogUSec", "0", "sudo systemctl revert wabot.service"),
        ("Environment", "", "sudo systemctl revert wabot.service"),
        ("Environment", "NEONIZE_BOT_TAG=off", "sudo systemctl revert wabot.service"),
        ("NeedDaemonReload", "yes", "sudo systemctl daemon-reload"),
    ],
)
def test_the_unit(name: str, value: str, cure: str) -> None:
    assert judge_unit("wabot.service", HEALTHY_UNIT) == []
    (ill,) = judge_unit("wabot.service", {**HEALTHY_UNIT, name: value})
    assert ill.cure.startswith(cure)


def test_a_unit_that_is_started_again_and_again() -> None:
    starting = {**HEALTHY_UNIT, "ActiveState": "activating"}
    assert judge_unit("wabot.service", starting) == []
    assert judge_unit("wabot.service", {**HEALTHY_UNIT, "NRestarts": "3"}) == [], "it got over that"
    (ill,) = judge_unit("wabot.service", {**starting, "NRestarts": "3"})
    assert ill.text == "wabot.service ends by itself and is started again (restarts: 3): nobody is answered"
    assert judge_unit("wabot.service", {**starting, "SubState": "auto-restart"})
    assert judge_unit("wabot.service", {**starting, "SubState": "start"}) == []
    assert ill.cure.endswith("sudo journalctl -u wabot.service -n 50")


def test_systemd_knows_no_watchdog_before_the_first_start() -> None:
    stopped = {**HEALTHY_UNIT, "ActiveState": "inactive", "WatchdogUSec": "infinity"}
    (ill,) = judge_unit("wabot.service", stopped)
    assert ill.text == "wabot.service is stopped: nobody is answered"


def test_the_unit_as_systemd_shows_it(file: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "CONFIGURATIONS", file.parent)
    assert "unit" not in illnesses(file), "no systemd is no illness"
    shown = "\n".join(f"{name}={value}" for name, value in HEALTHY_UNIT.items())
    install(programs, "systemctl", shown)
    assert not {"unit", "janitor timer"} & illnesses(file).keys()
    install(programs, "systemctl", shown.replace("enabled", "disabled"))
    ill = illnesses(file)
    assert ill["unit"].cure == "sudo systemctl enable wabot@shop.service"
    assert ill["janitor timer"].cure == "sudo systemctl enable --now wabot-janitor@shop.timer"


@pytest.mark.parametrize("shared", [True, False])
def test_one_timer_cleans_for_all_that_share_state_and_database(
    file: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: bool
) -> None:
    monkeypatch.setattr(doctor_machine, "CONFIGURATIONS", file.parent)
    install(programs, "systemctl", "\n".join(f"{name}={value}" for name, value in HEALTHY_UNIT.items()))
    program = programs / "systemctl"
    program.write_text(
        program.read_text() + 'case "$*" in *wabot-janitor@*) echo; echo UnitFileState=disabled; esac\n'
    )
    assert "janitor timer" in illnesses(file), "the program says so"
    state = tmp_path / "state" if shared else tmp_path / "elsewhere"
    (tmp_path / "wabot.toml").write_text(f'[account]\nuser_id = "bea"\n[paths]\nstate = "{state}"\n')
    assert ("janitor timer" in illnesses(file)) == (not shared)
