"""scripts/test: its parts, what they need of the machine, and what is skipped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.script_machine import MISSING, REPOSITORY, TIMEOUT_SECONDS, Machine, machine

__all__ = ["machine"]


class TestTiers:
    PARTS = (
        "pytest -o cache_dir=.pytest_cache/unit "
        "--ignore=tests/e2e --ignore=tests/systemd -n 2 --dist worksteal",
        "pytest -o cache_dir=.pytest_cache/e2e tests/e2e -m not slow and not npm -n 2 --dist worksteal",
        "pytest -o cache_dir=.pytest_cache/slow tests/e2e tests/systemd -m slow -n 2 --dist worksteal",
        "pytest -o cache_dir=.pytest_cache/systemd tests/systemd -m not slow and not bare",
        "pytest -o cache_dir=.pytest_cache/bookworm tests/systemd -m bookworm",
        "pytest -o cache_dir=.pytest_cache/trixie tests/systemd -m trixie",
    )

    @staticmethod
    def calls(machine: Machine) -> list[str]:
        """What was run, without the environment's set-up."""
        found = [call for call in machine.calls() if call.startswith("python -m ")]
        return [call.removeprefix("python -m ") for call in found]

    def test_all_parts_run_and_are_shown(self, machine: Machine) -> None:
        result = machine.run("test")
        assert result.returncode == 0, result.stderr
        format_check, style, types, *tests = self.calls(machine)
        assert (format_check, style, types) == ("ruff format --check .", "ruff check .", "mypy")
        assert sorted(tests) == sorted(self.PARTS)
        shown = result.stderr.splitlines()
        assert all(f"── {part}" in shown for part in ("unit", "e2e", "slow", "systemd", "bookworm", "trixie"))
        assert re.match(
            r"── passed: format \d+ s, style \d+ s, types \d+ s, imports \d+ s, \w+ \d+ s, ", shown[-1]
        )

    @pytest.mark.parametrize("arguments", [["-k", "lock"], ["-m", "postgresql"]])
    def test_arguments_choose_the_tests(self, machine: Machine, arguments: list[str]) -> None:
        assert machine.run("test", *arguments).returncode == 0
        tests = [call for call in self.calls(machine) if call.startswith("pytest")]
        assert tests == [f"pytest -o cache_dir=.pytest_cache/tests {' '.join(arguments)}"]

    def test_arguments_that_choose_nothing_are_a_mistake(self, machine: Machine) -> None:
        machine.put("fails", "pytest")
        machine.put("exit-code", "5")
        result = machine.run("test", "-k", "nothing")
        assert result.returncode == 5
        assert result.stderr.splitlines()[-1].startswith("── FAILED: no test was selected: ")

    def test_a_failed_stage_ends_it(self, machine: Machine) -> None:
        machine.put("fails", "mypy")
        result = machine.run("test")
        assert result.returncode == 3
        assert result.stderr.splitlines()[-1].startswith("── FAILED at types: ")
        assert not any(call.startswith("pytest") for call in self.calls(machine))

    def test_a_part_that_breaks_fails_it_when_all_have_ended(self, machine: Machine) -> None:
        machine.put("fails", "cache/slow")
        result = machine.run("test")
        assert result.returncode == 3
        assert result.stderr.splitlines()[-1].startswith("── FAILED at slow: ")
        assert sorted(self.calls(machine)[3:]) == sorted(self.PARTS)

    def test_failed_tests_are_tried_once_more_out_loud(self, machine: Machine) -> None:
        machine.put("fails", "cache/e2e")
        machine.put("exit-code", "1")
        result = machine.run("test")
        assert result.returncode == 1
        assert "── e2e once more, one at a time" in result.stderr
        first = self.PARTS[1].partition(" -n ")[0]
        assert self.calls(machine)[-1] == f"{first} -n 0 --last-failed --last-failed-no-failures none"

    @pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
    def test_an_interrupt_ends_all_parts(self, machine: Machine, stop_signal: signal.Signals) -> None:
        machine.put("hangs")
        with subprocess.Popen(
            # These tests may run where interrupts are ignored, which is inherited.
            ["env", "--default-signal=INT", machine.checkout / "scripts" / "test"],
            env={"PATH": str(machine.path)},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            calls = machine.machine / "calls"
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while not calls.exists() or calls.read_text().count("-m pytest") < len(self.PARTS):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(stop_signal)
            assert process.wait(TIMEOUT_SECONDS) == 130
            assert process.stderr is not None
            # Its end comes when nobody has it open any more.
            assert "Interrupted" in process.stderr.read()

    def test_skipped_parts_are_announced(self, machine: Machine) -> None:
        result = machine.run("test")
        assert "Skipping the tests with a booted systemd: they need root." in result.stderr

    def test_ci_refuses_to_skip(self, machine: Machine) -> None:
        result = machine.run("test", CI="true")
        assert result.returncode == MISSING
        assert "CI=true allows no skips" in result.stderr

    def test_ci_passes_the_strictness_on(self, machine: Machine) -> None:
        for program in ("initdb", "systemd-nspawn", "debootstrap", "promtool"):
            machine.stub(program, "#!/usr/bin/env bash\n")
        machine.put("uid", "0")
        result = machine.run("test", CI="true")
        assert result.returncode == 0, result.stderr
        tests = [call for call in machine.calls() if "-m pytest" in call]
        assert len(tests) == len(self.PARTS)
        assert all("-p tests.no_skips" in call for call in tests)


def test_plugin_turns_skips_into_failures(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        "import pytest\n"
        "def test_runs(): pass\n"
        "def test_skips(): pytest.skip('no server here')\n"
        "@pytest.mark.skip(reason='marked')\n"
        "def test_marked(): pass\n"
        "@pytest.mark.xfail(strict=True, reason='known')\n"
        "def test_fails(): assert False\n"
    )
    (tmp_path / "test_two.py").write_text(
        "import pytest\npytest.skip('whole module', allow_module_level=True)\n"
    )
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.no_skips", "-p", "no:cacheprovider"),
            *("-c", "/dev/null", "--rootdir", tmp_path, "--continue-on-collection-errors", tmp_path),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert "1 failed, 1 passed, 1 xfailed, 2 errors" in result.stdout
    for reason in ("no server here", "marked", "whole module"):
        assert reason in result.stdout


class TestPromtool:
    def test_promtool_is_taken_out_of_its_package_once(self, machine: Machine) -> None:
        machine.stub(
            "apt-get", "#!/usr/bin/env bash\n[[ $* == 'download -q prometheus' ]] && touch prometheus_2.deb\n"
        )
        machine.stub(
            "dpkg-deb",
            '#!/usr/bin/env bash\necho "dpkg-deb" >>MACHINE/calls\nset -e; [[ -e $2 ]]\ncd MACHINE\n'
            "mkdir -p usr/bin\ntouch usr/bin/promtool\ntar --create ./usr/bin/promtool\n",
        )
        for _ in range(2):
            result = machine.run("test")
            assert result.returncode == 0, result.stderr
            assert "promtool. To run it" not in result.stderr
        assert machine.calls().count("dpkg-deb") == 1
        assert os.access(machine.checkout / ".venv" / "bin" / "promtool", os.X_OK)

    def test_promtool_has_a_package_of_its_own_in_newer_releases(self, machine: Machine) -> None:
        machine.stub(
            "apt-get", "#!/usr/bin/env bash\n[[ $* == 'download -q promtool' ]] && touch promtool_2.deb\n"
        )
        machine.stub(
            "dpkg-deb",
            "#!/usr/bin/env bash\nset -e; [[ $2 == promtool_2.deb ]]\ncd MACHINE\n"
            "mkdir -p usr/bin\ntouch usr/bin/promtool\ntar --create ./usr/bin/promtool\n",
        )
        assert "promtool. To run it" not in machine.run("test").stderr
        assert os.access(machine.checkout / ".venv" / "bin" / "promtool", os.X_OK)

    def test_without_promtool_one_test_is_skipped(self, machine: Machine) -> None:
        machine.stub("apt-get", "#!/usr/bin/env bash\nexit 100\n")
        machine.stub("dpkg-deb", "#!/usr/bin/env bash\nexit 1\n")
        result = machine.run("test")
        assert result.returncode == 0
        assert "To run it: sudo apt-get install -y prometheus" in result.stderr
