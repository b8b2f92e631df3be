"""A conversation in the terminal: the very gate, brain and texts of the service, on a database of its own."""

from __future__ import annotations

import dataclasses
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wabot.answers.worker import make_workers
from wabot.brain.brain import Answer, Brain
from wabot.brain.conversation import Conversation
from wabot.brain.knowledge.index import Passage
from wabot.clock import utc_now
from wabot.config.phone_numbers import ChatAddress
from wabot.config.settings import Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.schedule import ChatSchedule
from wabot.conversation.send_queue import SendQueue
from wabot.database.engine import migrate, open_database
from wabot.database.models import Inbound, Session
from wabot.inbound.reception import reception_of
from wabot.outbound.chat_presence import ChatPresence
from wabot.system.threads import Pulse
from wabot.whatsapp.messages import IncomingMessage, MessageKind

_KEPT = "no model answers; the question is kept for when one does"
_OWN_PHONE = "10000000000"
_ACCOUNT = f"{_OWN_PHONE}@s.whatsapp.net"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of one message.

    Attributes:
        parts: what the customer would read.
        to_owner: what the owner would read, in the chat with themselves.
        outcome: why there is nothing, or who answered.
        passages: what of the knowledge base was used, best first.
    """

    parts: tuple[str, ...]
    to_owner: tuple[str, ...]
    outcome: str
    passages: tuple[Passage, ...]


class TerminalChat:
    """One customer, who may also be the owner: a line that begins with "!" is written from the phone.

    Args:
        settings: the configuration.
        customer: who writes.
    """

    def __init__(self, settings: Settings, customer: ChatAddress) -> None:
        settings = dataclasses.replace(
            settings, replies=dataclasses.replace(settings.replies, typing=False, debounce_seconds=0)
        )
        user_id = settings.account.user_id
        self._customer = customer
        # What the owner is told goes to the account's own chat.
        Session.insert(user_id=user_id, phone=_OWN_PHONE, updated_at=utc_now()).execute()
        self._brain = _ListeningBrain(Brain(settings.brain))
        inbox, outbox = Inbox(user_id), Outbox(user_id)
        self._queue = SendQueue(user_id)
        self._reception = reception_of(settings, inbox, outbox)
        (self._worker,) = make_workers(
            settings,
            inbox,
            outbox,
            ChatSchedule(0),
            self._brain,
            ChatPresence(self._queue.wakeup),
            [Pulse()],
        )

    def say(self, text: str) -> Exchange:
        """Write one message and read what comes of it."""
        from_me = text.startswith("!")
        self._brain.answer = None
        chat_id = self._reception.receive(self._message(text.removeprefix("!"), from_me), utc_now())
        if chat_id is not None:
            self._worker.answer(chat_id)
        row = Inbound.select().order_by(Inbound.id.desc()).get()
        answer = self._brain.answer
        outcome = row.reason or _KEPT
        return Exchange(*self._read(), outcome, answer.passages if answer else ())

    def _read(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Deliver what there is to send, to the customer and to the owner."""
        parts: list[str] = []
        to_owner: list[str] = []
        while (row := self._queue.next(datetime.max)[0]) is not None:
            if self._queue.begin(row, utc_now()):
                self._queue.mark_sent(row, secrets.token_hex(8), utc_now())
                (parts if row.chat.jid == self._customer.jid else to_owner).append(row.text)
        return tuple(parts), tuple(to_owner)

    def _message(self, text: str, from_me: bool) -> IncomingMessage:
        return IncomingMessage(
            chat=self._customer.jid,
            message_id=secrets.token_hex(8),
            sender=_ACCOUNT if from_me else self._customer.jid,
            phone=self._customer.phone,
            lid=self._customer.lid,
            from_me=from_me,
            kind=MessageKind.TEXT,
            text=text,
            sent_at=utc_now(),
        )


class _ListeningBrain:
    """Keeps the last answer, for what it was made of."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain
        self.answer: Answer | None = None

    def reply(self, conversation: Conversation, now: datetime) -> Answer:
        """Answer, and remember it."""
        self.answer = self._brain.reply(conversation, now)
        return self.answer


@contextmanager
def terminal_chat(settings: Settings, customer: ChatAddress) -> Iterator[TerminalChat]:
    """Open a conversation that leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="wabot-chat-") as directory:
        database = open_database(f"sqlite:///{Path(directory) / 'chat.db'}")
        migrate(database)
        try:
            yield TerminalChat(settings, customer)
        finally:
            database.close()
