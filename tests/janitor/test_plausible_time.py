from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.existing_schema import add_row, add_user, rows
from tests.support.janitor_runs import NOW, OLD, PHANTOM, run
from tests.support.session_directories import make_session, tree
from wabot.config.settings import Settings
from wabot.database.models import Chat, Inbound, Session
from wabot.errors import OperatorNeeded
from wabot.janitor.run import clean


def test_by_a_clock_that_is_far_ahead_nothing_is_cleaned(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    add_user(application, "gone")
    add_row(application, "gone", OLD, status="DISCONNECTED")
    make_session(settings.sessions, PHANTOM, linked=True, used_at=NOW)
    chat = Chat.create(user_id="ana", contact="1@lid", jid="1@lid", created_at=NOW)
    store = {
        "user_id": "ana",
        "chat": chat,
        "jid": "1@lid",
        "sender": "1@lid",
        "kind": "text",
        "text": "hola",
    }
    Inbound.create(**store, message_id="A", sent_at=NOW, received_at=NOW, state="answered")
    # What was stored by such a clock says nothing.
    ahead = NOW + timedelta(days=400)
    Session.create(user_id="ana", updated_at=ahead)
    lost = {**store, "kind": "lost"}
    Inbound.create(**lost, message_id="B", sent_at=ahead, received_at=ahead, state="answered")
    before, files = rows(application), tree(settings.paths.state)
    for apply in (True, False, True):
        with pytest.raises(OperatorNeeded, match=r"400 days after all that is known .* --clock-is-right"):
            run(settings, application, now=ahead, apply=apply)
    assert rows(application) == before
    assert tree(settings.paths.state) == files
    assert Inbound.select().count() == 2
    _, did = run(settings, application, now=NOW + timedelta(days=29))
    assert did
    # A quiet shop: each run vouches for the next.
    run(settings, application, now=NOW + timedelta(days=58))
    with pytest.raises(OperatorNeeded):
        run(settings, application, now=NOW + timedelta(days=89))
    clean(settings, {}, application, ahead, apply=True, tell=lambda _: None, clock_is_right=True)
    run(settings, application, now=ahead + timedelta(hours=1))
    assert Inbound.select().count() == 1
