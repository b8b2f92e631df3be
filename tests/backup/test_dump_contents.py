"""Of a dump, only what belongs to wabot's own tables is put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.backup.make import make_backup
from wabot.backup.postgresql import find_tables, own_entries
from wabot.clock import utc_now
from wabot.config.load import load_settings
from wabot.database.engine import migrate, open_database
from wabot.trials.peers.postgresql import PostgresqlServer

_LISTED = """;
; Archive created at 2026-11-30
;
216; 1259 16390 TABLE public wabot_chats wabot
215; 1259 16389 SEQUENCE public wabot_chats_id_seq wabot
;	depends on: 216
217; 1259 16391 TABLE public wabot_migrations wabot
228; 1259 16485 TABLE public wabot_zzz x wabot
229; 1259 16486 TABLE public wabot_facts other
3411; 0 16385 TABLE DATA public wabot_chats wabot
;	depends on: 216
3424; 0 16485 TABLE DATA public wabot_zzz x wabot
;	depends on: 228
3236; 1259 16401 INDEX public of_chats wabot
;	depends on: 216 216
3263; 1259 16492 INDEX public zi x wabot
;	depends on: 228 228
3264; 2606 16419 FK CONSTRAINT public wabot_zzz to_chats x wabot
;	depends on: 228 216
3265; 2606 16420 RULE public wabot_chats without_a_table wabot
"""


def test_what_depends_on_own_tables_alone_is_own() -> None:
    tables = ("wabot_chats", "wabot_migrations", "wabot_facts")
    kept = own_entries(_LISTED, "public", tables, "wabot_migrations")
    assert [int(line.partition(";")[0]) for line in kept.splitlines()] == [216, 215, 217, 3411, 3236]


@pytest.mark.postgresql
def test_a_table_of_another_roles_is_neither_an_obstacle_nor_taken_along(
    tmp_path: Path, postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    name = postgresql_url.rpartition("/")[2]
    opened = open_database(postgresql_url)
    migrate(opened)
    for statement in (
        f"CREATE ROLE other_{name}",
        "CREATE TABLE wabot_zzz (a TEXT)",
        "CREATE FUNCTION spy(TEXT) RETURNS TEXT IMMUTABLE LANGUAGE sql AS 'SELECT $1'",
        "CREATE INDEX zi ON wabot_zzz (spy(a))",
        f"ALTER TABLE wabot_zzz OWNER TO other_{name}",
    ):
        opened.execute_sql(statement)
    opened.close()
    file = tmp_path / "wabot.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n[database]\nurl = "{postgresql_url}"\n')
    settings = load_settings(file, {})
    made = make_backup(settings, tmp_path / "backups", utc_now(), keep=1, with_session=False)
    tables = find_tables(postgresql_url)
    assert "wabot_zzz" not in tables.names and "wabot_chats" in tables.names
    tables.replace(made.path / "wabot.pgdump", "")
    opened = open_database(postgresql_url)
    assert migrate(opened) == [] and opened.table_exists("wabot_zzz")
    opened.execute_sql("DROP TABLE wabot_zzz")
    opened.execute_sql(f"DROP ROLE other_{name}")
    opened.close()
