"""What a backup is made of, in `manifest.json` beside its files, and whether it is still just that."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from wabot import __version__
from wabot.database.engine import known_migrations
from wabot.errors import OperatorNeeded
from wabot.system.files import open_plain, read_json, read_plain

MANIFEST = "manifest.json"
FORMAT = 1
_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup.

    Attributes:
        user_id: whose.
        made_at: when, ISO-8601 UTC.
        running: a bot held the session meanwhile, and went on answering.
        engine: "sqlite", "postgresql", or "" where there was no database yet.
        schema: where the tables were in PostgreSQL.
        migrations: of the database.
        places: where the configuration, the persona and the knowledge stood.
        modes: who might read them there, as numbers; older backups do not say.
        files: the SHA-256 of each file, by its path below the backup.
        wabot: the version that made it.
        format: of this file.
    """

    user_id: str
    made_at: str
    running: bool
    engine: str = ""
    schema: str = ""
    migrations: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    wabot: str = __version__
    format: int = FORMAT

    def write(self, backup: Path) -> None:
        """Write it, as the last file of a backup."""
        path = backup / MANIFEST
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def checksums(backup: Path) -> dict[str, str]:
    """The SHA-256 of each file below a directory."""
    files = (path for path in sorted(backup.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(backup).as_posix(): checksum(path) for path in files}


def checksum(path: Path) -> str:
    """The SHA-256 of a regular file, through links."""
    with os.fdopen(open_plain(path, through_links=True), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(backup: Path, told_as: Path | None = None) -> Manifest:
    """Read a backup's manifest, and make sure of everything it says; nothing is changed.

    Args:
        backup: its directory.
        told_as: what it is called where something is wrong with it, if that is elsewhere.

    Raises:
        OperatorNeeded: it is no backup, it is damaged, or a newer wabot made it.
    """
    shown = told_as or backup

    def manifest_of(kept: Any) -> Manifest:
        if kept["format"] > FORMAT or _version(kept["wabot"]) > _version(__version__):
            raise OperatorNeeded(
                f"{shown} was made by wabot {kept['wabot']}, and this is {__version__}: "
                "install that version or a newer one first"
            )
        known = (each.name for each in fields(Manifest) if each.name != "modes" or each.name in kept)
        manifest = Manifest(**{name: kept[name] for name in known})
        _require_types(manifest)
        return manifest

    try:
        manifest = read_json(read_plain(backup / MANIFEST, _LARGEST_BYTES), manifest_of)
    except FileNotFoundError:
        raise OperatorNeeded(f"{shown} is no backup: it has no {MANIFEST}") from None
    except OSError as error:
        raise OperatorNeeded(f"{shown / MANIFEST} cannot be read: {error.strerror}") from None
    except ValueError:
        raise OperatorNeeded(f"{shown / MANIFEST} is damaged: take another backup") from None
    newer = sorted(set(manifest.migrations) - known_migrations())
    if newer:
        raise OperatorNeeded(
            f"{shown} has a database of a newer wabot (it knows {newer[-1]}): install that version first"
        )
    _require_files(backup, manifest, shown)
    return manifest


def _require_types(manifest: Manifest) -> None:
    texts = (manifest.user_id, manifest.made_at, manifest.engine, manifest.schema, *manifest.migrations)
    tables = (manifest.places, manifest.files)
    pairs = [part for table in tables for pair in table.items() for part in pair]
    if not all(isinstance(text, str) for text in (*texts, *pairs, *manifest.modes)):
        raise TypeError
    if not all(isinstance(mode, int) for mode in manifest.modes.values()):
        raise TypeError
    if not isinstance(manifest.running, bool) or manifest.engine not in ("", "sqlite", "postgresql"):
        raise ValueError
    paths = [PurePosixPath(name) for name in manifest.files]
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise ValueError


def _require_files(backup: Path, manifest: Manifest, shown: Path) -> None:
    try:
        found = checksums(backup)
    except OSError as error:
        raise OperatorNeeded(f"{shown} cannot be read: {error.strerror}") from None
    found.pop(MANIFEST, None)
    for name in sorted({*found, *manifest.files}):
        if name not in found:
            raise OperatorNeeded(f"{shown} is damaged: {name} is missing; take another backup")
        if found[name] != manifest.files.get(name):
            raise OperatorNeeded(f"{shown} is damaged: {name} is not what was saved; take another backup")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
