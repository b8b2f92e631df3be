"""A conversation in the terminal: all that answers in the service, on a database of its own.

Files are sent as "/voice FILE" and "/picture FILE CAPTION", and taken from this machine instead of the hosts.
"""

from __future__ import annotations

import dataclasses
import mimetypes
import secrets
import shlex
import shutil
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wabot.answers.worker import make_workers
from wabot.brain.brain import Answer, Brain
from wabot.brain.conversation import Conversation
from wabot.brain.knowledge.index import Passage
from wabot.brain.providers.budget import NoBudget
from wabot.brain.providers.counts import CallCounts
from wabot.clock import utc_now
from wabot.config.phone_numbers import ChatAddress
from wabot.config.settings import PathSettings, Settings
from wabot.conversation.files.file_words import sent_in_words
from wabot.conversation.files.incoming_files import IncomingFiles
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.schedule import ChatSchedule
from wabot.conversation.send_queue import SendQueue
from wabot.database.engine import migrate, open_database
from wabot.database.models import Inbound, ReceivedFile, Session
from wabot.errors import UsageError
from wabot.inbound.reception import reception_of
from wabot.media.directory import MediaDirectory
from wabot.media.workers import make_media_workers, readers_of
from wabot.outbound.chat_presence import ChatPresence
from wabot.system.threads import Pulse
from wabot.whatsapp.messages import Attachment, IncomingMessage, MessageKind

_KEPT = "no model answers; the question is kept for when one does"
_SHOWN_CHARACTERS = 300
_OWN_PHONE = "10000000000"
_SENT_BY = {"/voice": MessageKind.AUDIO, "/picture": MessageKind.IMAGE, "/file": MessageKind.DOCUMENT}
_ACCOUNT = f"{_OWN_PHONE}@s.whatsapp.net"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of one message.

    Attributes:
        parts: what the customer would read.
        to_owner: what the owner would read, in the chat with themselves.
        outcome: why there is nothing, or who answered.
        heard: what was understood of a file that was sent.
        passages: what of the knowledge base was used, best first.
    """

    parts: tuple[str, ...]
    to_owner: tuple[str, ...]
    outcome: str
    heard: str
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
        self._files = files = ReceivedFiles(user_id)
        self._queue = SendQueue(user_id)
        self._reception = reception_of(settings, inbox, outbox, files=IncomingFiles.of(files, settings))
        self._disk = _Disk(MediaDirectory(settings.media_directory))
        readers = readers_of(settings, NoBudget(), CallCounts())
        (self._reader,) = make_media_workers(
            settings, files, self._reception, ChatSchedule(0), readers, [Pulse()], self._disk
        )
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
        """Write one message, or send a file, and read what comes of it.

        Raises:
            UsageError: there is no such file.
        """
        from_me = text.startswith("!")
        self._brain.answer = None
        message = self._message(text.removeprefix("!"), from_me)
        chat_id = self._reception.receive(message, utc_now())
        while self._files.has_waiting():
            # It is tried again, as by the service.
            time.sleep(self._reader.work() or 0.0)
        if chat_id is not None:
            self._worker.answer(chat_id)
        row = Inbound.select().order_by(Inbound.id.desc()).get()
        file = row.files.first()
        answer = self._brain.answer
        return Exchange(
            *self._read(),
            row.reason or _KEPT,
            _shown(file) if file is not None else "",
            answer.passages if answer else (),
        )

    def _read(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Deliver what there is to send, to the customer and to the owner."""
        parts: list[str] = []
        to_owner: list[str] = []
        while (row := self._queue.next(datetime.max)[0]) is not None:
            if self._queue.begin(row, utc_now()):
                self._queue.mark_sent(row, secrets.token_hex(8), utc_now())
                (parts if row.chat.jid == self._customer.jid else to_owner).append(
                    sent_in_words(row.kind, row.text, row.file)
                )
        return tuple(parts), tuple(to_owner)

    def _message(self, text: str, from_me: bool) -> IncomingMessage:
        kind, attachment = MessageKind.TEXT, None
        command, _blank, rest = text.partition(" ")
        if command in _SENT_BY:
            kind = _SENT_BY[command]
            attachment, text = self._disk.attach(kind, rest)
        return IncomingMessage(
            chat=self._customer.jid,
            message_id=secrets.token_hex(8),
            sender=_ACCOUNT if from_me else self._customer.jid,
            phone=self._customer.phone,
            lid=self._customer.lid,
            from_me=from_me,
            kind=kind,
            text=text,
            sent_at=utc_now(),
            attachment=attachment,
        )


def _shown(file: ReceivedFile) -> str:
    return textwrap.shorten(f"{file.state}: {file.text or file.reason}", _SHOWN_CHARACTERS, placeholder="…")


class _Disk:
    """Takes files from this machine, where the service takes them from WhatsApp's hosts."""

    def __init__(self, directory: MediaDirectory) -> None:
        self._directory = directory
        self._path = Path()

    def attach(self, kind: MessageKind, words: str) -> tuple[Attachment, str]:
        """The file that is named first, as a message would describe it, and the words behind it."""
        try:
            name, *caption = shlex.split(words) or [""]
        except ValueError:
            raise UsageError("a path with blanks stands in quotation marks, with one at each end") from None
        self._path = Path(name).expanduser()
        if not self._path.is_file():
            raise UsageError(f"{name or 'no file'}: there is no such file; as in /voice note.ogg")
        mimetype = mimetypes.guess_type(self._path.name)[0] or "application/octet-stream"
        size_bytes = self._path.stat().st_size
        is_voice = kind is MessageKind.AUDIO
        return Attachment(mimetype, self._path.name, size_bytes, is_voice=is_voice), " ".join(caption)

    def fetch(
        self, file: Attachment, kind: MessageKind, number: int, most_bytes: int, seconds: float
    ) -> Path:
        """Copy it to where the service keeps files."""
        with self._directory.begin(number) as copy, self._path.open("rb") as original:
            shutil.copyfileobj(original, copy)
        return self._directory.keep(number)


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
        settings = dataclasses.replace(settings, paths=PathSettings(state=Path(directory)))
        database = open_database(f"sqlite:///{Path(directory) / 'chat.db'}")
        migrate(database)
        try:
            yield TerminalChat(settings, customer)
        finally:
            database.close()
