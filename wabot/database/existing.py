"""Opens the database for a command that works on what a bot has left there, and has no use for a new one."""

from __future__ import annotations

from typing import Any

from wabot.config.settings import Settings
from wabot.database.address import sqlite_file
from wabot.database.engine import open_database
from wabot.errors import OperatorNeeded


def open_existing_database(settings: Settings) -> Any:
    """Open the database, but never create one: whoever looks for it in the wrong place must be told.

    Raises:
        OperatorNeeded: there is none.
        DatabaseAway: it does not answer.
    """
    file = sqlite_file(settings.database.url)
    if file is not None and not file.exists():
        raise OperatorNeeded(
            f"there is no database {file}: either the bot has never run, or paths.state or database.url "
            "names another place than where it runs"
        )
    return open_database(settings.database.url)
