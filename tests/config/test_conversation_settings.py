"""The settings of the conversation that depend on each other, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.configuration import PROVIDER, load, problems
from wabot.brain.settings import ProviderSettings
from wabot.errors import ConfigError


@pytest.mark.parametrize(
    ("lines", "per_minute"),
    [("", 20), ("typing = false", 0), ("typing = false\nper_minute = 20", 20), ("per_minute = 7", 7)],
)
def test_without_a_human_pace_there_is_no_rate_by_default(
    tmp_path: Path, lines: str, per_minute: int
) -> None:
    assert load(tmp_path / "wabot.toml", "[replies]\n" + lines).replies.per_minute == per_minute


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ('trigger_type = "keyword"', "no chat could ever begin"),
        ('trigger_type = "regex"\ntrigger_values = ["(a"]', "chats.trigger_values = '(a': not a pattern"),
        ('opt_out_words = ["baja", "…"]', "chats.opt_out_words"),
        ('opt_out_words = [""]', "chats.opt_out_words"),
        ('business_hours = ["mon-fri 9 to 5"]', "chats.business_hours"),
        ("loop_ceiling = -1", "chats.loop_ceiling"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, lines: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "wabot.toml", "[chats]\n" + lines)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_a_time_zone_nobody_knows_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "wabot.toml", f'[account]\ntimezone = "{name}"')
    assert "account.timezone" in str(caught.value)
    assert (
        load(tmp_path / "wabot.toml", '[account]\ntimezone = "Europe/Madrid"').account.timezone
        == "Europe/Madrid"
    )


SECRET = "sk-live-4242"


def test_triggers_have_to_make_sense(file: Path) -> None:
    assert problems(file, 'chats.trigger_type = "keyword"') == [
        "chats.trigger_values = []: no chat could ever begin; name what begins one"
    ]
    (problem,) = problems(file, '[chats]\ntrigger_type = "regex"\ntrigger_values = ["(", "ok"]')
    assert problem.startswith("chats.trigger_values = '(': not a pattern: ")


def test_a_human_pace_can_be_switched_off_altogether(file: Path) -> None:
    assert load(file, "").replies.per_minute == 20
    assert load(file, "replies.typing = false").replies.per_minute == 0
    assert load(file, "[replies]\ntyping = false\nper_minute = 7").replies.per_minute == 7


# Providers
def test_providers_are_kept_in_order(file: Path) -> None:
    settings = load(
        file,
        PROVIDER
        + '[[ai.providers]]\nname = "far"\nbase_url = "https://far/v1"\nmodel = "big"\ntimeout = "2m"\n'
        'max_tokens = 99\ntemperature = 0\napi_key = "env:KEY"\n',
        {"KEY": SECRET},
    )
    assert settings.ai.providers == (
        ProviderSettings("m", "http://localhost:1/v1", "m"),
        ProviderSettings("far", "https://far/v1", "big", SECRET, 120.0, 99, 0.0),
    )


@pytest.mark.parametrize("value", ['"http://x"', "{}", "[1]", "[{}, 1]", "[" + "{}," * 21 + "]"])
def test_providers_are_written_as_sections(file: Path, value: str) -> None:
    assert problems(file, f"ai.providers = {value}") == [
        "ai.providers: write each as [[ai.providers]], at most 20"
    ]


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://x/v1", "http://a b", ""])
def test_an_address_is_an_http_address(file: Path, url: str) -> None:
    (problem,) = problems(file, f'[[ai.providers]]\nmodel = "m"\nbase_url = "{url}"')
    assert problem == (
        f"ai.providers[1].base_url = {url!r}: allowed is an address such as http://localhost:11434/v1"
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("[ai]\ntokens_per_day = 399\n" + PROVIDER, ["ai.tokens_per_day = 399: less than one answer"]),
        (PROVIDER + "tokens_per_day = 399\n", ["ai.providers[1].tokens_per_day = 399: less than one"]),
        (PROVIDER + "calls_per_day = 5\n" + PROVIDER, ["ai.providers[1].name: another one is called m"]),
        ("[ai]\ncalls_per_day = -1\n", ["ai.calls_per_day = -1: allowed is a whole number from 0"]),
        (PROVIDER + 'calls_per_day = "many"\n', ["ai.providers[1].calls_per_day = 'many': allowed"]),
        (PROVIDER + 'name = ""\n', ["ai.providers[1].name = ''"]),
    ],
)
def test_budgets_that_cannot_be(file: Path, lines: str, said: list[str]) -> None:
    found = problems(file, lines)
    assert len(found) == len(said)
    assert all(problem.startswith(start) for problem, start in zip(found, said, strict=True))


def test_budgets(file: Path) -> None:
    settings = load(
        file,
        "[ai]\ncalls_per_day = 3\ntokens_per_day = 4000\n"
        f"{PROVIDER}calls_per_day = 1\ntokens_per_day = 400\n{PROVIDER}name = 'b'\n",
    )
    assert (settings.ai.calls_per_day, settings.ai.tokens_per_day) == (3, 4000)
    limits = [(each.calls_per_day, each.tokens_per_day) for each in settings.brain.providers]
    assert limits == [(1, 400), (0, 0)]
