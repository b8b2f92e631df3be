"""scripts/demo and scripts/test: what they set up, and what they say where something is missing.

The machine is played by stubs in a PATH of its own: python3, apt-get and id note how they were called and
answer as the files in the machine's directory say.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.script_machine import (
    MISSING,
    REPOSITORY,
    STUB_APT,
    STUB_PYTHON,
    TIMEOUT_SECONDS,
    Machine,
    machine,
)

__all__ = ["machine"]

SCRIPTS = [
    *(file for file in (REPOSITORY / "scripts").iterdir() if file.suffix != ".txt"),
    REPOSITORY / ".ci" / "run",
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_script_is_sound(script: Path) -> None:
    first_line = script.read_text().partition("\n")[0]
    if "python" in first_line:
        compile(script.read_text(), script, "exec")
    else:
        subprocess.run(["bash", "-n", script], check=True, timeout=TIMEOUT_SECONDS)
    if script.suffix != ".sh":
        assert first_line.startswith("#!")
        assert os.access(script, os.X_OK)


@pytest.mark.parametrize("script", ["demo", "test"])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_explains_and_sets_nothing_up(machine: Machine, script: str, option: str) -> None:
    result = machine.run(script, option)
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: scripts/{script}")
    assert machine.calls() == []
    assert not (machine.checkout / ".venv").exists()


@pytest.mark.parametrize("script", ["demo", "test", "install", "bench", "soak", "pictures"])
def test_help_fits_a_terminal_of_the_usual_size(script: str) -> None:
    shown = re.split("HELP'?\n", (REPOSITORY / "scripts" / script).read_text())[1]
    assert shown.startswith("usage: ")
    assert max(map(len, shown.splitlines())) < 80


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("install --foo", "install: there is no option --foo; scripts/install --help shows what there is."),
        ("install --purge", "install: --purge goes with --uninstall only; scripts/install --help shows what"),
        ("bench speed", "bench: there is no speed to measure; scripts/bench --help shows what there is."),
    ],
)
def test_a_typing_mistake_is_named(command: str, complaint: str) -> None:
    script, word = command.split()
    typed = [REPOSITORY / "scripts" / script, word]
    done = subprocess.run(typed, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    assert done.returncode == 64
    assert done.stderr.startswith(complaint) and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "wabot", "version"],
        ["-m", "wabot.emulator.server.launcher"],
        ["-m", "wabot.trials.demo.demo", "-h"],
    ],
)
def test_a_folder_of_the_same_name_is_not_taken_for_the_program(tmp_path: Path, command: list[str]) -> None:
    """As in the parent of a clone called `wabot`."""
    (tmp_path / "wabot").mkdir()
    started = [sys.executable, "-P", *command]
    done = subprocess.run(
        started, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    assert "wabot" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "No module" not in done.stderr


def test_python_is_started_by_name_without_the_working_directory() -> None:
    by_name = re.compile(r"""(?:python"|\bexecutable,?)\s.*?(?:"-m"|-m),? (?:"?wabot|__name__)""")
    sources = [*SCRIPTS, *(REPOSITORY / "wabot").rglob("*.py")]
    found = [line for file in sources for line in file.read_text().splitlines() if by_name.search(line)]
    assert len(found) >= 10
    assert [line for line in found if '"-P"' not in line and " -P " not in line] == []


def test_ci_runs_the_test_script_and_nothing_else() -> None:
    lines = (REPOSITORY / ".ci" / "run").read_text().splitlines()
    assert lines[1:] == ["set -eu", 'exec "$(dirname "$0")/../scripts/test"']


class TestFirstAndSecondRun:
    def test_first_run_sets_up_second_does_not(self, machine: Machine) -> None:
        assert machine.run("demo", "--svg", "x y").returncode == 0
        assert machine.calls() == [
            "venv",
            f"pip {machine.checkout}[emulator]",
            "python -P -m wabot.trials.demo.demo --svg x y",
        ]
        second = machine.run("demo")
        assert machine.calls() == ["python -P -m wabot.trials.demo.demo"]
        assert second.stderr == ""

    def test_each_step_says_how_long_it_took(self, machine: Machine) -> None:
        said = machine.run("demo").stderr.splitlines()
        assert said[0].startswith(
            "Setting up .venv with Python 3.11.2; the first time this takes a minute or two"
        )
        assert said[1] == "Installing wabot and the packages it needs …"
        assert re.fullmatch(r"Installing wabot and the packages it needs: \d+ s", said[2])
        assert re.fullmatch(r"Set up in \d+ s\.", said[3])

    def test_at_a_terminal_the_seconds_are_counted_and_the_step_is_shown(self, machine: Machine) -> None:
        machine.put("slow-network")
        controller, terminal = pty.openpty()
        with os.fdopen(controller, "rb", buffering=0) as seen:
            with os.fdopen(terminal, "wb") as screen:
                machine.run("demo", stderr=screen)
            shown = seen.read(65_536).decode()
        assert "\r\x1b[KInstalling wabot and the packages it needs … 1 s pip at work" in shown
        assert "… 2 s pip at work" in shown

    @pytest.mark.parametrize("name", ["setup.cfg", "pyproject.toml"])
    def test_changed_requirements_are_installed(self, machine: Machine, name: str) -> None:
        machine.run("demo")
        machine.calls()
        with (machine.checkout / name).open("a") as requirements:
            requirements.write("# changed\n")
        machine.run("demo")
        assert machine.calls()[0] == f"pip {machine.checkout}[emulator]"

    def test_another_python_gets_a_fresh_environment(self, machine: Machine) -> None:
        machine.run("demo")
        machine.calls()
        machine.put("python-version", "3.13.1")
        (machine.checkout / ".venv" / "bin" / "python").unlink()
        machine.run("demo")
        assert machine.calls()[:2] == ["venv", f"pip {machine.checkout}[emulator]"]

    def test_what_the_tests_need_serves_the_demonstration(self, machine: Machine) -> None:
        machine.run("test")
        machine.calls()
        machine.run("demo")
        assert machine.calls() == ["python -P -m wabot.trials.demo.demo"]

    def test_interrupted_set_up_begins_anew(self, machine: Machine) -> None:
        machine.run("demo")
        machine.calls()
        (machine.checkout / ".venv" / "installing").touch()
        assert machine.run("demo").returncode == 0
        assert machine.calls()[:2] == ["venv", f"pip {machine.checkout}[emulator]"]

    def test_half_made_environment_is_made_again(self, machine: Machine) -> None:
        (machine.checkout / ".venv" / "bin").mkdir(parents=True)
        (machine.checkout / ".venv" / "bin" / "python").touch()
        assert machine.run("demo").returncode == 0
        assert machine.calls()[0] == "venv"

    def test_failed_download_says_so_and_is_tried_again(self, machine: Machine) -> None:
        machine.put("no-network")
        failed = machine.run("demo")
        assert failed.returncode == MISSING
        assert "pip at work" in failed.stderr
        assert str(machine.checkout / ".venv" / "setup.log") in failed.stderr
        machine.calls()
        machine.take("no-network")
        assert machine.run("demo").returncode == 0
        assert machine.calls()[0] == f"pip {machine.checkout}[emulator]"


class TestMissing:
    def test_no_python(self, machine: Machine) -> None:
        (machine.path / "python3").unlink()
        result = machine.run("demo")
        assert result.returncode == MISSING
        assert "Python 3.11 or newer is missing" in result.stderr
        assert "sudo apt-get install -y python3 python3-venv" in result.stderr

    def test_root_gets_python_too(self, machine: Machine) -> None:
        machine.stub("apt-get", STUB_APT)
        machine.put("uid", "0")
        (machine.path / "python3").rename(machine.machine / "python3")
        result = machine.run("demo")
        assert result.returncode == 0, result.stderr
        assert machine.calls()[2].endswith(" python3 python3-venv")

    def test_old_python(self, machine: Machine) -> None:
        machine.put("old-python")
        machine.put("python-version", "3.10.12")
        result = machine.run("test")
        assert result.returncode == MISSING
        assert "python3 is Python 3.10.12" in result.stderr
        assert "sudo apt-get install -y python3.11 python3.11-venv" in result.stderr

    def test_newer_python_beside_an_old_one_is_found(self, machine: Machine) -> None:
        machine.stub("python3.12", STUB_PYTHON.replace("$(cat MACHINE/python-version)", "3.12.4"))
        machine.stub("python3", "#!/usr/bin/env bash\nexit 1\n")
        result = machine.run("demo")
        assert result.returncode == 0, result.stderr
        assert "Python 3.12.4" in result.stderr

    def test_everything_that_is_missing_is_said_at_once(self, machine: Machine) -> None:
        machine.take("ensurepip")
        machine.take("libmagic")
        result = machine.run("demo")
        assert result.returncode == MISSING
        assert "venv module" in result.stderr
        assert "libmagic.so.1" in result.stderr
        assert "sudo apt-get install -y python3.11-venv libmagic1\n" in result.stderr
        assert machine.calls() == []

    def test_root_gets_it_installed_without_questions(self, machine: Machine) -> None:
        machine.stub("apt-get", STUB_APT)
        machine.put("uid", "0")
        machine.take("libmagic")
        result = machine.run("demo")
        assert result.returncode == 0, result.stderr
        first_try, update, second_try, *rest = machine.calls()
        assert first_try == second_try
        assert first_try.startswith("apt-get install -y ")
        assert first_try.endswith(" libmagic1")
        assert update.startswith("apt-get update")
        assert rest[0] == "venv"

    def test_root_without_network_sees_why(self, machine: Machine) -> None:
        machine.stub("apt-get", STUB_APT)
        machine.put("uid", "0")
        machine.put("no-network")
        machine.take("libmagic")
        result = machine.run("demo")
        assert result.returncode == MISSING
        assert "Unable to locate package" in result.stderr
        assert "could not install libmagic1" in result.stderr

    def test_library_that_no_package_brings(self, machine: Machine) -> None:
        machine.stub("apt-get", "#!/usr/bin/env bash\nexit 0\n")
        machine.put("uid", "0")
        machine.take("libmagic")
        result = machine.run("demo")
        assert result.returncode == MISSING
        assert "libmagic.so.1 still cannot be loaded" in result.stderr
