"""Received files that nobody is to read any more go; those that somebody waits for stay."""

from __future__ import annotations

import os
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from tests.support.arrivals import arrival
from tests.support.existing_schema import add_user
from tests.support.janitor_runs import NOW, run
from tests.support.session_directories import make_session
from wabot.config.settings import Settings
from wabot.conversation.inbox import Inbox
from wabot.database.models import Inbound, ReceivedFile
from wabot.janitor.sweep import ActionKind
from wabot.whatsapp.messages import MessageKind

HOURS_OLD = (NOW - timedelta(hours=2)).replace(tzinfo=UTC).timestamp()


def lay(path: Path, at: float = HOURS_OLD) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"spoken")
    os.utime(path, (at, at))
    return path


def came(state: str) -> int:
    message = arrival("", kind=MessageKind.AUDIO)
    Inbox("ana").store(message, NOW)
    row = Inbound.get(Inbound.message_id == message.message_id)
    made = ReceivedFile.create(user_id="ana", message=row, kind="audio", state=state, not_before=NOW)
    return int(made.id)


def test_what_no_message_waits_for_goes(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    media = make_session(settings.sessions, "ana", linked=True, used_at=NOW) / "media"
    wanted = [lay(media / str(came(state))) for state in ("pending", "fetched")]
    fresh = lay(media / "901", NOW.replace(tzinfo=UTC).timestamp())
    left = [lay(media / str(came("understood"))), lay(media / "900"), lay(media / "900.part")]
    aside = settings.quarantine / "bea-20261101" / "session" / "media"
    aside.parent.mkdir(parents=True)
    left.append(lay(aside / "1"))
    told = [str(action) for action in run(settings, application, apply=False)[1]]
    assert f"would delete 3 received files in {media} of user ana: no message waits for it" in told
    assert all(path.exists() for path in left)
    done = [action for action in run(settings, application)[1] if action.kind is ActionKind.FILES_DELETED]
    assert [action.target for action in done] == [
        f"3 received files in {media}",
        f"1 received file in {aside}",
    ]
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in (*wanted, fresh))


def test_a_files_row_goes_with_its_message(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    came("understood")
    Inbound.update(received_at=NOW - timedelta(days=91), state="answered").execute()
    run(settings, application)
    assert not ReceivedFile.select().exists()
