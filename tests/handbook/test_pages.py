"""The handbook cannot lie: its tables, commands and options are the code's, and so is what it quotes."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from tests.support.handbook import HANDBOOK, README, blocks_of, without_blocks
from wabot.config.load import load_settings
from wabot.handbook.tables import TABLES, update
from wabot.link.states import STOPPED, State
from wabot.status.sessions import UNKNOWN

ALL = {"README": README} | HANDBOOK
EVERYTHING = "\n".join(ALL.values())


def shell_lines(text: str) -> list[str]:
    return [
        line.removeprefix(".venv/bin/").removeprefix("~/wabot-venv/bin/")
        for block in blocks_of(text)
        for line in block.splitlines()
        if line
    ]


SHELL_LINES = sorted(set(shell_lines(EVERYTHING)))
# Commands stand in sentences and tables, too.
_PROSE = without_blocks(EVERYTHING)
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
OTHERS |= {"apt-get", "cd"}


def starting_with(program: str) -> list[str]:
    return [line for line in COMMANDS if line.startswith(program)]


@cache
def help_of(*command: str) -> str:
    return subprocess.run(
        [*command, "--help"], cwd=REPOSITORY, capture_output=True, text=True, timeout=20, check=True
    ).stdout


def test_tables_are_those_of_the_code() -> None:
    for page in HANDBOOK.values():
        assert update(page) == page, "run: python -m wabot.handbook.tables"
    assert all(f"<!-- {name} -->" in EVERYTHING for name in TABLES)


def test_readme_is_for_who_has_two_minutes() -> None:
    assert len(README.splitlines()) <= 250
    assert {f"wabot/handbook/{page}.md" for page in HANDBOOK} <= set(links_of(README)), "where to read on"


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
    english = "\n".join(page for name, page in ALL.items() if name != "es")
    lines = shell_lines(HANDBOOK["es"])
    assert lines
    for line in lines:
        assert "\n" + " ".join(line.split()[:3]) in english


def test_a_spanish_reader_gets_from_nothing_to_an_answering_number() -> None:
    way = [
        *("git clone", "sudo scripts/install", "sudo install -m 640 -g wabot *.md", "sudoedit /etc/wabot/"),
        *("sudo install -m 600", "sudo wabot check-config", "sudo wabot chat", "sudo wabot pair"),
        *("sudo systemctl enable --now wabot", "sudo wabot alert --test"),
    ]
    places = [HANDBOOK["es"].index(f"\n{step}") for step in way]
    assert places == sorted(places)


@cache
def sentences_of_the_code() -> list[str]:
    """Every text in the program; Python joins those that only the source has in pieces."""
    texts = []
    for file in (REPOSITORY / "wabot").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


SYMPTOMS = re.findall(r"^\|([^|]*)\|", HANDBOOK["troubleshoot"] + HANDBOOK["es"], re.MULTILINE)


@pytest.mark.parametrize("quotation", sorted(set(re.findall(r'"([^"]+)"', "".join(SYMPTOMS)))))
def test_wabot_says_what_is_quoted(quotation: str) -> None:
    if quotation in ("Watchdog timeout", "Permission denied", "Foreign key constraint violated"):
        return  # the words of systemd, of Linux and of the old bot
    for piece in filter(None, map(str.strip, quotation.split("…"))):
        assert any(piece in sentence for sentence in sentences_of_the_code()), piece


@pytest.mark.parametrize(
    "state", sorted(set(re.findall(r"(?:the state|el estado) (?:is|es) `(\w+)`", EVERYTHING)))
)
def test_states_of_the_symptoms_exist(state: str) -> None:
    assert state in {*State, STOPPED, UNKNOWN}


def is_good(configuration: str, directory: Path) -> bool:
    """Whether it is accepted where its texts, persona and secrets are there; raises ConfigError else."""
    folder = directory / "wabot"
    (folder / "knowledge").mkdir(parents=True)
    credentials = directory / "credentials"
    credentials.mkdir()
    for name, secret in _SECRETS.items():
        (credentials / name).write_text(secret)
    file = directory / "wabot.toml"
    file.write_text(configuration.replace("/etc/wabot", str(folder)).replace("/home/pia/texts", str(folder)))
    settings = load_settings(file, {"HOME": str(directory), "CREDENTIALS_DIRECTORY": str(credentials)})
    return settings.file == file


_SECRETS = {
    "ai-api-key": "sk-1",
    "smtp-url": "smtps://user:password@mail.example.com",
    "webhook-url": "https://example.com/hook",
    "webhook-secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


@pytest.mark.parametrize(
    ("page", "configuration"),
    [(name, block) for name, page in ALL.items() for block in blocks_of(page, "toml")],
)
def test_example_configurations_are_good(page: str, configuration: str, tmp_path: Path) -> None:
    assert is_good(configuration, tmp_path), page


def test_the_pieces_of_the_spanish_configuration_fit_together(tmp_path: Path) -> None:
    assert is_good("\n".join(blocks_of(HANDBOOK["es"], "toml")), tmp_path)


def links_of(page: str) -> list[str]:
    return [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", page)]


def anchors_of(page: str) -> set[str]:
    """As hosting sites make them of headings."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ALL)
def test_links_and_pictures_lead_somewhere(name: str) -> None:
    folder = REPOSITORY if name == "README" else REPOSITORY / "wabot" / "handbook"
    for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(ALL[name])):
        target, _, anchor = link.partition("#")
        if target.startswith("https://"):
            continue
        file = folder / target
        assert not target or file.is_file(), link
        if anchor:
            page = ALL[file.stem] if target else ALL[name]
            assert anchor in anchors_of(page), link
