"""Secrets come from where systemd, the environment or a file keeps them, and never reach a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.configuration import PROVIDER, load, problems
from wabot.config.credentials import MissingSecret, Secrets
from wabot.errors import ConfigError
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


def test_where_secrets_are_shows_none() -> None:
    assert "hunter22" not in repr(Secrets({"API_KEY": "hunter22"}))


# Secrets
def test_where_a_secret_may_come_from(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"  {SECRET}\n", encoding="utf-8")
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    for reference, environ in (
        ("env:KEY", {"KEY": SECRET}),
        (f"file:{tmp_path / 'key'}", {}),
        ("credential:key", credentials),
        ("credential:key", {**credentials, "KEY": "not this one"}),
        ("credential:open-ai.key", {"OPEN_AI_KEY": SECRET}),
    ):
        settings = load(file, PROVIDER + f'api_key = "{reference}"', environ)
        assert settings.ai.providers[0].api_key == SECRET


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:KEY", "the environment variable KEY is not set"),
        (
            "credential:ai-api-key",
            "; it belongs into /etc/credstore/wabot.ai-api-key (sudo install -m 600 /dev/stdin /etc/cred",
        ),
        (
            "credential:key",
            "/etc/credstore/wabot.key with LoadCredential=key:wabot.key in the unit (sudo install",
        ),
        ("credential:" + "k" * 300, "= ***: allowed is credential:NAME, env:NAME or file:PATH"),
        ("file:/no/such", "/no/such cannot be read: No such file or directory"),
        ("file:/", "/ cannot be read: Is a directory"),
        ("file:" + "x" * 1900, "cannot be read: File name too long"),
        ("file:~nobody.of.this.name/key", "cannot be read"),
        (SECRET, "= ***: allowed is credential:NAME, env:NAME or file:PATH"),
        ("env:sk-live-123", "= ***: allowed is credential:NAME, env:NAME or file:PATH"),
        ("env:", "= ***: allowed is credential:NAME, env:NAME or file:PATH"),
        ("credential:../key", "= ***: allowed is credential:NAME, env:NAME or file:PATH"),
    ],
)
def test_a_secret_that_is_not_there(file: Path, tmp_path: Path, reference: str, said: str) -> None:
    (problem,) = problems(
        file, PROVIDER + f'api_key = "{reference}"', {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    )
    assert problem.startswith("ai.providers[1].api_key")
    assert said in problem


def test_the_file_of_a_missing_secret_is_that_of_the_number(file: Path) -> None:
    (problem,) = problems(file.with_name("north.toml"), PROVIDER + 'api_key = "credential:ai-api-key"')
    assert "/etc/credstore/north.ai-api-key" in problem


def test_a_file_that_is_no_text_is_no_secret(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    (problem,) = problems(file, PROVIDER + f'api_key = "file:{tmp_path / "key"}"')
    assert problem == f"ai.providers[1].api_key: {tmp_path / 'key'} cannot be read: not a text"


def test_an_operators_shell_may_lack_the_secrets_of_the_service_but_not_the_databases(file: Path) -> None:
    settings = load(file, PROVIDER + 'api_key = "credential:key"', all_secrets=False)
    assert settings.ai.providers[0].api_key == ""
    found = problems(
        file,
        'database.url = "credential:url"\n' + PROVIDER + 'api_key = "credential:key"\n',
        all_secrets=False,
    )
    (problem,) = found
    assert problem.startswith("database.url: no credential url; ")
    assert problems(file, PROVIDER + f'api_key = "{SECRET}"', all_secrets=False) == [
        "ai.providers[1].api_key = ***: allowed is credential:NAME, env:NAME or file:PATH"
    ]


@pytest.mark.parametrize(
    "text",
    [
        f'database.url = "postgresql://wabot:{SECRET}@db/app"',
        f'connection.proxy = "http://wabot:{SECRET}@proxy:3128"',
        PROVIDER + 'api_key = "env:KEY"',
    ],
)
def test_secrets_stay_out_of_what_is_printed(file: Path, text: str) -> None:
    settings = load(file, text, {"KEY": SECRET})
    assert SECRET in str(
        (settings.database.url, settings.connection.proxy, *(p.api_key for p in settings.ai.providers))
    )
    assert SECRET not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    "text",
    [
        f'database.url = "{SECRET}"',
        f'database.url = "mysql://wabot:{SECRET}@db/app"',
        f'database.url = ["postgresql://wabot:{SECRET}@db/app"]',
        f'database.url = ["{SECRET}"]',
        f'connection.proxy = "{SECRET}"',
        f'database = "postgresql://wabot:{SECRET}@db/app"',
        f'database.tables = "postgresql://wabot:{SECRET}@db/app"',
        f'database.qr_format = "postgresql://wabot:{SECRET}@db/app"',
        f'connection.proxy = "ftp://wabot:{SECRET}@proxy"',
        f'ai = "{SECRET}"',
        f'ai.providers = "{SECRET}"',
        f'ai.providers = ["{SECRET}"]',
        f'ai.api_key = "{SECRET}"',
        f'api_key = "{SECRET}"',
        PROVIDER + f'api_key = "{SECRET}"',
        PROVIDER + f'api_key = ["{SECRET}"]',
        PROVIDER + f'key = "{SECRET}"',
        f'[[ai.providers]]\nmodel = "m"\nbase_url = "http//ana:{SECRET}@localhost/v1"',
        f'[[ai.providers]]\nmodel = "m"\nbase_url = "ftp://ana:{SECRET}@localhost/v1"',
        f'a = "{SECRET}\n',
    ],
)
def test_secrets_stay_out_of_what_is_said_of_mistakes(file: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file, text)
    assert SECRET not in str(caught.value) + repr(caught.value)
