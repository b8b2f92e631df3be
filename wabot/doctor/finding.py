"""What `wabot doctor` knows of a bot while it examines it, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee

from wabot.config.settings import Settings
from wabot.database.address import sqlite_file
from wabot.database.engine import open_database
from wabot.errors import WabotError
from wabot.system import units
from wabot.system.terminal import printable


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        name: of the check.
        ok: False for an illness.
        text: what was found, one line.
        cure: the command or the edit that cures an illness.
    """

    name: str
    ok: bool
    text: str
    cure: str = ""

    def __str__(self) -> str:
        cure = f"\n      cure: {printable(self.cure)}" if self.cure else ""
        return f"{'ok ' if self.ok else 'ILL'}  {self.name}: {printable(self.text)}{cure}"

    def as_json(self) -> dict[str, Any]:
        """The finding for programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Examined:
    """One bot.

    Attributes:
        file: its configuration, None when there is none.
        settings: as read from it.
        environ: the process environment.
        now: naive UTC.
        online: whether other machines may be asked.
    """

    file: Path | None
    settings: Settings
    environ: Mapping[str, str]
    now: datetime
    online: bool

    @property
    def unit(self) -> str:
        """Its systemd service, by the units as shipped."""
        return units.unit_of(self.file)

    def command(self, arguments: str) -> str:
        """A wabot command with this configuration, as it is to be typed."""
        return units.command(arguments, self.file)

    @property
    def start(self) -> str:
        """The command that starts the bot: by systemd where its units would read this configuration."""
        return units.start(self.file)

    @property
    def configuration(self) -> str:
        """The configuration file, for people."""
        return str(self.file or units.CONFIGURATION)


def healthy(name: str, text: str) -> Finding:
    """A check that found nothing wrong."""
    return Finding(name, True, text)


def problem(name: str, text: str, cure: str) -> Finding:
    """A check that found something wrong."""
    return Finding(name, False, text, cure)


def ask_database(examined: Examined, question: Callable[[Any], Any]) -> Any:
    """What the bot's database answers; None when it cannot be asked, which the checks of the database say.

    Args:
        examined: the bot.
        question: is given the open database.
    """
    file = sqlite_file(examined.settings.database.url)
    if file is not None and not file.exists():
        return None
    try:
        database = open_database(examined.settings.database.url)
        try:
            return question(database)
        finally:
            database.close()
    except (WabotError, peewee.DatabaseError, peewee.InterfaceError):
        return None
