"""A sender, WhatsApp as it meets it, and all it works with."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.arrivals import arrival
from tests.support.threads import Beats
from wabot.answers.escalation import Escalation
from wabot.clock import utc_now
from wabot.config.settings import AccountSettings, ChatSettings
from wabot.conversation.bursts import Bursts
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Outbound
from wabot.outbound import unconfirmed as unconfirmed
from wabot.outbound.chat_presence import ChatPresence
from wabot.outbound.pacing import Pacing, Rates
from wabot.outbound.receipts import Receipts
from wabot.outbound.sender import Sender
from wabot.outbound.unconfirmed import UnconfirmedSends
from wabot.outbound.upload import Uploads
from wabot.whatsapp.outgoing import FileKind, Outgoing, UploadFailed
from wabot.whatsapp.signals import SendFailed, SendOutcome
from wabot.whatsapp.uploads import UploadedFile

FIRST_JID, FIRST_LID = "34600000001@s.whatsapp.net", "299000111222@lid"
WAIT_SECONDS = 10.0
QUIET_SECONDS = 0.1
SEND_TIMEOUT_SECONDS = 90.0


def not_sent() -> SendFailed:
    return SendFailed(SendOutcome.NOT_SENT, "websocket not connected")


def in_doubt() -> SendFailed:
    return SendFailed(SendOutcome.IN_DOUBT, "timed out waiting for message send response")


def refused() -> SendFailed:
    return SendFailed(SendOutcome.REFUSED, "server returned error 479")


def busy() -> SendFailed:
    return SendFailed(SendOutcome.BUSY, "server returned error 503")


def throttled() -> SendFailed:
    return SendFailed(SendOutcome.THROTTLED, "info query returned status 429: rate-overlimit")


def shut_out() -> SendFailed:
    return SendFailed(SendOutcome.SHUT_OUT, "server returned error 463")


class Phone:
    """WhatsApp as the sender meets it: takes what it is sent, unless it was told to fail."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.sent: list[Outgoing] = []
        self.taken: list[tuple[str, str]] = []
        self.uploaded: list[bytes] = []
        self.upload_failures: list[UploadFailed] = []
        self.may_upload = threading.Event()
        self.may_upload.set()
        self.secrets: list[bytes] = []
        self.timers: list[int] = []
        self.failures: list[Exception] = []
        self.poison = ""
        self.seen: list[tuple[str, str, list[str]]] = []
        self.typing: list[tuple[str, bool]] = []
        self.announced: list[bool] = []
        self.announcements: list[bool | Exception] = []
        self.began: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def send(self, jid: str, outgoing: Outgoing, secret: bytes, expiration_seconds: int) -> str:
        text = outgoing.text
        self.sent.append(outgoing)
        self.tried.append(text)
        self.timers.append(expiration_seconds)
        self.secrets.append(secret)
        self.began.put(text)
        assert self.may_answer.wait(WAIT_SECONDS)
        if text == self.poison:
            raise TypeError("an impossible address")
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append((jid, text))
        return f"3EB0{len(self.tried)}"

    def upload(self, content: bytes, kind: FileKind, mimetype: str) -> UploadedFile:
        self.uploaded.append(content)
        assert self.may_upload.wait(WAIT_SECONDS)
        if self.upload_failures:
            raise self.upload_failures.pop(0)
        digest = hashlib.sha256(content).hexdigest()
        return UploadedFile("", f"/{len(self.uploaded)}", digest, digest, digest, len(content), mimetype)

    def mark_read(self, jid: str, sender: str, message_ids: list[str]) -> None:
        self.seen.append((jid, sender, message_ids))

    def show_typing(self, jid: str, typing: bool) -> None:
        self.typing.append((jid, typing))

    def announce(self, available: bool) -> bool:
        self.announced.append(available)
        answer = self.announcements.pop(0) if self.announcements else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.taken]


class WhateverBegan(dict[bytes, str]):
    """The library's store, where all that began to leave did leave."""

    def __contains__(self, secret: object) -> bool:
        return True

    def __missing__(self, secret: bytes) -> str:
        return f"3EB{secret.hex()}"


class HookedBeats(Beats):
    """Something happens whenever the sender turns idle."""

    on_idle: Callable[[], None] = staticmethod(lambda: None)

    def idle(self) -> None:
        super().idle()
        self.on_idle()


class Office:
    """A sender, and all it works with."""

    def __init__(
        self, *, replies: SendQueue | None = None, rates: Rates | None = None, folder: Path | None = None
    ) -> None:
        self.queue = replies = replies or SendQueue("shop")
        self.outbox = Outbox("shop", replies.wakeup)
        self.presence = ChatPresence(replies.wakeup)
        self.phone = Phone()
        self.ids: dict[bytes, str] = {}
        self.pulse = HookedBeats(SEND_TIMEOUT_SECONDS)
        self.beats = self.pulse.told
        self.bursts = Bursts()
        self.is_behind = False
        self.receipts = Receipts(replies)
        self.unconfirmed = UnconfirmedSends(replies, self, self.receipts, resend=True)
        owner = Escalation(
            ChatSettings().handover_pause_seconds,
            Inbox("shop"),
            self.outbox,
            Pauses(Inbox("shop"), self.outbox),
            OwnerChat(AccountSettings(user_id="shop"), self.outbox),
        )
        self.uploads = Uploads(replies, self.phone, folder, owner)
        self.sender = Sender(
            replies,
            self.uploads,
            self.unconfirmed,
            self.receipts,
            self.presence,
            Pacing(rates or Rates(0, 0), self.bursts, self),
            self.phone,
            owner,
            self.pulse,
        )

    def message_ids(self, secrets: list[bytes]) -> Mapping[bytes, str]:
        return {secret: self.ids[secret] for secret in secrets if secret in self.ids}

    def put(
        self,
        *texts: str,
        customer: int = 1,
        at: datetime | None = None,
        not_before: datetime | None = None,
        file: tuple[str, str] | None = None,
    ) -> int:
        """Somebody wrote, and this is the answer, with a file as (kind, path); the number of the chat."""
        at = at or utc_now()
        number = f"3460000000{customer}"
        chat_id = Inbox("shop").store(arrival(chat=f"{number}@s.whatsapp.net", phone=number), at)
        assert chat_id is not None
        rows = Inbox("shop").pending(chat_id)
        parts = [Part(text, not_before or at) for text in texts]
        if file is not None:
            parts.append(Part(file[1], at, *file))
        assert self.outbox.put(chat_id, parts, "test", rows, at)
        return chat_id


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def states() -> dict[str, str]:
    return {row.text: row.state for row in Outbound.select().order_by(Outbound.id)}
