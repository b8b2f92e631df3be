from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support import REPOSITORY
from tests.support.arrivals import arrival
from wabot.cli.parser import main
from wabot.clock import configure_zone, local_now, local_text
from wabot.conversation.inbox import Inbox
from wabot.database.engine import migrate, open_database
from wabot.database.models import Session

NOON = datetime(2026, 11, 22, 12)


@pytest.fixture(autouse=True)
def machines_zone() -> Iterator[None]:
    yield
    configure_zone(None)


def test_a_time_is_shown_as_the_phone_shows_it() -> None:
    configure_zone(ZoneInfo("Asia/Kathmandu"))
    assert local_text(NOON) == local_text(NOON.replace(tzinfo=UTC)) == "2026-11-22 17:45 +0545"
    assert local_text(NOON, "%H:%M:%S") == "17:45:00 +0545"
    assert str(local_now().utcoffset()) == "5:45:00"


def test_people_read_the_accounts_time_and_programs_utc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shop.toml"
    account = '[account]\nuser_id = "shop"\ntimezone = "Asia/Kathmandu"\n'
    file.write_text(f'{account}[paths]\nstate = "{tmp_path / "state"}"\n')
    opened = open_database(f"sqlite:///{tmp_path / 'state' / 'wabot.db'}")
    migrate(opened)
    Inbox("shop").store(arrival(), NOON)
    Session.create(user_id="shop", state="logged_out", last_inbound_at=NOON, since=NOON, updated_at=NOON)
    opened.close()
    assert main(["pause", "+34600111222", "--for", "2h", "--config", str(file)]) == 0
    assert main(["pause", "--config", str(file)]) == 0
    assert len(re.findall(r"paused until \S+ \S+ \+0545", capsys.readouterr().out)) == 2
    main(["status", "--config", str(file)])
    shown = capsys.readouterr().out
    assert "last message: 2026-11-22 17:45:00 +0545" in shown
    assert "UTC" not in shown
    main(["status", "--json", "--config", str(file)])
    assert json.loads(capsys.readouterr().out)["sessions"][0]["last_inbound_at"] == "2026-11-22T12:00:00Z"


def test_no_text_for_people_says_utc() -> None:
    for path in (REPOSITORY / "wabot").rglob("*.py"):
        assert not re.search(r"%[MS]\}? UTC|\" UTC\"", path.read_text()), path
