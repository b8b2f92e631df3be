"""The README cannot lie: its tables, commands and options are the code's, and so is what it quotes."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from wabot.config.load import load_settings
from wabot.handbook.tables import TABLES, update
from wabot.link.states import STOPPED, State
from wabot.status.sessions import UNKNOWN

README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SHELL_LINES = [
    line.removeprefix(".venv/bin/").removeprefix("~/wabot-venv/bin/")
    for kind, block in BLOCKS
    if not kind
    for line in block.splitlines()
    if line
]
# Commands stand in sentences and tables, too.
_PROSE = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
CODE = [shown for shown in re.findall(r"`([^`\n]+)`", _PROSE) if " " in shown]
COMMANDS = sorted({line.removeprefix("sudo ") for line in [*SHELL_LINES, *CODE]})
OUR_FILES = {
    *("/etc/wabot/wabot.toml", "/etc/wabot/north.toml"),
    "/etc/wabot/knowledge",
    "/etc/credstore/wabot.smtp-url",
    *("/etc/credstore/wabot.ai-api-key", "/etc/credstore/north.ai-api-key"),
}
# What is not wabot's, and every Debian has.
OTHERS = {"git", "cp", "install", "sudoedit", "systemctl", "journalctl", "ln", "python3", "pip", "sh"}


def starting_with(program: str) -> list[str]:
    return [line for line in COMMANDS if line.startswith(program)]


@cache
def help_of(*command: str) -> str:
    return subprocess.run(
        [*command, "--help"], cwd=REPOSITORY, capture_output=True, text=True, timeout=20, check=True
    ).stdout


def test_tables_are_those_of_the_code() -> None:
    assert update(README) == README, "run: python -m wabot.handbook.tables README.md"
    assert all(f"<!-- {name} -->" in README for name in TABLES)


@pytest.mark.parametrize("line", starting_with("scripts/"))
def test_scripts_exist_and_know_their_options(line: str) -> None:
    script, *words = line.split()
    told = help_of(str(REPOSITORY / script))
    for word in words:
        if word.startswith("--") or script == "scripts/bench":
            assert word in told


@pytest.mark.parametrize("line", starting_with("wabot "))
def test_commands_know_their_options(line: str) -> None:
    command, *words = shlex.split(line.replace("…", ""))[1:] or [""]
    options = [re.sub(r"[^a-z-]", "", word) for word in [command, *words] if re.match(r"\[?--", word)]
    arguments = [command] if command and not command.startswith("-") else []
    told = help_of(sys.executable, "-m", "wabot", *arguments)
    for option in options:
        assert option in told


@pytest.mark.parametrize("line", SHELL_LINES)
def test_every_line_is_a_command_one_can_type(line: str) -> None:
    program, *words = shlex.split(line.removeprefix("sudo "))
    assert program in OTHERS or program == "wabot" or program.startswith("scripts/")
    if program == "systemctl":
        units = [word for word in words[1:] if not word.startswith("-")]
        for unit in units:
            file = re.sub(r"@[^.]*", "@", unit)
            assert (REPOSITORY / "systemd" / (file if "." in file else f"{file}.service")).exists()
    if program in ("cp", "sudoedit", "install"):
        assert {word for word in words if word.startswith("/etc")} <= OUR_FILES
    if program != "wabot" and ("/etc" in line or words[:1] in (["enable"], ["restart"])):
        assert line.startswith("sudo"), "a shop's owner is not root"


def test_spanish_readers_get_no_other_commands() -> None:
    english, spanish = README.split("## En español")
    lines = "".join(
        block for _, block in re.findall(r"^```(\w*)\n(.*?)^```", spanish, re.DOTALL | re.MULTILINE)
    )
    assert lines
    for line in lines.splitlines():
        assert "\n" + " ".join(line.split()[:3]) in english


@cache
def sentences_of_the_code() -> list[str]:
    """Every text in the program; Python joins those that only the source has in pieces."""
    texts = []
    for file in (REPOSITORY / "wabot").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


WRONG = README.split("## When something is wrong")[1].partition("## The database")[0]
SYMPTOMS = re.findall(r"^\|([^|]*)\|", WRONG + README.split("## En español")[1], re.MULTILINE)


@pytest.mark.parametrize("quotation", sorted(set(re.findall(r'"([^"]+)"', "".join(SYMPTOMS)))))
def test_wabot_says_what_is_quoted(quotation: str) -> None:
    if quotation in ("Watchdog timeout", "Permission denied", "Foreign key constraint violated"):
        return  # the words of systemd, of Linux and of the old bot
    for piece in filter(None, map(str.strip, quotation.split("…"))):
        assert any(piece in sentence for sentence in sentences_of_the_code()), piece


@pytest.mark.parametrize(
    "state", sorted(set(re.findall(r"(?:the state|el estado) (?:is|es) `(\w+)`", README)))
)
def test_states_of_the_symptoms_exist(state: str) -> None:
    assert state in {*State, STOPPED, UNKNOWN}


def test_example_configuration_is_good(tmp_path: Path) -> None:
    example = next(block for kind, block in BLOCKS if kind == "toml")
    folder = tmp_path / "wabot"
    (folder / "knowledge").mkdir(parents=True)
    file = tmp_path / "wabot.toml"
    file.write_text(example.replace("/etc/wabot", str(folder)))
    assert tomllib.loads(example)
    settings = load_settings(file, {"HOME": str(tmp_path)})
    assert settings.ai.providers[0].model == "llama3.1"


def test_links_and_pictures_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("https://"):
            assert (REPOSITORY / target).exists(), target
