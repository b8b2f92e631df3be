"""Makes the addresses of the alerts ready for use: looks secrets up and checks what came of it."""

from __future__ import annotations

import base64
import dataclasses
import re
from urllib.parse import urlsplit

from wabot.config.credentials import Secrets
from wabot.config.settings import AlertSettings
from wabot.system.masking import redact

BASE64_FOLLOWS = "whsec_"
"""How a secret begins that is written as the Standard Webhooks specification says: then 24 to 64 bytes."""

_REFERENCE = re.compile(r"(credential|env|file):")


def resolve_alerts(settings: AlertSettings, secrets: Secrets, problems: list[str]) -> AlertSettings:
    """The settings with the secrets themselves in the place of the references.

    Args:
        settings: as they stand in the configuration.
        secrets: where those are.
        problems: gets a line for each problem.
    """
    found = {
        name: _resolve(name, getattr(settings, name), secrets, problems)
        for name in ("webhook_url", "webhook_secret", "smtp_url")
    }
    if found["webhook_url"] and not _is_address(found["webhook_url"], "http", "https"):
        problems.append("alerts.webhook_url = ***: allowed is an http or https address")
        found["webhook_url"] = ""
    if not _is_signing_secret(found["webhook_secret"]):
        problems.append(
            f"alerts.webhook_secret = ***: after {BASE64_FOLLOWS} allowed is base64 of 24 to 64 bytes, "
            "as the receiver gave it"
        )
        found["webhook_secret"] = ""
    if found["smtp_url"] and not _is_address(found["smtp_url"], "smtp", "smtps"):
        problems.append("alerts.smtp_url = ***: allowed is smtps://… or smtp://USER:PASSWORD@HOST:PORT")
        found["smtp_url"] = ""
    if settings.smtp_url and not settings.to:
        problems.append("alerts.to = []: smtp_url is set; name who gets the e-mails")
    if settings.to and not settings.smtp_url:
        problems.append("alerts.smtp_url is missing: `to` names who gets e-mails; name the mail server")
    # The path of such an address is often the only secret that there is.
    redact(found["webhook_url"])
    return dataclasses.replace(
        settings,
        webhook_url=found["webhook_url"],
        webhook_secret=found["webhook_secret"],
        smtp_url=found["smtp_url"],
    )


def _resolve(name: str, value: str, secrets: Secrets, problems: list[str]) -> str:
    if not _REFERENCE.match(value):
        return value
    return secrets.resolve(f"alerts.{name}", value, problems)


def _is_address(value: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            value.isprintable()
            and " " not in value
            and parts.scheme in schemes
            and bool(parts.hostname)
            and parts.port != 0
        )
    except ValueError:
        return False


def _is_signing_secret(value: str) -> bool:
    if not value.startswith(BASE64_FOLLOWS):
        return True
    try:
        return 24 <= len(base64.b64decode(value.removeprefix(BASE64_FOLLOWS), validate=True)) <= 64
    except ValueError:
        return False
