from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.session_directories import hold
from tests.support.typed_commands import wabot
from wabot.database.engine import migrate, open_database


def said_by_run(config: Path) -> tuple[int, str]:
    shown = wabot("run", "--config", config)
    assert shown.stdout == ""
    assert "Traceback" not in shown.stderr
    return shown.returncode, shown.stderr


def test_the_service_does_not_start_with_a_bad_configuration(config: Path) -> None:
    config.write_text("replies.workers = 0\n", encoding="utf-8")
    code, said = said_by_run(config)
    assert code == 78
    assert "replies.workers = 0: allowed is a whole number from 1 to 64" in said


def test_the_service_does_not_start_twice(config: Path, tmp_path: Path) -> None:
    with hold(tmp_path / "state" / "sessions" / "default.lock"):
        code, said = said_by_run(config)
    assert code == 78
    assert "session default is in use by PID " in said


def test_the_service_does_not_start_for_an_unknown_user(config: Path, tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/state/wabot.db")
    database.execute_sql('CREATE TABLE "users" ("id" TEXT PRIMARY KEY)')
    database.close()
    code, said = said_by_run(config)
    assert code == 78
    assert "user default is not in the table users, so its number is not dialled" in said


def test_the_service_does_not_start_on_a_newer_database(config: Path, tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/state/wabot.db")
    migrate(database)
    database.execute_sql(
        "INSERT INTO wabot_migrations (name, applied) VALUES ('9999_the_future', CURRENT_TIMESTAMP)"
    )
    database.close()
    code, said = said_by_run(config)
    assert code == 78
    assert "written by a newer wabot" in said


def test_a_service_whose_database_is_away_is_started_again(config: Path) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write('database.url = "postgresql://wabot:s3cret@127.0.0.1:1/shop"\n')
    code, said = said_by_run(config)
    assert code == 69
    assert "database postgresql://wabot:***@127.0.0.1:1/shop cannot be opened" in said
    assert f"; what to do says: wabot doctor --config {config}" in said
    assert f"; what to do says: wabot doctor --config {config}" in wabot("pair", "--config", config).stderr
    assert "s3cret" not in said


@pytest.mark.parametrize("command", ["run", "pair"])
@pytest.mark.parametrize(
    ("module", "trouble"),
    [
        # So behaves python-magic, which the client library imports, where the system's library is missing,
        ("magic", "ImportError('failed to find libmagic.  Check your installation')"),
        # and so the client library where its Go half is damaged, or is of another version.
        ("neonize", "OSError('neonize-linux-amd64.so: file too short')"),
        ("neonize", "RuntimeError('failed to load goneonize after 3 attempts')"),
    ],
)
def test_without_the_client_library_the_operator_is_told_and_nothing_is_tried_again(
    config: Path, tmp_path: Path, command: str, module: str, trouble: str
) -> None:
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / f"{module}.py").write_text(f"raise {trouble}\n")
    shown = wabot(command, "--config", config, PYTHONPATH=str(folder))
    assert (shown.returncode, shown.stdout) == (78, "")
    assert "the client library cannot be loaded: " in shown.stderr
    assert re.sub(" +", " ", trouble.split("'")[1])[:50] in shown.stderr
    assert "wabot doctor" in shown.stderr
    assert "Traceback" not in shown.stderr
