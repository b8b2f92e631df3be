"""Keeps keys, messages and secrets from other users of the machine: finds what they could read, closes it."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wabot.config.settings import Settings
from wabot.errors import OperatorNeeded
from wabot.privileges.remembered_files import read_file

log = logging.getLogger(__name__)

_OTHERS = stat.S_IRWXO
_GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LARGEST_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file or directory that somebody else may read.

    Attributes:
        path: where it is.
        mode: as `stat` gives it.
        private_mode: what it has to be instead.
    """

    path: Path
    mode: int
    private_mode: int

    @property
    def cure(self) -> str:
        """The command that closes it."""
        return f"sudo chmod {self.private_mode:o} {self.path}"

    def __str__(self) -> str:
        return f"{self.path} can be read by others ({stat.filemode(self.mode)})"


def open_files(settings: Settings) -> list[OpenFile]:
    """Everything private that others may read: secrets first, then keys and messages."""
    return [*_open_secrets(settings.file), *_open_state(settings)]


def keep_private(settings: Settings) -> None:
    """Close what is open, before anything is written or dialled.

    What belongs to this process's user is closed, and that is said. What does not, such as a password in a
    file of root's, only its owner can close.

    Raises:
        OperatorNeeded: others may read a secret, and it cannot be closed.
    """
    for found in open_files(settings):
        try:
            found.path.chmod(found.private_mode)
        except OSError:
            raise OperatorNeeded(f"{found}, and it holds secrets: {found.cure}") from None
        log.warning("%s; it is private now, but what stood there may have been read", found)


def _open_state(settings: Settings) -> Iterator[OpenFile]:
    """Those of the state directory: keys and messages are nobody's but the bot's."""
    directories = (
        settings.paths.state,
        settings.sessions,
        settings.session_directory,
        settings.quarantine,
        settings.paths.state / "backups",
    )
    files = (settings.session_store, settings.paths.state / "wabot.db")
    for path, private_mode in (*((path, 0o700) for path in directories), *((path, 0o600) for path in files)):
        yield from _found(path, _GROUP_AND_OTHERS, private_mode)


def _open_secrets(configuration: Path | None) -> Iterator[OpenFile]:
    """Those with secrets in them; a group may read them, which in /etc/wabot is the service's."""
    if configuration is None:
        return
    for path in dict.fromkeys(_secret_files(configuration)):
        for found in _found(path, _OTHERS, 0):
            if _can_be_reached(path):
                yield OpenFile(path, found.mode, stat.S_IMODE(found.mode) & ~_OTHERS)


def _found(path: Path, forbidden: int, private_mode: int) -> Iterator[OpenFile]:
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if mode & forbidden:
        yield OpenFile(path, mode, private_mode)


def _can_be_reached(path: Path) -> bool:
    """Whether others get as far as the file: /etc/wabot, say, is closed to them."""
    try:
        return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)
    except OSError:
        return True


def _secret_files(configuration: Path) -> Iterator[Path]:
    """The configuration, if a password stands in it, and the files it refers to."""
    yield configuration.with_suffix(".env")
    try:
        text = read_file(configuration, _LARGEST_FILE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines():
        setting, _, value = line.partition("=")
        value = value.strip().strip("\"'")
        if setting.lstrip().startswith("#"):
            continue
        if value.startswith("file:"):
            yield Path(os.path.expanduser(value.removeprefix("file:")))  # noqa: PTH111 - unknown users are kept
        elif "://" in value and ":" in value.partition("://")[2].rpartition("@")[0]:
            yield configuration
