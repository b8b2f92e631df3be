"""What an installation consists of: the whole program, and nothing that imitates or measures it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support import REPOSITORY

_BUILD = "import setuptools.build_meta as build, sys; build.build_wheel(sys.argv[1])"
_START = """
import sys
sys.path += [sys.argv.pop(1), sys.argv.pop(1)]
from wabot.cli.parser import entry_point
entry_point()
"""
_LEFT_OUT = {"emulator", "trials"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made as scripts/install makes it: from a copy, without asking any package index."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    copied = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "wabot", source / "wabot", ignore=copied)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    subprocess.run(
        [sys.executable, "-c", _BUILD, str(made)], cwd=source, check=True, capture_output=True, text=True
    )
    (path,) = made.glob("*.whl")
    return path


def test_the_whole_program_is_in_it_and_nothing_else(wheel: Path) -> None:
    files = [
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "wabot").rglob("*")
        if path.suffix in (".py", ".md") and path.relative_to(REPOSITORY).parts[1] not in _LEFT_OUT
    ]
    assert {"wabot/sample_knowledge/tienda.es.md", "wabot/handbook/install.md"} < set(files)
    held = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(held) == sorted(files)


def test_the_emulator_says_where_it_is_to_be_had(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    # Without site, whose files lead to this checkout.
    command = [
        sys.executable,
        "-S",
        "-P",
        "-c",
        _START,
        str(tmp_path),
        sysconfig.get_path("purelib"),
        "emulator",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 64, done.stderr
    assert done.stderr == (
        "wabot: the emulator needs wabot.emulator, which an installation leaves out: scripts/demo in a "
        "checkout gets it, then: .venv/bin/wabot emulator --run\n"
    )
