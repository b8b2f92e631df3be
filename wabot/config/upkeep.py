"""Settings of what looks after the bot: the janitor and the alerts."""

from __future__ import annotations

from dataclasses import dataclass

from wabot.config.setting_types import (
    choice,
    duration,
    email_address,
    email_addresses,
    integer,
    setting,
    text,
)


@dataclass(frozen=True, slots=True)
class JanitorSettings:
    """What the janitor takes for old."""

    disconnected_after: float = setting(
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
    offline_after: float = setting(
        duration(10, 86_400), 600.0, "how long WhatsApp may be out of reach before that is worth an alert"
    )
    model_down_after: float = setting(
        duration(10, 86_400), 300.0, "how long no model may answer before that is worth an alert"
    )
