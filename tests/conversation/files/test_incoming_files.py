"""Which of the files that come are fetched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival
from wabot.config.settings import MediaSettings
from wabot.conversation.files.incoming_files import IncomingFiles
from wabot.conversation.files.received_files import PASSED_ON_KINDS, ReceivedFiles
from wabot.conversation.inbox import Inbox
from wabot.database.models import Inbound, ReceivedFile
from wabot.database.states import KeptOut
from wabot.whatsapp.messages import Attachment, MessageKind

AUDIO, IMAGE, DOCUMENT = MessageKind.AUDIO, MessageKind.IMAGE, MessageKind.DOCUMENT
FILE = Attachment("application/pdf", "prices.pdf", 1000, 10, True, "https://h/p", "/p?x", "00", "11", "22")
ALL = {"hears": True, "sees": True, "reads": True}


def keep(
    kind: MessageKind, file: Attachment = FILE, refused: str = "", able: dict[str, bool] = ALL, **media: Any
) -> ReceivedFile:
    """A file of Ana's comes; its row."""
    files = ReceivedFiles("shop")
    message = arrival("", kind=kind, attachment=file)
    inbox = Inbox("shop")
    chat_id, number = inbox.store(message, NOON), inbox.number_of(message)
    assert chat_id is not None and number is not None
    IncomingFiles(files, MediaSettings(**media), **able).keep(message, number, chat_id, refused, NOON)
    row = ReceivedFile.get(ReceivedFile.message == number)
    assert files.wakeup.is_set() == (row.state == "pending")
    return row


@pytest.mark.parametrize(
    ("kind", "file", "reason"),
    [
        (AUDIO, FILE, ""),
        (IMAGE, FILE, ""),
        (DOCUMENT, FILE, ""),
        (DOCUMENT, replace(FILE, mimetype="", file_name="Prices.PDF"), ""),
        (DOCUMENT, replace(FILE, mimetype="text/plain", file_name="pdf"), KeptOut.NO_PDF),
        (MessageKind.VIDEO, FILE, KeptOut.NEVER),
        (MessageKind.STICKER, FILE, KeptOut.NEVER),
        (AUDIO, replace(FILE, size_bytes=16_000_001), KeptOut.TOO_LARGE),
        (AUDIO, replace(FILE, seconds=601), KeptOut.TOO_LONG),
        (IMAGE, replace(FILE, size_bytes=10_000_001, seconds=601), KeptOut.TOO_LARGE),
        (IMAGE, replace(FILE, seconds=601), ""),
        (DOCUMENT, replace(FILE, size_bytes=2**40), KeptOut.TOO_LARGE),
    ],
)
def test_what_is_fetched_and_what_is_not(
    database: Any, kind: MessageKind, file: Attachment, reason: str
) -> None:
    row = keep(kind, file)
    assert (row.state, row.reason) == ("kept out" if reason else "pending", reason)
    assert row.settled_at == (NOON if reason else None)
    is_forgotten = bool(reason) and kind not in PASSED_ON_KINDS
    assert (row.source == "") == is_forgotten
    assert (row.file_name, row.size_bytes) == (file.file_name, file.size_bytes)


@pytest.mark.parametrize(
    ("kind", "ability", "reason"),
    [(AUDIO, "hears", KeptOut.UNHEARD), (IMAGE, "sees", KeptOut.UNSEEN), (DOCUMENT, "reads", KeptOut.UNREAD)],
)
def test_what_nothing_here_understands_is_not_fetched(
    database: Any, kind: MessageKind, ability: str, reason: str
) -> None:
    assert keep(kind, able={**ALL, ability: False}).reason == reason


def test_nor_is_what_belongs_to_no_message_that_is_answered(database: Any) -> None:
    row = keep(AUDIO, refused="opted out")
    assert (row.state, row.reason) == ("kept out", "opted out")


def test_a_chat_may_send_so_many_in_a_day(database: Any) -> None:
    reasons = [keep(kind, per_chat_per_day=2).reason for kind in (AUDIO, MessageKind.VIDEO, IMAGE, AUDIO)]
    assert reasons == ["", KeptOut.NEVER, "", KeptOut.TOO_MANY]
    assert keep(AUDIO, per_chat_per_day=0).reason == ""
    Inbound.update(received_at=NOON - timedelta(days=1, seconds=1)).execute()
    assert keep(AUDIO, per_chat_per_day=2).reason == ""
