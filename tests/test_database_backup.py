from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from wabot.database_backup import restore, save
from wabot.errors import OperatorNeeded

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database whose last change stands in its journal only."""
    file = tmp_path / "state" / "wabot.db"
    file.parent.mkdir()
    write(file, "before")
    return file


@pytest.fixture
def writer(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("INSERT INTO words VALUES ('in the journal')")
        connection.commit()
        yield connection


def write(file: Path, word: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
        connection.execute("INSERT INTO words VALUES (?)", (word,))
        connection.commit()


def words(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words")]


def test_there_and_back(database: Path, tmp_path: Path) -> None:
    directory = tmp_path / "state" / "backups" / "one"
    assert save(directory, [database, database, tmp_path / "never.db"]) == [database]
    write(database, "after")
    assert restore(directory) == [database]
    assert words(database) == ["before"]
    assert words(database.with_name("wabot.db.replaced")) == ["before", "after"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (directory / "0.db", database)}
    assert modes == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == stat.S_IMODE(directory.parent.stat().st_mode) == 0o700


def test_what_stands_in_the_journal_is_copied(
    database: Path, writer: sqlite3.Connection, tmp_path: Path
) -> None:
    save(tmp_path / "copies", [database])
    assert words(tmp_path / "copies" / "0.db") == ["before", "in the journal"]


def test_a_journal_of_the_new_version_does_not_reach_the_old_database(
    database: Path, tmp_path: Path, writer: sqlite3.Connection
) -> None:
    save(tmp_path / "copies", [database])
    # Killed, so that the journal stays behind.
    writer.execute("INSERT INTO words VALUES ('too late')")
    writer.commit()
    assert database.with_name("wabot.db-wal").exists()
    restore(tmp_path / "copies")
    assert words(database) == ["before", "in the journal"]
    assert words(database.with_name("wabot.db.replaced")) == ["before", "in the journal", "too late"]


def test_several_databases_go_back_each_to_its_place(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.db", "two.db")]
    for file in files:
        write(file, file.name)
    save(tmp_path / "copies", [files[0], tmp_path / "never.db", files[1]])
    for file in files:
        file.unlink()
    restore(tmp_path / "copies")
    assert [words(file) for file in files] == [["one.db"], ["two.db"]]


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wabot.db"
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(OperatorNeeded, match="cannot be copied"):
        save(tmp_path / "copies", [file])


@pytest.mark.parametrize("content", [None, "", "[]", '{"0.db": 7}', '{"0.db": "/nowhere/at/all.db"}'])
def test_what_is_no_copy_is_not_put_back(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "databases.json").write_text(content)
    with pytest.raises(OperatorNeeded, match="cannot be put back"):
        restore(tmp_path)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wabot.database_backup", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_command(database: Path, tmp_path: Path) -> None:
    configurations = []
    for name, url in (("one", ""), ("server", "postgresql://bot@127.0.0.1:1/none"), ("again", "")):
        file = tmp_path / f"{name}.toml"
        lines = f'[paths]\nstate = "{database.parent}"\n'
        file.write_text(lines + (f'[database]\nurl = "{url}"\n' if url else ""))
        configurations.append(str(file))
    directory = str(tmp_path / "copies")
    saved = run("save", directory, *configurations)
    assert (saved.returncode, saved.stdout) == (0, f"copied to {directory}: {database}\n"), saved.stderr
    assert run("restore", directory).stdout == f"put back: {database}\n"
    assert run("save", directory, *configurations).returncode == 78, "it exists"
    assert run("restore").returncode == 64
