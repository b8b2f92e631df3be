from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.arrivals import ANA_LID, GROUP, NOON, arrival, later
from tests.support.known_people import EVA
from wabot.config.settings import AccountSettings, PathSettings, Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox, Part


@pytest.fixture
def settings(database: Any, tmp_path: Path) -> Settings:
    return Settings(account=AccountSettings(user_id="shop"), paths=PathSettings(state=tmp_path / "state"))


@pytest.fixture
def people(settings: Settings) -> Inbox:
    """Ana, under both addresses, in her chat and in a group; Eva beside her; and a second account."""
    inbox, outbox = Inbox("shop"), Outbox("shop")
    for message in (
        arrival("my secret", phone="34600111222", lid="299000111222"),
        arrival("hidden", chat=ANA_LID, phone="34600111222", lid="299000111222", sender=ANA_LID),
        arrival("Eva's", chat=EVA, phone="34911222333", name="Eva"),
        arrival("Ana in the group", chat=GROUP, phone="", sender=ANA_LID),
        arrival("Eva in the group", chat=GROUP, phone="", sender=EVA),
    ):
        inbox.store(message, NOON)
    for waiting in inbox.waiting():
        rows = inbox.pending(waiting.chat_id)
        outbox.put(waiting.chat_id, [Part("answer", later(9))], "model:x", rows, later(9))
    Inbox("salon").store(arrival("to the salon"), NOON)
    return inbox
