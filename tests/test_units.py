from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wabot.config.conversation_settings import PROVIDER_SETTINGS
from wabot.config.credentials import OF_THE_UNITS
from wabot.config.load import load_settings
from wabot.config.setting_types import key_of
from wabot.config.settings import Settings
from wabot.errors import ExitCode
from wabot.handbook.example import example_configuration
from wabot.system.notify import LEAST_WATCHDOG_SECONDS
from wabot.system.units import METRICS
from wabot.whatsapp.library import LIBRARY_ENVIRONMENT

UNITS = Path(__file__).parents[1] / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
TIMERS = sorted(path.name for path in UNITS.glob("*.timer"))
EXAMPLE = UNITS / "wabot.toml"

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def settings_of(unit: str) -> list[tuple[str, str]]:
    """The unit's lines as (key, value), with empty and repeated ones, in order."""
    lines = (UNITS / unit).read_text().splitlines()
    return [
        (key, value)
        for key, equals, value in (line.partition("=") for line in lines)
        if equals and not key.startswith("#")
    ]


def setting(unit: str, key: str) -> str:
    """The one value of a setting."""
    (value,) = [value for found, value in settings_of(unit) if found == key]
    return value


def test_the_units_are_these() -> None:
    assert SERVICES == [
        "wabot-alert-backup@.service",
        "wabot-alert-janitor@.service",
        "wabot-alert@.service",
        "wabot-backup@.service",
        "wabot-janitor.service",
        "wabot-janitor@.service",
        "wabot.service",
        "wabot@.service",
    ]
    assert TIMERS == ["wabot-backup@.timer", "wabot-janitor.timer", "wabot-janitor@.timer"]


@needs_analyze
@pytest.mark.parametrize("unit", [*SERVICES, *TIMERS])
def test_systemd_understands_every_line(unit: str, tmp_path: Path) -> None:
    for path in UNITS.glob("*.[st]*"):
        # An executable that is on every machine; the real one is on those where wabot is installed.
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/wabot/bin/wabot", "/bin/true"))
    instance = unit.replace("@.", "@shop.")
    verified = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / instance], capture_output=True, text=True, timeout=60
    )
    assert verified.stderr == ""
    assert verified.returncode == 0


@needs_analyze
@pytest.mark.parametrize("unit", SERVICES)
def test_exposure_is_low(unit: str) -> None:
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=15", UNITS / unit],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("unit", ["wabot.service", "wabot@.service"])
def test_systemd_restarts_what_the_table_of_exit_codes_says(unit: str) -> None:
    service_codes = set(ExitCode) - {ExitCode.OK, ExitCode.FINDINGS}
    for_good = sorted(code.value for code in service_codes if not code.restarts)
    assert setting(unit, "RestartPreventExitStatus") == " ".join(map(str, for_good))
    assert setting(unit, "Restart") == "on-failure"
    assert setting(unit, "StartLimitIntervalSec") == "0"


@pytest.mark.parametrize("unit", ["wabot.service", "wabot@.service"])
def test_the_time_systemd_gives_is_enough(unit: str) -> None:
    assert int(setting(unit, "WatchdogSec")) >= LEAST_WATCHDOG_SECONDS
    assert int(setting(unit, "TimeoutStopSec")) > 20
    assert setting(unit, "Type") == "notify"
    assert setting(unit, "NotifyAccess") == "main"
    variables = [f"{name}={value}" for name, value in LIBRARY_ENVIRONMENT.items()]
    assert setting(unit, "Environment").split() == variables


@pytest.mark.parametrize(
    ("unit", "template"),
    [
        ("wabot.service", "wabot@.service"),
        ("wabot-janitor.service", "wabot-janitor@.service"),
        ("wabot-janitor.timer", "wabot-janitor@.timer"),
    ],
)
def test_a_further_number_is_served_like_the_first(unit: str, template: str) -> None:
    as_instance = [(key, value.replace("%i", "wabot")) for key, value in settings_of(template)]
    assert [line for line in as_instance if line[0] != "Description"] == [
        line for line in settings_of(unit) if line[0] != "Description"
    ]


def test_every_service_is_locked_in_alike() -> None:
    def sandbox(unit: str) -> list[tuple[str, str]]:
        lines = [(key, value.replace("%i", "wabot")) for key, value in settings_of(unit)]
        start = next(index for index, (key, _) in enumerate(lines) if key == "User")
        own = {"MemoryHigh", "MemoryMax", "TasksMax", "MemoryDenyWriteExecute", "Environment", "WantedBy"}
        return [line for line in lines[start:] if line[0] not in own and "Runtime" not in line[0]]

    for unit in SERVICES:
        assert sandbox(unit) == sandbox("wabot.service"), unit


def test_only_the_bot_has_a_place_that_others_may_read() -> None:
    for unit in SERVICES:
        made = {key: value for key, value in settings_of(unit) if key.startswith("RuntimeDirectory")}
        assert made == (
            {
                "RuntimeDirectory": METRICS.name,
                "RuntimeDirectoryMode": "0755",
                "RuntimeDirectoryPreserve": "yes",
            }
            if unit in ("wabot.service", "wabot@.service")
            else {}
        )
    assert METRICS.parent == Path("/run")


def test_nothing_limits_addresses() -> None:
    for unit in SERVICES:
        assert not {"LimitAS", "LimitDATA"} & {key for key, _ in settings_of(unit)}


def test_a_failure_for_good_raises_the_alert() -> None:
    assert setting("wabot.service", "OnFailure") == "wabot-alert@wabot.service"
    assert setting("wabot-janitor.service", "OnFailure") == "wabot-alert-janitor@wabot.service"
    for kind in ("", "-backup", "-janitor"):
        assert setting(f"wabot{kind}@.service", "OnFailure") == f"wabot-alert{kind}@%i.service"
        assert "alert --failed ${MONITOR_UNIT}" in setting(f"wabot-alert{kind}@.service", "ExecStart")


def test_the_timer_catches_up() -> None:
    assert setting("wabot-janitor.timer", "OnCalendar") == "hourly"
    assert setting("wabot-janitor.timer", "Persistent") == "true"
    assert setting("wabot-janitor.timer", "RandomizedDelaySec") == "5min"


def uncommented() -> dict[str, Any]:
    """The example with every setting switched on."""
    lines = EXAMPLE.read_text().splitlines()
    return tomllib.loads("\n".join(re.sub(r"^#(?=\w+ = |\[)", "", line) for line in lines))


def known_settings(table: Any = Settings, prefix: str = "") -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    """Every setting there is, by section and key."""
    for field in dataclasses.fields(table):
        if dataclasses.is_dataclass(field.default_factory):
            yield from known_settings(field.default_factory, f"{prefix}{field.name}.")
        elif "type" in field.metadata:
            yield prefix + key_of(field), field


def test_the_example_is_made_from_the_settings() -> None:
    anew = "run: python -m wabot.handbook.example systemd/wabot.toml"
    assert EXAMPLE.read_text() == example_configuration(), anew
    explained = [line for line in example_configuration().splitlines() if line.startswith("# ")]
    assert max(map(len, explained)) < 80, "an editor in a terminal cuts it off"


def test_the_example_has_every_setting_with_its_default() -> None:
    for name, field in known_settings():
        value: Any = uncommented()
        for key in name.split("."):
            assert key in value, f"{name} is missing"
            value = value[key]
        if name != "paths.state":
            assert field.metadata["type"].read(value) == field.default, name


def test_the_provider_in_the_example_is_a_good_one() -> None:
    (provider,) = uncommented()["ai"]["providers"]
    assert {key: PROVIDER_SETTINGS[key].type.read(value) for key, value in provider.items()}.keys() == {
        *PROVIDER_SETTINGS
    }


def test_the_example_is_a_good_configuration() -> None:
    settings = load_settings(EXAMPLE, {"STATE_DIRECTORY": "/elsewhere", "HOME": "/root"})
    assert settings.paths.state == Path("/var/lib") / setting("wabot.service", "StateDirectory")
    assert settings == dataclasses.replace(
        Settings(), paths=settings.paths, database=settings.database, file=EXAMPLE
    )


def test_what_a_missing_credential_says_of_the_units_is_true() -> None:
    for unit in ("wabot.service", "wabot@.service"):
        loaded = re.findall(r"^LoadCredential=([a-z-]+):", (UNITS / unit).read_text(), re.MULTILINE)
        assert tuple(loaded) == OF_THE_UNITS
