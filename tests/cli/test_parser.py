from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from tests.support.typed_commands import ENVIRON, WAIT_SECONDS, wabot
from wabot import __version__
from wabot.cli.parser import main
from wabot.errors import ExitCode

COMMANDS = [
    "run",
    "pair",
    "status",
    "doctor",
    "janitor",
    "reset",
    "check-config",
    "version",
    "help",
    "emulator",
    "backup",
    "restore",
]


def test_without_a_command_it_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("usage: wabot ")
    assert all(command in shown.err for command in COMMANDS)


@pytest.mark.parametrize("arguments", [["--help"], ["status", "--help"], ["run", "-h"]])
def test_help_is_no_mistake(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == ExitCode.OK
    assert capsys.readouterr().out.startswith("usage: wabot ")


def test_the_help_of_a_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pair", "--help"]) == ExitCode.OK
    assert "\n\nLink a number, with a QR code or a typed code.\n\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dance"], "argument COMMAND: 'dance' is not known; there are run, pair, "),
        (["satus"], "argument COMMAND: 'satus' is not known; perhaps status was meant; see wabot --help"),
        (["don't"], "argument COMMAND: 'don't' is not known; there are run, pair"),
        (["status", "--colour"], "unknown: --colour; see wabot status --help"),
        (["status", "now"], "unknown: now; see wabot status --help"),
        (["status", "--config"], "argument --config: expected one argument; see wabot status --help"),
        (
            ["run", "--log-level", "LOUD"],
            "argument --log-level: 'LOUD' is not known; there are DEBUG, INFO, WARNING, ERROR; see ",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_64(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 64
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("wabot: ")
    assert said in shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("argv", [["version"], ["--version"], ["version", "--config", "some.toml"]])
def test_the_version(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == ExitCode.OK
    assert capsys.readouterr().out.startswith(f"wabot {__version__}, neonize 0.5.2")


def test_everything_it_makes_is_private(config: Path) -> None:
    main(["check-config", "--config", str(config)])
    assert os.umask(0o022) == 0o077


def test_the_program_can_be_run_as_a_module(config: Path) -> None:
    shown = wabot("status", "--config", config, "--json")
    assert shown.returncode == 1
    assert shown.stderr == ""
    answer = json.loads(shown.stdout)
    assert answer["ok"] is False
    assert [(each["name"], each["state"]) for each in answer["sessions"]] == [("shop", "stopped")]


@pytest.mark.parametrize("arguments", [["status", "--json"], ["status"], ["--help"]])
def test_a_reader_that_leaves_is_no_trouble(config: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    options = [] if arguments == ["--help"] else ["--config", str(config)]
    process = subprocess.run(
        [sys.executable, "-m", "wabot", *arguments, *options],
        env=ENVIRON,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=WAIT_SECONDS,
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("command", ["status", "doctor", "janitor", "reset", "export"])
def test_who_may_not_look_is_told_so_in_one_line(tmp_path: Path, command: str) -> None:
    """The configuration can be read, the state cannot: it is the service's."""
    with tempfile.TemporaryDirectory() as home:
        file, state = Path(home) / "shop.toml", Path(home) / "state"
        Path(home).chmod(0o755)
        state.mkdir(mode=0o700)
        file.write_text(f'[paths]\nstate = "{state}"\n')
        file.chmod(0o644)
        arguments = [command, *(["34600111222"] if command == "export" else []), "--config", str(file)]
        told = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, *arguments],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "Traceback" not in told.stderr, told.stderr
    if command != "doctor":
        assert told.returncode in (1, 78)
        assert (told.stdout + told.stderr).count("Permission denied") == 1


# Everything is imported before, because the packages of a checkout may not be everybody's either.
AS_NOBODY = """
import importlib, os, pkgutil, pwd, sys
import wabot
for module in pkgutil.walk_packages(wabot.__path__, "wabot."):
    if not module.name.startswith(("wabot.__main__", "wabot.emulator", "wabot.trials")):
        importlib.import_module(module.name)
from wabot.cli.parser import main
nobody = pwd.getpwnam("nobody")
os.setgroups([]), os.setgid(nobody.pw_gid), os.setuid(nobody.pw_uid)
sys.exit(main(sys.argv[1:]))
"""


# What takes most of a start where it is loaded.
HEAVY = ("peewee", "psycopg2", "requests", "neonize", "segno", "smtplib", "prometheus_client", "filelock")


LOADS = """
import sys
from wabot.cli.parser import main
code = main(sys.argv[2:])
print(*sorted(set(sys.argv[1].split(",")) & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["version"], []),
        (["help", "operate"], []),
        (["check-config"], []),
        (["status"], ["filelock", "peewee", "psycopg2"]),
        (["backup", "--help"], []),
    ],
)
def test_a_command_loads_only_what_it_uses(config: Path, arguments: list[str], needed: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADS, ",".join(HEAVY), *arguments, "--config", str(config)],
        cwd=REPOSITORY,
        env=ENVIRON,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert done.returncode in (ExitCode.OK, ExitCode.FINDINGS), done.stderr
    assert done.stderr.split() == needed


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
@pytest.mark.parametrize("command", ["status", "chat", "reset", "doctor"])
def test_a_closed_stream_is_no_trouble(config: Path, command: str, closed: str) -> None:
    line = f'"{sys.executable}" -m wabot {command} --config "{config}" {closed}'
    run = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in run.stdout + run.stderr
    assert run.returncode in (0, 1)


def test_a_full_disk_under_the_output_is_one_line(config: Path) -> None:
    line = f'"{sys.executable}" -m wabot status --config "{config}" >/dev/full'
    run = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == ExitCode.OPERATOR_NEEDED
    assert run.stderr == (
        "wabot: what is written to: No space left on device; see df -h and mount, then try again\n"
    )


def test_a_terminal_without_utf8_shows_what_it_can(config: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict"}
    run = wabot("chat", "--config", config, "--once", "¡hola!", **plain)
    assert (run.returncode, run.stdout.splitlines()) == (
        0,
        ["?Hola! Gracias por escribirnos. ?En qu? podemos ayudarle?"],
    )


_INTERRUPTED_WHILE_LOADING = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "wabot.cli.parser":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.argv = ["wabot", "version"]
runpy.run_module("wabot", run_name="__main__")
"""


def test_ctrl_c_while_it_loads_leaves_no_traceback() -> None:
    command = [sys.executable, "-c", _INTERRUPTED_WHILE_LOADING]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_has_an_exit_code_of_its_own(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wabot.cli.upkeep.settings_in_unit", interrupted)
    assert main(["check-config", "--config", str(config)]) == 130
    assert capsys.readouterr().err == "wabot: interrupted\n"


@pytest.mark.parametrize("file", ["", ".", "/"])
def test_a_directory_is_no_configuration(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", file]) == ExitCode.OPERATOR_NEEDED
    assert "cannot be read: Is a directory" in capsys.readouterr().err


def test_a_bug_ends_the_process_whatever_threads_there_are() -> None:
    """Those of the client library are no daemons, and go on."""
    script = (
        "import threading, time, wabot.cli.parser\n"
        "def obey(argv):\n"
        "    threading.Thread(target=time.sleep, args=[60]).start()\n"
        "    raise ZeroDivisionError('oh')\n"
        "wabot.cli.parser._obey = obey\n"
        "wabot.cli.parser.entry_point()\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert (shown.returncode, shown.stdout) == (70, "")
    assert shown.stderr.startswith("this is a bug in wabot\nTraceback ")
    assert shown.stderr.endswith("ZeroDivisionError: oh\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("typed", [True, False])
def test_who_may_not_read_the_configuration_is_told_what_to_do(typed: bool) -> None:
    """Nobody typed what systemd starts."""
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        file = Path(home) / "shop.toml"
        file.touch(mode=0o600)
        told = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, "status", "--config", str(file)],
            cwd=REPOSITORY,
            env={**os.environ, **({} if typed else {"NOTIFY_SOCKET": "/run/none"})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    cure = ": put sudo before the command" if typed else f"; what to do says: wabot doctor --config {file}"
    assert f"{file}: cannot be read: Permission denied{cure}" in told.stdout + told.stderr
