"""A reception at work, with what it told others."""

from __future__ import annotations

from typing import Any

from tests.support.arrivals import NOON, arrival
from tests.support.neonize_events import e2e
from tests.support.threads import Wakes
from wabot.config.settings import AccountSettings, ChatSettings, MediaSettings, Settings
from wabot.conversation.files.incoming_files import IncomingFiles
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.owner_chat import text_of
from wabot.database.models import Inbound, Outbound
from wabot.inbound.reception import reception_of
from wabot.whatsapp.messages import IncomingMessage
from wabot.whatsapp.reading.translation import edited_text
from wabot.whatsapp.store import Account, Device

OWNER_LID = "299999888777@lid"
OWNER = "34999888777@s.whatsapp.net"


class Desk:
    """A reception with what it told others."""

    def __init__(self, **chats: Any) -> None:
        self.wakes = Wakes()
        self.inbox, self.outbox = Inbox("shop"), Outbox("shop", self.wakes)
        self.files = ReceivedFiles("shop")
        self.hushed: list[str] = []
        settings = Settings(
            account=AccountSettings(user_id="shop", timezone="UTC"), chats=ChatSettings(**chats)
        )
        self.reception = reception_of(
            settings,
            self.inbox,
            self.outbox,
            Account(Device(OWNER, OWNER_LID)),
            self,
            self,
            IncomingFiles(self.files, MediaSettings(), hears=True),
        )

    def answer_withdrawn(self, jid: str) -> None:
        self.hushed.append(jid)

    def read_edit(self, plaintext: bytes) -> str:
        return edited_text(e2e.Message.FromString(plaintext))

    def take(self, *messages: IncomingMessage, now: Any = NOON) -> int | None:
        """Take messages in; what came of the last one."""
        chat_id = None
        for message in messages:
            chat_id = self.reception.receive(message, now)
        return chat_id

    def answer(self, *parts: str, at: Any = NOON) -> None:
        """Compose an answer to everything that is open."""
        for waiting in self.inbox.waiting():
            rows = self.inbox.pending(waiting.chat_id)
            assert self.outbox.put(waiting.chat_id, [Part(part, at) for part in parts], "model:x", rows, NOON)


def owners(text: str, **changes: Any) -> IncomingMessage:
    return arrival(text, from_me=True, sender=OWNER, name="The shop", **changes)


def rows() -> list[tuple[str, str, str]]:
    return [(row.text, row.state, row.reason) for row in Inbound.select().order_by(Inbound.id)]


def replies() -> list[tuple[str, str]]:
    return [(text_of(row), row.state) for row in Outbound.select().order_by(Outbound.id)]
