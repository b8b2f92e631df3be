"""scripts/demo and scripts/test: what they set up, and what they say where something is missing.

The machine is played by stubs in a PATH of its own: python3, apt-get and id note how they were called and
answer as the files in the machine's directory say.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

REPOSITORY = Path(__file__).parents[1]
SCRIPTS = [
    *(file for file in (REPOSITORY / "scripts").iterdir() if file.suffix != ".txt"),
    REPOSITORY / ".ci" / "run",
]
MISSING = 69
_TIMEOUT_SECONDS = 60

# What the scripts may use of any Debian; the rest is stubs or absent.
_TOOLS = (
    "bash basename cat chmod dirname env flock install mkdir mktemp "
    "mv renice rm sed sha256sum sleep tail tar touch"
)

_STUB_PYTHON = """\
#!/usr/bin/env bash
here=$(cat MACHINE/python-version)
case "$*" in
*sys.version_info*) echo "$0"; [[ ! -e MACHINE/old-python ]] ;;
*ensurepip*) [[ -e MACHINE/ensurepip ]] ;;
*libmagic*) [[ -e MACHINE/libmagic ]] ;;
"-c "*platform*) echo "$here" ;;
--version) echo "Python $here" ;;
*"-m venv"*)
    echo "venv" >>MACHINE/calls
    directory=${*: -1}
    rm -rf "$directory"; mkdir -p "$directory/bin"; cat "$0" >"$directory/bin/python"
    chmod +x "$directory/bin/python" ;;
*"-m pip"*)
    echo "pip ${*: -1}" >>MACHINE/calls; echo "pip at work"
    [[ ! -e MACHINE/slow-network ]] || sleep 2.5
    [[ ! -e MACHINE/no-network ]] ;;
*)
    echo "python $*" >>MACHINE/calls
    [[ ! -e MACHINE/hangs || $* != *pytest* ]] || exec sleep 60
    [[ ! -e MACHINE/fails || $* != *$(cat MACHINE/fails)* ]] || exit "$(cat MACHINE/exit-code)" ;;
esac
"""
_STUB_APT = """\
#!/usr/bin/env bash
echo "apt-get $*" >>MACHINE/calls
case "$1" in
update) [[ ! -e MACHINE/no-network ]] && touch MACHINE/updated ;;
install)
    [[ -e MACHINE/updated ]] || { echo "E: Unable to locate package"; exit 100; }
    case "$*" in *-venv*) touch MACHINE/ensurepip ;; esac
    case "$*" in *" python3 "*) mv MACHINE/python3 "$(dirname "$0")" ;; esac
    case "$*" in *libmagic1*) touch MACHINE/libmagic ;; esac
    exit 0 ;;
esac
"""
_STUB_ID = '#!/usr/bin/env bash\n[[ $1 == -u ]] && cat MACHINE/uid || echo "somebody"\n'


class Machine:
    """A checkout on a machine of stubs: by default with all that is needed, and nobody's root."""

    def __init__(self, directory: Path) -> None:
        self.checkout = directory / "check out"
        self.machine = directory / "machine"
        self.path = directory / "bin"
        for folder in (self.checkout, self.machine, self.path):
            folder.mkdir()
        shutil.copytree(REPOSITORY / "scripts", self.checkout / "scripts")
        for name in ("setup.cfg", "pyproject.toml"):
            shutil.copy(REPOSITORY / name, self.checkout)
        for tool in _TOOLS.split():
            found = shutil.which(tool)
            assert found, tool
            (self.path / tool).symlink_to(found)
        self.put("uid", "1000")
        self.put("python-version", "3.11.2")
        self.put("exit-code", "3")
        self.put("ensurepip")
        self.put("libmagic")
        self.stub("python3", _STUB_PYTHON)
        self.stub("id", _STUB_ID)

    def stub(self, name: str, text: str) -> None:
        """Put a program into the PATH."""
        program = self.path / name
        program.write_text(text.replace("MACHINE", str(self.machine)))
        program.chmod(0o755)

    def put(self, name: str, content: str = "") -> None:
        """Make a fact about the machine true."""
        (self.machine / name).write_text(content)

    def take(self, name: str) -> None:
        """Make it untrue."""
        (self.machine / name).unlink(missing_ok=True)

    def run(
        self, script: str, *arguments: str, stderr: int | IO[bytes] = subprocess.PIPE, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script with nothing in the environment but the PATH: not even a HOME."""
        return subprocess.run(
            [self.checkout / "scripts" / script, *arguments],
            env={"PATH": str(self.path), **environment},
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )

    def calls(self) -> list[str]:
        """What was called since the last time, in order."""
        record = self.machine / "calls"
        lines = record.read_text().splitlines() if record.exists() else []
        record.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that lacks nothing."""
    return Machine(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_script_is_sound(script: Path) -> None:
    first_line = script.read_text().partition("\n")[0]
    if "python" in first_line:
        compile(script.read_text(), script, "exec")
    else:
        subprocess.run(["bash", "-n", script], check=True, timeout=_TIMEOUT_SECONDS)
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
    done = subprocess.run(typed, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
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
        started, cwd=tmp_path, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
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
        machine.stub("apt-get", _STUB_APT)
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
        machine.stub("python3.12", _STUB_PYTHON.replace("$(cat MACHINE/python-version)", "3.12.4"))
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
        machine.stub("apt-get", _STUB_APT)
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
        machine.stub("apt-get", _STUB_APT)
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
            deadline = time.monotonic() + _TIMEOUT_SECONDS
            while not calls.exists() or calls.read_text().count("-m pytest") < len(self.PARTS):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(stop_signal)
            assert process.wait(_TIMEOUT_SECONDS) == 130
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
        timeout=_TIMEOUT_SECONDS,
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
