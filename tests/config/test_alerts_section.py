from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.owners_alerts import configured
from wabot.errors import ConfigError


def test_secrets_are_looked_up(tmp_path: Path) -> None:
    settings = configured(
        tmp_path,
        'webhook_url = "env:HOOK"\nwebhook_secret = "env:SIGN"\n'
        'smtp_url = "env:MAIL"\nto = ["a@example.com"]',
        {"HOOK": "https://example.com/hook", "SIGN": "s3cret", "MAIL": "smtps://u:p@mail.example.com"},
    ).alerts
    assert settings.webhook_url == "https://example.com/hook"
    assert settings.webhook_secret == "s3cret"
    assert settings.smtp_url == "smtps://u:p@mail.example.com"
    for secret in ("s3cret", "hook", "u:p"):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('webhook_url = "ftp://example.com"', "alerts.webhook_url = ***"),
        ('webhook_url = "env:BAD"', "alerts.webhook_url = ***"),
        ('webhook_secret = "env:ODD"', "alerts.webhook_secret = ***: after whsec_ allowed is base64"),
        ('webhook_secret = "env:CUT"', "alerts.webhook_secret = ***: after whsec_ allowed is base64"),
        ('webhook_secret = "env:SHORT"', "allowed is base64 of 24 to 64 bytes"),
        ('webhook_secret = "env:LONG"', "allowed is base64 of 24 to 64 bytes"),
        ('webhook_secret = "env:BARE"', "alerts.webhook_secret = ***: after whsec_ allowed is base64"),
        ('webhook_url = "env:NONE"', "NONE is not set"),
        ('webhook_secret = "in the open"', "alerts.webhook_secret = ***"),
        ('smtp_url = "smtps://mail.example.com"', "alerts.to = []"),
        ('smtp_url = "smtps://mail.example.com:99999"\nto = ["a@example.com"]', "alerts.smtp_url = ***"),
        ('to = ["a@example.com"]', "alerts.smtp_url is missing"),
        ('smtp_url = "smtp://localhost"\nto = ["a@example.com\\nBcc: b@example.com"]', "alerts.to"),
        ('smtp_url = "smtp://localhost"\nto = ["Ana <a@example.com>"]', "alerts.to"),
        ('sender = "a"', "alerts.sender"),
        ("offline_after = 1", "alerts.offline_after"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, lines: str, problem: str) -> None:
    environ = {"BAD": "no address", "ODD": "whsec_a2tr!", "CUT": "whsec_notbase64", "BARE": "whsec_"}
    environ |= {"SHORT": "whsec_MfKQ", "LONG": "whsec_" + "MfKQ" * 22}
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, lines, environ)
    assert problem in str(caught.value)
