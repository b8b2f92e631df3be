"""`wabot help` as it is typed: in a terminal, in a pipe, by anybody, with nothing configured."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.handbook import HANDBOOK
from wabot.cli import main
from wabot.cli.help import TOPICS

_PAGER = """\
#!/bin/sh
printf '%s secure=%s\\n' "paged with $LESS" "$LESSSECURE"
head -n 1
"""


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"capture_output": True, "text": True, "timeout": 30, "check": False} | options
    return subprocess.run([sys.executable, "-P", "-m", "wabot", "help", *words], **options)


def at_terminal(*words: str, **environment: str) -> str:
    """What a terminal shows of it, and nobody types anything."""
    child, terminal = pty.fork()
    if not child:
        os.environ.update(environment)
        os.execv(sys.executable, [sys.executable, "-P", "-m", "wabot", "help", *words])
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:
        # So Linux says that the other end is closed.
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return shown.decode().replace("\r\n", "\n")


@pytest.fixture
def pager(tmp_path: Path) -> Path:
    pager = tmp_path / "my pager"
    pager.write_text(_PAGER)
    pager.chmod(0o755)
    return pager


def test_the_topics_are_the_pages() -> None:
    assert set(TOPICS) == set(HANDBOOK)


def test_alone_it_lists_the_pages_in_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == list(TOPICS)
    for name, line in zip(TOPICS, lines, strict=True):
        assert line.endswith(HANDBOOK[name].partition("\n")[0].removeprefix("# "))
        assert len(line) <= 110


@pytest.mark.parametrize("topic", ["operate", "Operate", "operate.md"])
def test_a_page_in_a_pipe_is_plain_text(topic: str) -> None:
    done = run(topic, env={"PAGER": "false", "PATH": os.environ["PATH"]})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Operate: ") and "\n    sudo wabot status\n" in done.stdout
    assert "\x1b" not in done.stdout and max(map(len, done.stdout.splitlines())) < 140


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("operat", "perhaps operate was meant"),
        ("pare", "perhaps pair was meant"),
        ("upgrade", 'perhaps install was meant, which tells of "Upgrade"'),
        ("", "there are install, configure,"),
        ("../secret", "there are install, configure,"),
        ("x" * 5000, "there are install, configure,"),
    ],
)
def test_a_near_miss_is_guessed(typed: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", typed]) == 64
    shown = capsys.readouterr()
    assert shown.out == "" and answer in shown.err and shown.err.endswith("; see wabot help\n")


def test_of_a_command_it_shows_what_its_own_help_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "status"]) == 0
    of_help = capsys.readouterr().out
    assert main(["status", "--help"]) == 0
    assert of_help == capsys.readouterr().out


def test_on_a_terminal_a_pager_shows_it(pager: Path) -> None:
    shown = at_terminal("operate", PAGER=f"'{pager}'", LESS="", LESSSECURE="")
    secure = "1" if os.geteuid() == 0 else ""
    assert shown.splitlines()[0] == f"paged with  secure={secure}"
    assert shown.splitlines()[1].startswith("Operate: ")
    assert "Back up and restore" not in shown, "the pager left early, and nobody minds"


@pytest.mark.parametrize("missing", ["", "cat", "no-such-pager --fast", "'"])
def test_on_a_terminal_without_a_pager_it_is_printed(missing: str) -> None:
    assert "Back up and restore\n" in at_terminal("operate", PAGER=missing)


def test_less_is_the_pager_where_none_is_named(pager: Path) -> None:
    (pager.parent / "less").write_text(_PAGER)
    (pager.parent / "less").chmod(0o755)
    environment = {"PATH": f"{pager.parent}:{os.environ['PATH']}", "PAGER": "less"}
    assert at_terminal("operate", **environment).startswith("paged with FRX ")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_trouble(closed: str) -> None:
    typed = f"exec {sys.executable} -P -m wabot help operate {closed}"
    done = subprocess.run(["sh", "-c", typed], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (done.stdout == "") == (">&-" in closed.split())


def test_whoever_reads_only_the_beginning_is_no_trouble() -> None:
    typed = f"{sys.executable} -P -m wabot help reference | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.endswith("\n0\n") and done.stderr == ""


@pytest.mark.parametrize("content", ["[typo]\n", None])
def test_no_configuration_is_looked_at(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "wabot.toml"
    if content:
        file.write_text(content)
    done = run("operate", env={"WABOT_CONFIG": str(file)})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Operate: ")


def test_a_script_may_pass_a_configuration_without_thinking() -> None:
    assert run("--config", "/nowhere/wabot.toml", "operate").returncode == 0
