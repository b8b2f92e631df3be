"""Reads a configuration that a test wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.errors import ConfigError

PROVIDER = '[[ai.providers]]\nbase_url = "http://localhost:1/v1"\nmodel = "m"\n'


def load(file: Path, text: str, environ: Mapping[str, str] | None = None, **options: bool) -> Settings:
    """The settings in a file of this text."""
    file.write_text(text, encoding="utf-8")
    return load_settings(file, {"HOME": "/home/ana", **(environ or {})}, **options)


def problems(file: Path, text: str, environ: Mapping[str, str] | None = None, **options: bool) -> list[str]:
    """What is said of a configuration, without the name of the file, which each line must begin with."""
    with pytest.raises(ConfigError) as caught:
        load(file, text, environ, **options)
    assert all(problem.startswith(f"{file}: ") for problem in caught.value.problems)
    return [problem.removeprefix(f"{file}: ") for problem in caught.value.problems]
