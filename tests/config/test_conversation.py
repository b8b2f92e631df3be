"""The settings of the conversation that depend on each other, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.errors import ConfigError


def load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "wabot.toml"
    file.write_text(text)
    return load_settings(file, {"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("lines", "per_minute"),
    [("", 20), ("typing = false", 0), ("typing = false\nper_minute = 20", 20), ("per_minute = 7", 7)],
)
def test_without_a_human_pace_there_is_no_rate_by_default(
    tmp_path: Path, lines: str, per_minute: int
) -> None:
    assert load(tmp_path, "[replies]\n" + lines).replies.per_minute == per_minute


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
        load(tmp_path, "[chats]\n" + lines)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_a_time_zone_nobody_knows_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f'[account]\ntimezone = "{name}"')
    assert "account.timezone" in str(caught.value)
    assert load(tmp_path, '[account]\ntimezone = "Europe/Madrid"').account.timezone == "Europe/Madrid"
