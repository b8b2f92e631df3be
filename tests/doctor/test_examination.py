from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.examined_bot import illnesses
from wabot.cli.parser import main
from wabot.errors import ExitCode


def test_a_healthy_bot(file: Path, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert illnesses(file) == {}
    assert main(["doctor", "--config", str(file)]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert "ok   session store: linked as +34…22" in lines
    assert all(line.startswith("ok   ") for line in lines[:-1])
    assert lines[-1] == "all is well"


def test_all_configurations_are_examined_with_a_total(
    file: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file.parent / "north.toml").write_text(
        f'[account]\nuser_id = "ben"\n[paths]\nstate = "{state}"\n[chats]\ngroups = "perhaps"\n'
    )
    (file.parent / "another-program.toml").write_text("[server]\nport = 1\n")
    assert main(["doctor", "--all", "--config", str(file)]) == ExitCode.FINDINGS
    lines = capsys.readouterr().out.splitlines()
    north = lines.index("north:")
    assert lines[0] == "shop:"
    assert "all is well" in lines[:north]
    assert any(line.startswith("ILL  configuration: ") for line in lines[north:])
    assert lines[-1] == "2 configurations: 1 ill: north"
    assert main(["doctor", "--all", "--json", "--config", str(file)]) == ExitCode.FINDINGS
    answer = json.loads(capsys.readouterr().out)
    assert {name: each["ok"] for name, each in answer["configurations"].items()} == {
        "shop": True,
        "north": False,
    }
    (file.parent / "north.toml").unlink()
    assert main(["doctor", "--all", "--config", str(file)]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[-1] == "1 configuration: all is well"


def test_the_command_for_programs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--config", str(file)]) == ExitCode.FINDINGS
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    ill = {check["name"]: check for check in answer["checks"] if not check["ok"]}
    assert ill.keys() == {"database", "session store"}
    assert ill["session store"]["cure"] == f"wabot pair --config {file}"
    assert ill["database"]["cure"].startswith(f"wabot pair --config {file}; ")
    assert not (file.parent / "state").exists()


def test_a_linked_bot_whose_database_is_gone_is_to_be_started(file: Path, state: Path) -> None:
    (state / "wabot.db").unlink()
    assert illnesses(file)["database"].cure.startswith(f"wabot run --config {file}; ")


def test_what_is_ill_is_shown_last_and_counted_by_name(
    file: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("wabot.db", "sessions"):
        (state / name).chmod(0o777)
    assert main(["doctor", "--config", str(file)]) == ExitCode.FINDINGS
    lines = capsys.readouterr().out.splitlines()
    signs = [line[:3] for line in lines[:-1] if line[:3] in ("ok ", "ILL")]
    assert signs == sorted(signs, reverse=True)
    assert lines[-1] == "2 ill: permissions"
