"""Makes backups: one directory each, with everything a bot cannot make anew, and a manifest."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from wabot.backup.manifest import MANIFEST, Manifest, checksums
from wabot.backup.postgresql import find_tables
from wabot.backup.sqlite import copy_sqlite
from wabot.config.settings import Settings
from wabot.database.address import sqlite_file
from wabot.errors import OperatorNeeded
from wabot.privileges.remembered_files import read_file
from wabot.session.lock import is_held
from wabot.system.files import sync

CONFIGURATION, PERSONA, KNOWLEDGE = "configuration.toml", "persona.txt", "knowledge"
SQLITE, POSTGRESQL, SESSION = "wabot.db", "wabot.pgdump", "session.db"
_UNFINISHED = ".unfinished-"
_LARGEST_CONFIGURATION_BYTES = 1_000_000
_TIME, _TIME_FORMAT = r"\d{8}T\d{6}Z", "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: where it is, what is in it, and which older ones went."""

    path: Path
    manifest: Manifest
    removed: tuple[Path, ...]


def make_backup(
    settings: Settings, directory: Path, now: datetime, *, keep: int, with_session: bool
) -> Backup:
    """Make a backup; a bot may be running.

    It gets its name when it is complete, so an interruption leaves none that looks like one.

    Args:
        settings: of the bot.
        directory: where all backups are; made where missing.
        now: naive UTC.
        keep: how many of this bot's to keep, this one included.
        with_session: copy the keys of the linked number, too.

    Raises:
        OperatorNeeded: it cannot be made; there is none of it left.
        DatabaseAway: the database does not answer.
    """
    made: list[Manifest] = []

    def fill(unfinished: Path) -> None:
        made.append(_fill(settings, unfinished, now, with_session=with_session))

    path, removed = keep_backup(directory, backup_name(settings.file), now, keep=keep, fill=fill)
    return Backup(path, made[0], removed)


def backup_name(file: Path | None) -> str:
    """What the backups of a configuration are called, before the time."""
    return file.stem if file else "wabot"


def keep_backup(
    directory: Path, name: str, now: datetime, *, keep: int, fill: Callable[[Path], None]
) -> tuple[Path, tuple[Path, ...]]:
    """Keep one more backup in a directory.

    Args:
        directory: where all backups are; made where missing.
        name: what it is called before the time.
        now: naive UTC.
        keep: how many of this name to keep, this one included.
        fill: is given an empty directory, and puts everything into it.

    Returns:
        Where it is, and which older ones went.

    Raises:
        OperatorNeeded: it cannot be made; there is none of it left.
    """
    with alone(directory):
        path = directory / f"{name}-{_later_than_all(directory, name, now):{_TIME_FORMAT}}"
        unfinished = directory / f"{_UNFINISHED}{path.name}"
        try:
            for left_over in directory.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(left_over)
            unfinished.mkdir(mode=0o700)
            fill(unfinished)
            sync(*unfinished.rglob("*"), unfinished)
            unfinished.rename(path)
            # Before the one it replaces goes.
            sync(directory)
            removed = _rotate(directory, name, keep)
        except (OSError, sqlite3.Error, tarfile.TarError) as error:
            raise no_new_backup(directory, error) from None
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return path, removed


def no_new_backup(directory: Path, error: Exception) -> OperatorNeeded:
    """What to say when there is none."""
    # With the path, where there is one: it may be that of a text nobody may read.
    why = str(error).partition("] ")[2] if isinstance(error, OSError) else error
    return OperatorNeeded(f"there is no new backup in {directory}: {why}")


def newest_backup(directory: Path, name: str | None) -> Path:
    """The newest backup in a directory of backups.

    Args:
        directory: as `make_backup` got it.
        name: of the bot's configuration, without its ending; None where there is one bot only.

    Raises:
        OperatorNeeded: there is none, or it is not clear whose is wanted.
    """
    found: dict[str, Path] = {}
    for path in sorted(directory.glob("*-*Z")):
        whose = re.fullmatch(f"(.+)-{_TIME}", path.name)
        if whose and name in (None, whose[1]) and path.is_dir():
            found[whose[1]] = path
    if len(found) > 1:
        raise OperatorNeeded(
            f"{directory} has backups of {' and '.join(found)}: name one, or its configuration with --config"
        )
    if not found:
        raise OperatorNeeded(f"there is no backup{f' of {name}' if name else ''} in {directory}")
    return next(iter(found.values()))


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Have a directory of backups for oneself; it is made where missing.

    Raises:
        OperatorNeeded: no backup can be made there, or one is being made.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise OperatorNeeded(f"no backup can be made in {directory}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise OperatorNeeded(f"another backup is being made in {directory}") from None
    finally:
        os.close(descriptor)


def _fill(settings: Settings, backup: Path, now: datetime, *, with_session: bool) -> Manifest:
    places, modes = _copy_texts(settings, backup)
    manifest = Manifest(
        user_id=settings.account.user_id,
        made_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        running=is_held(settings.session_lock),
        places=places,
        modes=modes,
    )
    file = sqlite_file(settings.database.url)
    if file is None:
        tables = find_tables(settings.database.url)
        if tables.names:
            tables.dump(backup / POSTGRESQL)
            manifest = replace(
                manifest, engine="postgresql", schema=tables.schema, migrations=list(tables.migrations)
            )
    elif file.exists():
        copy_sqlite(file, backup / SQLITE)
        manifest = replace(manifest, engine="sqlite", migrations=_migrations(backup / SQLITE))
    if with_session and settings.session_store.exists():
        copy_sqlite(settings.session_store, backup / SESSION)
    manifest = replace(manifest, files=checksums(backup))
    if not manifest.files:
        # It would push out a good one, night after night.
        raise OperatorNeeded(
            "there is nothing to back up, neither a configuration nor a database: name the bot's "
            "configuration with --config"
        )
    manifest.write(backup)
    return manifest


def _copy_texts(settings: Settings, backup: Path) -> tuple[dict[str, str], dict[str, int]]:
    """Copy what people wrote; where it stood, and who might read it."""
    configuration = settings.file
    if configuration is None:
        return {}, {}
    (backup / CONFIGURATION).write_bytes(read_file(configuration, _LARGEST_CONFIGURATION_BYTES))
    places = {CONFIGURATION: configuration}
    persona, knowledge = settings.ai.system_prompt_file, settings.ai.knowledge
    if persona is not None and persona.is_file():
        shutil.copyfile(persona, backup / PERSONA)
        places[PERSONA] = persona
    if knowledge.is_dir():
        _copy_folder(knowledge, backup / KNOWLEDGE)
        places[KNOWLEDGE] = knowledge
    modes = {name: stat.S_IMODE(place.stat().st_mode) for name, place in places.items()}
    return {name: str(place.absolute()) for name, place in places.items()}, modes


def _copy_folder(source: Path, target: Path) -> None:
    """Copy the files of a folder and of those below it, without what is hidden."""
    for directory, below, names in os.walk(source):
        below[:] = [name for name in below if not name.startswith(".")]
        place = target / Path(directory).relative_to(source)
        place.mkdir(mode=0o700)
        for name in names:
            path = Path(directory) / name
            if not name.startswith(".") and path.is_file():
                shutil.copyfile(path, place / name)


def _migrations(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as copy:
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'wabot_migrations'").fetchone() is None:
            return []
        return [name for (name,) in copy.execute("SELECT name FROM wabot_migrations ORDER BY name")]


def _later_than_all(directory: Path, name: str, now: datetime) -> datetime:
    """The time a new backup is named by: after those that were made by a clock that was ahead."""
    for path in reversed(_backups(directory, name)):
        with suppress(ValueError):
            last = datetime.strptime(path.name.removeprefix(f"{name}-"), _TIME_FORMAT)
            return max(now, last + timedelta(seconds=1))
    return now


def _backups(directory: Path, name: str) -> list[Path]:
    """The whole backups of this name, the oldest first."""
    return sorted(
        path
        for path in directory.glob(f"{name}-*Z")
        if re.fullmatch(re.escape(name) + f"-{_TIME}", path.name) and (path / MANIFEST).is_file()
    )


def _rotate(directory: Path, name: str, keep: int) -> tuple[Path, ...]:
    own = _backups(directory, name)
    for path in own[:-keep]:
        # Renamed first: what an interruption leaves of it must not look like a backup.
        doomed = path.rename(directory / f"{_UNFINISHED}{path.name}")
        shutil.rmtree(doomed)
    return tuple(own[:-keep])
