"""Settings of the account, of where its state lives, and of the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from wabot.clock import utc_now
from wabot.config.setting_types import choice, path, setting, text, time_zone

# neonize 0.5.2 puts the path of its store unescaped into an SQLite URI: "?" ends it, "#" cuts it,
# "%20" is decoded.
SAFE_PATH = r"[A-Za-z0-9._/-]+"
# The session's lock file is called like the session, with ".lock" at the end.
USER_ID = r"(?!.*\.lock$)[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
_TABLE = text(
    pattern=r'([^".]{1,63}\.)?[^".]{1,63}', allowed="the name of a table, or SCHEMA.TABLE, without quotes"
)


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Whose number this is."""

    user_id: str = setting(
        text(pattern=USER_ID, allowed="letters, digits, '.', '_' and '-'"),
        "default",
        "any name, under which the number is kept; with an application's database the id of its user there",
    )
    language: str = setting(
        choice("es", "en", "pt"), "es", "language of the bot's own texts when a customer's cannot be told"
    )
    timezone: str = setting(time_zone(), "", "where the business is; empty = the zone of the machine")

    @property
    def zone(self) -> ZoneInfo | None:
        """Where the business is; None is the machine's own zone."""
        return ZoneInfo(self.timezone) if self.timezone else None

    def local_time(self) -> datetime:
        """The time there, aware of its zone."""
        return utc_now().replace(tzinfo=UTC).astimezone(self.zone)


@dataclass(frozen=True, slots=True)
class PathSettings:
    """Where wabot keeps what it must not lose."""

    state: Path = setting(
        path(),
        Path(),
        "sessions and the SQLite database; default $STATE_DIRECTORY, else ~/.local/state/wabot",
    )


@dataclass(frozen=True, slots=True)
class TableSettings:
    """What the tables of an existing application are called, in just these letters."""

    users: str = setting(_TABLE, "users", "the application's users; only read")
    connections: str = setting(
        _TABLE, "whatsapp_connections", "where the application's dashboard looks for the state of each number"
    )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where wabot stores."""

    url: str = setting(
        text(longest=2000),
        "",
        "sqlite:///PATH or postgresql://…, also credential:NAME, env:NAME or file:PATH; "
        "default wabot.db in the state directory",
        secret=True,
    )
    qr_format: str = setting(
        choice("raw", "data-url"), "raw", 'how a pairing code is written for a dashboard; "data-url" is a PNG'
    )
    tables: TableSettings = field(default_factory=TableSettings)
