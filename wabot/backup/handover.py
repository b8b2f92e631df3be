"""Hands a backup to the user whose directory it goes to, where that is not the owner of the state.

Who may read the state may not write to a directory of root's, and root touches nothing of the state: a
process of the directory's owner takes what comes through a pipe, and trusts none of the names in it.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from wabot.backup.make import (
    CONFIGURATION,
    KNOWLEDGE,
    PERSONA,
    POSTGRESQL,
    SESSION,
    SQLITE,
    Backup,
    alone,
    keep_backup,
    make_backup,
)
from wabot.backup.manifest import MANIFEST
from wabot.config.settings import Settings
from wabot.errors import OperatorNeeded
from wabot.privileges import root_helper

_LOOK, _KEEP = "look at the directory of backups", "keep a backup"
_FILES = "|".join(map(re.escape, (CONFIGURATION, PERSONA, POSTGRESQL, SESSION, SQLITE, MANIFEST)))
_NAMES = re.compile(rf"({_FILES})|{re.escape(KNOWLEDGE)}(/[^/]+)*")
_BLOCK_BYTES = 1_000_000


class Handover:
    """One backup on its way to a directory.

    Args:
        directory: where all backups are.
        name: what this one is called before the time.
        now: naive UTC.
        keep: how many of that name to keep.
    """

    def __init__(self, directory: Path, name: str, now: datetime, keep: int) -> None:
        self._directory, self._name, self._now, self._keep = directory, name, now, keep
        self._reader, self._writer = os.pipe()

    @property
    def tasks(self) -> Mapping[str, root_helper.Task]:
        """What the owner of the directory does."""
        return {_LOOK: self._look, _KEEP: self._take}

    def make_backup(self, settings: Settings, *, with_session: bool) -> Backup:
        """Make the backup as the user that this process is now.

        Args:
            settings: of the bot.
            with_session: copy the keys of the linked number, too.

        Raises:
            OperatorNeeded: it cannot be made; there is none of it left.
            DatabaseAway: the database does not answer.
        """
        if not root_helper.is_elsewhere():
            return make_backup(
                settings, self._directory, self._now, keep=self._keep, with_session=with_session
            )
        os.close(self._reader)
        root_helper.do(_LOOK)
        # Where there is a database, there is room for another of its size, or there soon will be none for it.
        state = settings.paths.state
        with tempfile.TemporaryDirectory(
            prefix=".backup-", dir=state if state.is_dir() else None, ignore_cleanup_errors=True
        ) as directory:
            try:
                made = make_backup(
                    settings, Path(directory) / "own", self._now, keep=1, with_session=with_session
                )
            except OperatorNeeded as error:
                told = str(error).replace(f"{directory}/own", str(self._directory))
                raise OperatorNeeded(told) from None
            path, removed = self._give(made.path)
        return Backup(Path(path), made.manifest, tuple(Path(each) for each in removed))

    def _give(self, path: Path) -> Any:
        answer = root_helper.begin(_KEEP)
        try:
            with (
                os.fdopen(self._writer, "wb") as pipe,
                tarfile.open(fileobj=pipe, mode="w|", bufsize=_BLOCK_BYTES) as stream,
            ):
                for part in sorted(path.iterdir()):
                    stream.add(part, arcname=part.name)
        except BrokenPipeError:
            # The answer says why.
            pass
        return answer()

    def _look(self) -> None:
        with alone(self._directory):
            return

    def _take(self) -> Any:
        os.close(self._writer)
        with os.fdopen(self._reader, "rb") as pipe:
            path, removed = keep_backup(
                self._directory, self._name, self._now, keep=self._keep, fill=partial(_unpack, pipe)
            )
        return [str(path), [str(each) for each in removed]]


def _unpack(pipe: Any, target: Path) -> None:
    with tarfile.open(fileobj=pipe, mode="r|", bufsize=_BLOCK_BYTES) as stream:
        for member in stream:
            if not _NAMES.fullmatch(member.name) or ".." in Path(member.name).parts:
                raise tarfile.TarError(f"{member.name!r} is no part of a backup")
            if member.isdir():
                (target / member.name).mkdir(mode=0o700)
                continue
            content = stream.extractfile(member) if member.isreg() else None
            if content is None:
                raise tarfile.TarError(f"{member.name!r} is no regular file")
            with os.fdopen(
                os.open(target / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as file:
                shutil.copyfileobj(content, file, _BLOCK_BYTES)
