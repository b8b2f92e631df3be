"""What other users of the machine could read is closed at the start, or the start is refused."""

from __future__ import annotations

import logging
import os
import pwd
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from tests.support.session_directories import make_session
from wabot.clock import utc_now
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.doctor.examination import examine
from wabot.session.ownership import hold_session
from wabot.session.private_files import keep_private, open_files


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that everybody can enter: not so those of pytest."""
    before = os.umask(0o077)
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)
    os.umask(before)


def configure(home: Path) -> Settings:
    """A bot that ran, with a key in a file and variables beside its configuration."""
    file = home / "shop.toml"
    file.write_text(
        f'[paths]\nstate = "{home}/state"\n[[ai.providers]]\nbase_url = "http://localhost:1/v1"\n'
        f'model = "m"\napi_key = "file:{home}/key"\n'
    )
    (home / "key").write_text("sk-1")
    (home / "shop.env").write_text("KEY=sk-2")
    make_session(home / "state" / "sessions", "default", linked=True, used_at=utc_now())
    for path in (home / "state", home / "state" / "sessions"):
        path.chmod(0o700)
    return load_settings(file, {})


@pytest.mark.parametrize(
    ("name", "mode", "closed"),
    [
        ("state", 0o755, 0o700),
        ("state/sessions", 0o711, 0o700),
        ("state/sessions/default", 0o750, 0o700),
        ("state/sessions/default/whatsapp.db", 0o644, 0o600),
        ("state/wabot.db", 0o640, 0o600),
        ("shop.env", 0o644, 0o640),
        ("key", 0o604, 0o600),
    ],
)
def test_what_is_open_is_closed_and_that_is_said(
    home: Path, name: str, mode: int, closed: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings = configure(home)
    (home / "state" / "wabot.db").touch()
    assert open_files(settings) == []
    (home / name).chmod(mode)
    (ill,) = [
        found
        for found in examine(home / "shop.toml", {}, utc_now(), online=False)
        if found.name == "permissions"
    ]
    assert str(home / name) in ill.text and ill.cure == f"sudo chmod {closed:o} {home / name}"
    # The doctor looked into the database, which closes it.
    (home / name).chmod(mode)
    with caplog.at_level(logging.WARNING):
        keep_private(settings)
    assert stat.S_IMODE((home / name).stat().st_mode) == closed
    assert f"{home / name} can be read by others" in caplog.text
    caplog.clear()
    keep_private(settings)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("line", "is_secret"),
    [
        ('[database]\nurl = "postgresql://a:hush@127.0.0.1/x"', True),
        ('[alerts]\nsmtp_url = "smtps://me:hush@mail.example.com"', True),
        ('[connection]\nproxy = "http://me:hush@proxy:3128"', True),
        ('[database]\nurl = "postgresql://a@127.0.0.1/x"', False),
        ('# url = "postgresql://a:hush@127.0.0.1/x"', False),
        ('[alerts]\nsmtp_url = "env:MAIL"', False),
    ],
)
def test_a_password_in_the_configuration(home: Path, line: str, is_secret: bool) -> None:
    settings = configure(home)
    file = home / "shop.toml"
    with file.open("a") as text:
        text.write(line)
    file.chmod(0o644)
    assert [found.path for found in open_files(settings)] == [file] * is_secret
    home.chmod(0o700)
    assert open_files(settings) == [], "nobody gets as far as the file"


def test_it_is_looked_at_before_anything_is_written(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = configure(home)
    (home / "state").chmod(0o777)
    with hold_session(settings):
        assert stat.S_IMODE((home / "state").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of somebody else's")
def test_a_secret_that_is_not_ours_to_close_is_refused(home: Path) -> None:
    settings = configure(home)
    nobody = pwd.getpwnam("nobody")
    for path in (home, home / "state", *(home / "state").rglob("*"), home / "shop.toml"):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    (home / "key").chmod(0o604)
    # Root's key, and a process that is not root.
    refused = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(home / "shop.toml")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert settings.source == str(home / "shop.toml")
    assert refused.stdout == (
        f"{home}/key can be read by others (-rw----r--), and it holds secrets: sudo chmod 600 {home}/key\n"
    ), refused.stderr
    assert not (home / "state" / "wabot.db").exists()


_AS_NOBODY = """
import os, pathlib, pwd, sys
from wabot.config.load import load_settings
from wabot.errors import OperatorNeeded
from wabot.session.ownership import hold_session
settings = load_settings(pathlib.Path(sys.argv[1]), {})
os.setgroups([])
os.setgid(pwd.getpwnam("nobody").pw_gid)
os.setuid(pwd.getpwnam("nobody").pw_uid)
try:
    with hold_session(settings):
        print("started")
except OperatorNeeded as error:
    print(error)
"""
