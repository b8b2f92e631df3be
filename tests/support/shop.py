"""A shop that answers, without threads: reception, worker and outbox; its brain says what it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.support.arrivals import arrival
from tests.support.threads import Wakes
from wabot.answers.worker import make_workers
from wabot.brain.brain import Answer
from wabot.brain.conversation import Conversation
from wabot.brain.settings import ProviderSettings
from wabot.brain.texts import texts_for
from wabot.clock import utc_now
from wabot.config.settings import AccountSettings, AiSettings, ChatSettings, ReplySettings, Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import text_of
from wabot.conversation.schedule import ChatSchedule
from wabot.database.models import Inbound, Outbound
from wabot.inbound.reception import reception_of
from wabot.outbound.chat_presence import ChatPresence
from wabot.system.threads import Pulse
from wabot.whatsapp.messages import IncomingMessage

SPANISH, ENGLISH = texts_for("es"), texts_for("en")
SORRY = Answer((SPANISH.cannot_answer,), "polite")
PROVIDER = ProviderSettings("test", "http://127.0.0.1:9/v1", "model")
_NOON = arrival().sent_at


class Model:
    """Stands in for the brain: answers as told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[], Answer]] = []
        self.asked: list[Conversation] = []

    def reply(self, conversation: Conversation, now: datetime) -> Answer:
        assert now.tzinfo is not None
        self.asked.append(conversation)
        answer = self.answers.pop(0) if self.answers else Answer(("Claro.",), "model:test")
        return answer() if callable(answer) else answer

    @property
    def heard(self) -> list[str]:
        """What it was to answer the last time."""
        return [turn.text for turn in self.asked[-1].unanswered]


class Shop:
    """Reception, worker and outbox of one account, without threads."""

    def __init__(
        self, *, models: bool = True, typing: bool = False, disclosure: bool = False, **chats: Any
    ) -> None:
        self.settings = Settings(
            account=AccountSettings(user_id="shop", timezone="UTC"),
            ai=AiSettings(providers=(PROVIDER,) if models else (), disclosure=disclosure),
            chats=ChatSettings(**chats),
            replies=ReplySettings(typing=typing),
        )
        self.model = Model()
        self.wakes = Wakes()
        self.inbox, self.outbox = Inbox("shop"), Outbox("shop", self.wakes)
        self.schedule = ChatSchedule(0)
        self.presence = ChatPresence(threading.Event())
        self.presence.link_up()
        self.shown: list[tuple[str, Any]] = []
        self.reception = reception_of(self.settings, self.inbox, self.outbox, presence=self.presence)
        brain: Any = self.model
        (self.worker,) = make_workers(
            self.settings,
            self.inbox,
            self.outbox,
            self.schedule,
            brain,
            self.presence,
            [Pulse()],
        )

    def hear(self, *messages: IncomingMessage | str) -> int:
        """Messages arrive now."""
        for message in messages:
            if isinstance(message, str):
                message = arrival(message)
            self.reception.receive(replace(message, sent_at=message.sent_at + (utc_now() - _NOON)), utc_now())
        return int(Inbound.select().order_by(Inbound.id.desc()).first().chat_id)

    def answer(self, *messages: IncomingMessage | str) -> list[str]:
        """Messages arrive and their chat is answered; what there is to send then."""
        self.worker.answer(self.hear(*messages))
        return [
            text_of(row) for row in Outbound.select().where(Outbound.state == "pending").order_by(Outbound.id)
        ]

    def announce(self, available: bool) -> bool:
        return True

    def show(self) -> list[tuple[str, Any]]:
        """What customers see now, since the last look."""
        self.shown.clear()
        self.presence.show(self, time.monotonic(), Pulse())
        return list(self.shown)

    def leave(self) -> None:
        """What is to be sent leaves."""
        for row in Outbound.select().where(Outbound.state == "pending"):
            self.presence.message_sent(row.chat.jid, time.monotonic())

    def show_typing(self, jid: str, typing: bool) -> None:
        self.shown.append(("typing" if typing else "paused", jid))

    def mark_read(self, jid: str, sender: str, message_ids: list[str]) -> None:
        self.shown.append(("read", (jid, sender, len(message_ids))))


def states() -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in Inbound.select().order_by(Inbound.id)]
