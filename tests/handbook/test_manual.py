"""The manual page and the completion: all that can be typed, in a form that man and bash understand."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from tests.support.handbook import HANDBOOK
from wabot.cli.parser import commands
from wabot.handbook.manual import COMPLETION, MANUAL_PAGE, completion, main, manual_page

INSTALLER = (REPOSITORY / "scripts" / "install").read_text()
_COMPLETE = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_wabot
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("share")
    main(directory)
    return directory


def completed(share: Path, *typed: str, where: Path | None = None) -> set[str]:
    """What bash offers for the last of these words."""
    command = ["bash", "--norc", "-uo", "pipefail", "-c", _COMPLETE, "bash", str(share / COMPLETION), *typed]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


def test_the_page_has_every_command_option_and_page() -> None:
    page = manual_page().replace(r"\-", "-")
    for name, command in commands().items():
        assert f".SS wabot {name}\n" in page
        for action in command._actions:
            for option in {*action.option_strings} - {"-h", "--help"}:
                assert rf"\fB{option}\fR" in page, (name, option)
    assert ", ".join(sorted(HANDBOOK)) == ", ".join(
        sorted(re.findall(r"\w+", page.partition("TOPIC is one of ")[2].partition(".")[0]))
    )


def test_nothing_in_the_page_is_taken_for_an_order() -> None:
    """Each line is a known macro or text; what stands before an argument needs no backslash of its own."""
    known = {".TH", ".SH", ".SS", ".TP"}
    for line in manual_page().splitlines():
        assert line.split()[0] in known or not line.startswith((".", "'")), line
        assert not re.search(r"\\(?!f[BIR]|-|e|&)", line), line


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("wabot stat", {"status"}),
        ("wabot help oper", {"operate"}),
        ("wabot help stat", {"status"}),
        ("wabot status --", {"--help", "--config", "--json"}),
        ("wabot run --log-level W", {"WARNING"}),
        ("wabot --vers", {"--version"}),
        ("wabot status --config nor", {"north.toml"}),
        ("wabot pair --png nor", {"north.toml"}),
        ("wabot backup nor", {"north.toml"}),
        ("wabot backup --ke", {"--keep"}),
        ("wabot chat --once nor", set()),
        ("wabot emulator nor", set()),
    ],
)
def test_bash_completes(share: Path, tmp_path: Path, typed: str, offered: set[str]) -> None:
    (tmp_path / "north.toml").touch()
    assert completed(share, *typed.split(), where=tmp_path) == offered


def test_every_command_is_offered(share: Path) -> None:
    assert completed(share, "wabot", "") == {*commands(), "--help", "--version"}
    for name, command in commands().items():
        options = {each for action in command._actions for each in action.option_strings} - {"-h"}
        assert completed(share, "wabot", name, "-") == options


def test_the_completion_is_a_sound_script() -> None:
    subprocess.run(["bash", "-n"], input=completion(), text=True, timeout=20, check=True)


def test_the_installer_links_both() -> None:
    (named,) = re.findall(r"DOCUMENTS=\((.*)\)$", INSTALLER, re.MULTILINE)
    assert shlex.split(named) == [str(MANUAL_PAGE), str(COMPLETION)]
