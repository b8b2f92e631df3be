from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import SAMPLE_KNOWLEDGE
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.config.load import load_settings
from wabot.doctor.examination import examine
from wabot.errors import ConfigError
from wabot.session.lock import SessionLock

SAMPLE_KNOWLEDGE = SAMPLE_KNOWLEDGE


def configure(tmp_path: Path, metrics: str) -> Path:
    config = tmp_path / "shop.toml"
    config.write_text(
        f'[account]\nuser_id = "shop"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[ai]\nknowledge = "{SAMPLE_KNOWLEDGE}"\n[metrics]\nfile = "{metrics}"\n'
    )
    return config


@pytest.mark.parametrize("name", ["wabot.prom", "/run/wabot.txt", "/run/.prom/", "/run/.prom", "/", "prom"])
def test_names_that_node_exporter_would_not_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"metrics\.file = .*allowed is an absolute path that ends in \.prom"
    ):
        load_settings(configure(tmp_path, name), {})


def test_the_configuration_is_checked(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_settings(configure(tmp_path, ""), {}).metrics.file is None
    assert main(["check-config", "--config", str(configure(tmp_path, str(file)))]) == 0
    assert "note" not in capsys.readouterr().out
    assert main(["check-config", "--config", str(configure(tmp_path, "/nowhere/wabot.prom"))]) == 0
    note = "note: metrics.file: /nowhere does not exist, so wabot.prom cannot be written there\n"
    assert capsys.readouterr().out.endswith(note)
    main(["check-config", "--config", str(configure(tmp_path, "/run/wabot-metrics/wabot.prom"))])
    assert capsys.readouterr().out.endswith("there; the service makes it when it starts\n")


def test_the_doctor_looks(tmp_path: Path, file: Path) -> None:
    def finding(name: str) -> Any:
        found = examine(configure(tmp_path, name), {}, utc_now(), online=False)
        return next((each for each in found if each.name == "metrics"), None)

    assert finding("") is None
    assert finding(str(file)).ok
    gone = finding("/nowhere/wabot.prom")
    assert "/nowhere does not exist" in gone.text
    assert "/run/wabot-metrics/wabot.prom" in gone.cure
    config = configure(tmp_path, str(file))
    other = tmp_path / "north.toml"
    other.write_text(config.read_text().replace('"shop"', '"north"'))
    shared = finding(str(file))
    assert shared.text == f"north writes to {file} as well"
    assert shared.cure == f"set metrics.file in {config} to {file.parent}/shop.prom"
    own = file.with_name("shop.prom")
    other.write_text(configure(tmp_path, str(own)).read_text().replace('"shop"', '"north"'))
    assert finding(str(own)).cure == f"set metrics.file in {other} to {file.parent}/north.prom"
    other.write_text(configure(tmp_path, str(file)).read_text().replace('"shop"', '"north"'))
    other.unlink()
    settings = load_settings(config, {})
    lock = SessionLock(settings.session_lock)
    lock.acquire(0)
    try:
        assert "last written never" in finding(str(file)).text
        file.write_text("")
        assert finding(str(file)).ok
        os.utime(file, (time.time() - 300,) * 2)
        assert "last written 300 s ago" in finding(str(file)).text
    finally:
        lock.release()
