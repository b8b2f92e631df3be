"""What a bot in the emulator takes over of a configuration: what it says, not where it is linked."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from wabot.config.load import load_settings
from wabot.emulator.borrowed_configuration import borrowed
from wabot.errors import ConfigError

SHOP = """
[account]
user_id = "shop"
language = "pt"
timezone = "America/Sao_Paulo"
table = "users"
[paths]
state = "/var/lib/wabot"
[database]
url = "postgresql://shop@db.example.com/shop"
[connection]
proxy = "http://proxy.example.com:3128"
[alerts]
email_to = ["owner@example.com"]
[metrics]
file = "/var/lib/node_exporter/shop.prom"
[ai]
knowledge = "texts"
system_prompt_file = "~/persona \\"1\\".txt"
[[ai.providers]]
name = "local"
base_url = "http://localhost:11434/v1"
model = "llama3.1"
temperature = 0.5
[[ai.providers]]
name = "second\\u00e9\\n"
base_url = "http://localhost:1/v1"
model = 'back\\slash'
[chats]
groups = "mention"
allow = ["+34600111222", "34*"]
opt_out_words = []
"""


def test_texts_models_and_rules_are_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "shop.toml"
    file.write_text(SHOP, encoding="utf-8")
    taken = tomllib.loads(borrowed(file, tmp_path / "state"))
    original = tomllib.loads(SHOP)
    assert set(taken) == {"account", "ai", "chats", "paths"}
    assert taken["paths"] == {"state": str(tmp_path / "state")}
    assert taken["account"] == {"language": "pt", "timezone": "America/Sao_Paulo"}
    assert taken["chats"] == original["chats"]
    assert taken["ai"]["providers"] == original["ai"]["providers"]
    assert taken["ai"]["knowledge"] == str(tmp_path / "texts")
    assert taken["ai"]["system_prompt_file"] == str(Path('~/persona "1".txt').expanduser())


def test_what_is_taken_over_is_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    (tmp_path / "texts").mkdir()
    for text in ("", '[account]\nuser_id = "shop"\n', f'[ai]\nknowledge = "{tmp_path / "texts"}"\n'):
        file.write_text(text)
        own = tmp_path / "own.toml"
        own.write_text(borrowed(file, tmp_path / "state"))
        settings = load_settings(own, {})
        assert settings.session_store.is_relative_to(tmp_path / "state")
        assert settings.database.url.endswith(f"{tmp_path}/state/wabot.db")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"shop\.toml"):
        borrowed(tmp_path / "shop.toml", tmp_path)
