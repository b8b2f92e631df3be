"""The README cannot lie: its tables are made from the code, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from wabot.config import load_settings
from wabot.readme_tables import TABLES, update

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SHELL_LINES = [line for kind, block in BLOCKS if not kind for line in block.splitlines()]


def test_tables_are_those_of_the_code() -> None:
    assert update(README) == README, "run: python -m wabot.readme_tables README.md"
    assert all(f"<!-- {name} -->" in README for name in TABLES)


@pytest.mark.parametrize("line", [line for line in SHELL_LINES if line.startswith("scripts/")])
def test_scripts_exist_and_explain_themselves(line: str) -> None:
    script = REPOSITORY / line.split()[0]
    answer = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=20, check=False)
    assert answer.returncode == 0
    assert answer.stdout


@pytest.mark.parametrize("line", [line for line in SHELL_LINES if line.startswith("wabot ")])
def test_commands_know_their_options(line: str, tmp_path: Path) -> None:
    words = line.split()[1:]
    help_text = subprocess.run(
        [sys.executable, "-m", "wabot", words[0], "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout
    for option in filter(lambda word: word.startswith("--"), words):
        assert option in help_text


def test_example_configuration_is_good(tmp_path: Path) -> None:
    example = next(block for kind, block in BLOCKS if kind == "toml")
    folder = tmp_path / "wabot"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "persona.txt").write_text("Be brief.")
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
