from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.backed_up_bot import NOW, Bot
from wabot.database.engine import migrate, open_database
from wabot.database.models import Session
from wabot.session.host_lock import HostLock
from wabot.trials.peers.postgresql import PostgresqlServer


def test_only_wabots_own_tables_are_put_back(tmp_path: Path, postgresql_url: str) -> None:
    bot = Bot(tmp_path, postgresql_url + "?schema=public")
    path = bot.backup()
    opened = open_database(bot.url)
    opened.execute_sql("INSERT INTO users VALUES ('new since')")
    # What a newer program made, which an older one would stumble over.
    opened.execute_sql("CREATE TABLE wabot_new (chat INTEGER REFERENCES wabot_chats)")
    opened.close()
    assert bot.run("restore", str(path), "--yes") == 0
    opened = open_database(bot.url)
    assert opened.execute_sql("SELECT count(*) FROM users").fetchone() == (2,)
    assert not opened.table_exists("wabot_new")
    assert migrate(opened) == []
    bot.write("the numbers go on where they were")
    opened.close()


@pytest.mark.postgresql
def test_a_role_that_may_not_make_tables_cannot_put_them_back(
    tmp_path: Path,
    postgresql_server: PostgresqlServer,
    postgresql_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    path = bot.backup()
    name = postgresql_url.rpartition("/")[2]
    role = f"role_{name}"
    postgresql_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    opened = open_database(postgresql_url)
    for table in opened.get_tables():
        opened.execute_sql(f'ALTER TABLE "{table}" OWNER TO {role}')
    opened.close()
    limited = f"postgresql://{role}:secret@127.0.0.1:{postgresql_server.port}/{name}"
    bot.configuration.write_text(bot.configuration.read_text().replace(postgresql_url, limited))
    assert bot.run("restore", str(path), "--yes", "--database-only") == 78
    assert "GRANT CREATE ON SCHEMA public to it" in capsys.readouterr().err
    assert list(bot.texts()) == ["before"]
    opened = open_database(postgresql_url)
    opened.execute_sql(f"GRANT CREATE ON SCHEMA public TO {role}")
    opened.close()
    assert bot.run("restore", str(path), "--yes", "--database-only") == 0, capsys.readouterr().err


@pytest.mark.postgresql
def test_a_bot_on_another_machine_refuses_it(
    tmp_path: Path, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    opened = open_database(bot.url)
    Session.insert(user_id="ben", updated_at=NOW).execute()
    path = bot.backup()
    bot.write("after")
    for user_id in ("ana", "ben"):
        # Kept, because the lock goes with it.
        opened = open_database(bot.url)
        there = HostLock(user_id, tmp_path / "vps2").acquire(0)
        assert bot.run("restore", str(path), "--yes") == 78
        there.release()
        assert f"for user {user_id}; stop that bot first" in capsys.readouterr().err
    opened.close()
    assert list(bot.texts()) == ["before", "after"]
    assert bot.run("restore", str(path), "--yes") == 0


@pytest.mark.postgresql
def test_a_server_that_is_away_changes_nothing(
    tmp_path: Path, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    path = bot.backup()
    away = f"postgresql://wabot:hush-hush@127.0.0.1:1/{postgresql_url.rpartition('/')[2]}"
    bot.configuration.write_text(bot.configuration.read_text().replace(postgresql_url, away))
    elsewhere = tmp_path / "elsewhere"
    assert bot.run("backup", str(elsewhere)) == 69
    assert bot.run("restore", str(path), "--yes", "--database-only") == 69
    assert "hush-hush" not in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "obstacle",
    [
        # Before anything is put back, and when nearly everything is.
        "CREATE VIEW of_the_application AS SELECT * FROM wabot_chats",
        "DROP INDEX {index}; CREATE VIEW {index} AS SELECT 1",
    ],
)
def test_a_dump_that_cannot_be_put_back_changes_nothing(
    tmp_path: Path, postgresql_url: str, capsys: pytest.CaptureFixture[str], obstacle: str
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    path = bot.backup()
    bot.write("after")
    opened = open_database(bot.url)
    (index,) = opened.execute_sql(
        "SELECT indexname FROM pg_indexes WHERE tablename = 'wabot_outbox' AND indexname LIKE '%%state%%'"
    ).fetchone()
    opened.execute_sql(obstacle.format(index=f'"{index}"'))
    opened.close()
    assert bot.run("restore", str(path), "--yes", "--database-only") == 78
    assert "psql failed: " in capsys.readouterr().err
    assert list(bot.texts()) == ["before", "after"]


@pytest.mark.postgresql
def test_without_pg_dump_it_says_what_to_install(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = Bot(tmp_path, postgresql_url)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bot.run("backup", str(bot.backups)) == 78
    assert "pg_dump is not installed" in capsys.readouterr().err
    assert list(bot.backups.iterdir()) == []


@pytest.mark.postgresql
def test_the_password_is_seen_by_nobody(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the arguments of PostgreSQL's programs nor in their environment."""
    bot = Bot(tmp_path, postgresql_url)
    seen = tmp_path / "seen"
    for name in ("pg_dump", "pg_restore", "psql"):
        real, spy = shutil.which(name), tmp_path / "bin" / name
        spy.parent.mkdir(exist_ok=True)
        spy.write_text(
            f'#!/bin/sh\necho "$0 $@" >>{seen}\nenv >>{seen}\nstat -c %a "$PGSERVICEFILE" >>{seen}\n'
            f'exec {real} "$@"\n'
        )
        spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert bot.run("restore", str(bot.backup()), "--yes") == 0
    told = seen.read_text()
    assert all(f"{tmp_path}/bin/{name} " in told for name in ("pg_dump", "pg_restore", "psql"))
    assert postgresql_url.split(":")[2].partition("@")[0] not in told
    assert set(told.split()) >= {"600"}
