"""Rows that somebody else wrote, or made wabot write: no command falls over them, and none is led astray."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.existing_schema import add_row, add_user, create_application, rows
from wabot.cli.parser import main
from wabot.database.engine import migrate, open_database
from wabot.database.models import Session
from wabot.database.models import database as bound_database

NOW = datetime(2026, 1, 1)
AIMED = (
    "../../etc",
    "/etc/passwd",
    "somebody'; DELETE FROM users; --",
    'x"; DROP TABLE "users',
    "%s%n{0}",
    "a\n<0>forged: line",
    "\x1b]0;title\x07\x1b[2J",
    "\u202egnp.exe",
    ".lock",
    "",
)
# PostgreSQL stores neither of the two.
hostile = st.sampled_from(AIMED) | st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30
)


@pytest.fixture
def application(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, Path]]:
    """An application without a foreign key, where any row can stand."""
    opened = open_database(database_url)
    migrate(opened)
    create_application(opened, foreign_key=False)
    add_user(opened, "somebody")
    file = tmp_path / "wabot.toml"
    file.write_text(
        f'[account]\nuser_id = "somebody"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[database]\nurl = "{database_url}"\n'
    )
    (tmp_path / "state" / "sessions").mkdir(parents=True, mode=0o700)
    # The doctor asks systemd, which is another matter and takes time.
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "precious").write_text("not wabot's")
    yield opened, file
    bound_database.close()


@given(names=st.lists(hostile, min_size=1, max_size=4, unique=True), text=hostile)
@hypothesis_settings(
    max_examples=8,
    deadline=None,
    # Each try runs five commands; the texts are short anyway.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_row_leads_a_command_astray(
    application: tuple[Any, Path],
    capsys: pytest.CaptureFixture[str],
    names: list[str],
    text: str,
) -> None:
    database, file = application
    database.execute_sql('DELETE FROM "whatsapp_connections"')
    database.execute_sql("DELETE FROM wabot_sessions")
    add_row(database, "somebody", NOW, status="CONNECTED", phoneNumber=text, lastError=text, qrCode=text)
    for name in names:
        add_row(database, name, NOW, status="CONNECTED", phoneNumber=f"{text}.{name}", qrCode=text)
    Session.insert(
        user_id="somebody", state=text[:20], reason=text, jid=text, phone=text, qr=text, updated_at=NOW
    ).execute()
    capsys.readouterr()
    for command in (["status"], ["status", "--json"], ["doctor"], ["janitor"], ["janitor", "--apply"]):
        assert main([*command, "--config", str(file)]) in (0, 1)
        told = capsys.readouterr()
        assert told.err == "", told.err
        if "--json" not in command:
            assert all(line.isprintable() for line in told.out.split("\n")), told.out
        assert not any(line.startswith(("<0>", "forged")) for line in told.out.splitlines())
    assert set(rows(database)) == {"somebody"}, "what is nobody's is gone, and nothing else"
    assert database.execute_sql('SELECT count(*) FROM "users"').fetchone() == (1,)
    assert (file.parent / "precious").exists()
    assert not any((file.parent / "state" / "sessions").iterdir())
