"""Secrets come from where systemd, the environment or a file keeps them, and never reach a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.config.credentials import MissingSecret, Secrets
from wabot.system.masking import mask_secrets

SECRET = "sk-hush-4711-hush"


@pytest.mark.parametrize(
    ("reference", "environ"),
    [
        ("env:THE_KEY", {"THE_KEY": SECRET}),
        ("credential:ai-api-key", {"CREDENTIALS_DIRECTORY": "{folder}"}),
        ("credential:ai-other-key", {"AI_OTHER_KEY": SECRET}),
        ("file:{folder}/ai-api-key", {}),
    ],
)
def test_found_and_never_logged(tmp_path: Path, reference: str, environ: dict[str, str]) -> None:
    (tmp_path / "ai-api-key").write_text(SECRET + "\n")
    environ = {name: value.format(folder=tmp_path) for name, value in environ.items()}
    problems: list[str] = []
    assert Secrets(environ).resolve("ai.api_key", reference.format(folder=tmp_path), problems) == SECRET
    assert not problems
    assert SECRET not in mask_secrets(f"Authorization: Bearer {SECRET}")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("env:THE_KEY", "THE_KEY is not set"),
        ("credential:ai-api-key", "it belongs into /etc/credstore/wabot.ai-api-key"),
        ("file:/nowhere/at/all", "cannot be read"),
    ],
)
def test_missing_says_what_to_do(reference: str, expected: str) -> None:
    problems: list[str] = []
    assert Secrets({}).resolve("ai.api_key", reference, problems) == ""
    assert [type(problem) for problem in problems] == [MissingSecret]
    assert expected in problems[0]


@pytest.mark.parametrize("reference", [SECRET, "env:", "credential:", "credential:../up", "file:"])
def test_a_key_in_the_file_itself_is_refused_without_repeating_it(reference: str) -> None:
    problems: list[str] = []
    assert Secrets({"": SECRET}).resolve("ai.api_key", reference, problems) == ""
    assert len(problems) == 1
    assert SECRET not in problems[0]
    assert "allowed is" in problems[0]
