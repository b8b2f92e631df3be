"""Settings of the account, its state, the database, the janitor, alerts, the link and the metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from wabot.clock import utc_now
from wabot.config.setting_types import (
    SettingType,
    choice,
    duration,
    email_address,
    email_addresses,
    integer,
    path,
    setting,
    text,
    time_zone,
)

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


@dataclass(frozen=True, slots=True)
class JanitorSettings:
    """What the janitor takes for old."""

    disconnected_after_seconds: float = setting(
        duration(0, 31_536_000), 86_400.0, "rows and sessions without a link are removed when older"
    )
    quarantine_days: int = setting(
        integer(1, 3650), 30, "how long a session directory that was moved aside is kept"
    )
    history_days: int = setting(integer(1, 36_500), 90, "how long messages are kept")
    other_users: str = setting(
        choice("correct", "leave"),
        "correct",
        "rows of users that never had a session on this machine, and whom another bot may serve: correct and "
        "delete them when they are older than disconnected_after, or leave them alone",
    )


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How the owner learns that something is wrong."""

    webhook_url: str = setting(
        text(
            longest=2000,
            pattern=r"((https?://|credential:|env:|file:)\S+)?",
            allowed="an http or https address, or credential:NAME, env:NAME or file:PATH",
        ),
        "",
        "web address that gets each alert as JSON",
        secret=True,
    )
    webhook_secret: str = setting(
        text(
            longest=2000,
            pattern=r"((credential:|env:|file:)\S+)?",
            allowed="credential:NAME, env:NAME or file:PATH",
        ),
        "",
        "signs what the web address gets, as the Standard Webhooks specification says",
        secret=True,
    )
    smtp_url: str = setting(
        text(
            longest=2000,
            pattern=r"((smtps?://|credential:|env:|file:)\S+)?",
            allowed="smtps://… or smtp://USER:PASSWORD@HOST:PORT, or credential:NAME, env:NAME or file:PATH",
        ),
        "",
        "mail server; smtp:// demands STARTTLS",
        secret=True,
    )
    sender: str = setting(
        email_address(), "", "where e-mails come from; default the user of smtp_url, else the first of to"
    )
    to: tuple[str, ...] = setting(email_addresses(), (), "who gets the e-mails")
    offline_after_seconds: float = setting(
        duration(10, 86_400), 600.0, "how long WhatsApp may be out of reach before that is worth an alert"
    )
    model_down_after_seconds: float = setting(
        duration(10, 86_400), 300.0, "how long no model may answer before that is worth an alert"
    )


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How patient the link is."""

    connect_timeout_seconds: float = setting(
        duration(1, 600), 60.0, "from any dial to connected; past it a fresh dial, past a second one exit 75"
    )
    pairing_timeout_seconds: float = setting(duration(5, 160), 160.0, "how long the QR waits to be scanned")
    reconnect_timeout_seconds: float = setting(
        duration(5, 3600), 360.0, "how long WhatsApp's own redialling is waited for before a fresh dial"
    )
    send_timeout_seconds: float = setting(
        duration(1, 600),
        90.0,
        "how long one send may take; past it the link is dialled afresh, which frees the send",
    )
    refusal_pause_seconds: float = setting(
        duration(0.1, 7200),
        300.0,
        "pause after a refused login; the second is 3 times, the third and last 12 times as long",
    )
    max_unstable_cycles: int = setting(
        integer(0, 100_000),
        3,
        "connections in a row that fall within a minute before the link rests; 0 = never",
    )
    on_unstable: str = setting(
        choice("cooldown", "stop"), "cooldown", "rest and try again, or end with exit 77"
    )
    cooldown_seconds: float = setting(
        duration(1, 7200),
        900.0,
        "the first rest, up to half of it less by chance; it doubles up to two hours",
    )
    keepalive_interval_seconds: float = setting(
        duration(1, 600), 30.0, "how often the client library is asked for a sign of life"
    )
    presence: str = setting(
        choice("unavailable", "available"), "unavailable", '"available" mutes the owner\'s phone'
    )
    proxy: str = setting(
        text(pattern=r"((https?|socks5)://\S+)?", allowed="an http, https or socks5 address"),
        "",
        "proxy for the link to WhatsApp, and for files, which go through no socks5",
        secret=True,
    )


_NAME = text(longest=4000, pattern=r"(/(.*/)?[^/]+\.prom)?")


def _read(value: Any) -> Path | None:
    name: str = _NAME.read(value)
    return Path(name) if name else None


_FILE = SettingType(
    "an absolute path that ends in .prom, the only files node_exporter reads",
    _read,
    lambda value: json.dumps(str(value)),
)


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Figures for Prometheus, in a file that node_exporter reads."""

    file: Path | None = setting(
        _FILE,
        None,
        "written every 15 s, readable by everybody; in the service best "
        "/run/wabot-metrics/wabot.prom; empty = none",
    )
