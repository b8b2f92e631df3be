"""What the library's log says of messages that are lost."""

from __future__ import annotations

import logging

import pytest

from tests.support.arrivals import ANA_LID
from wabot.whatsapp.library_log import LossLog
from wabot.whatsapp.messages import Trace

OLD = "failed to decrypt normal message: received message with old counter (index: 1, count: 0)"


class Heard:
    """What was heard of losses."""

    def __init__(self) -> None:
        self.told: list[Trace | str] = []

    def ignored(self, trace: Trace) -> None:
        self.told.append(trace)

    def start_over(self) -> None:
        self.told.append("history")


@pytest.mark.parametrize(
    ("line", "trace"),
    [
        (
            "Ignoring message 3A12F from 299000111222:3@lid: failed to decrypt prekey message: failed to get "
            "or create message keys: received message with old counter (index: 1, count: 0)",
            Trace(ANA_LID, ANA_LID, "3A12F"),
        ),
        (
            "Ignoring message AB-C from 346.0:7@s.whatsapp.net in 123-456@g.us: failed to decrypt group "
            "message: received message with old counter (current: 2, received: 1)",
            Trace("123-456@g.us", "346@s.whatsapp.net", "AB-C"),
        ),
        (
            "Error decrypting message 3A1C from 299000111222:3@lid: failed to decrypt prekey message: failed "
            "to store session with 299000111222_1:0: database or disk is full",
            Trace(ANA_LID, ANA_LID, "3A1C"),
        ),
        (f"Error decrypting message 3A1C from 346:2@s.whatsapp.net in 299000111222@lid: {OLD}", None),
        (f"Ignoring message 3A1C from 346:2@s.whatsapp.net in 299000111222@lid: {OLD}", None),
        ("Error decrypting message 3A1C from 299@lid", None),
        ("Error decrypting message A1 from 346@s.whatsapp.net: no from 299@lid: disk is full", None),
        ("Error decrypting message A1 from 346@s.whatsapp.net: no\n from 299@lid: disk is full", None),
        ("Ignoring message 3A12F from 299@lid: already processed", None),
        (f"Ignoring message  from : {OLD}", None),
        ("Ignoring message " + "A" * 5000 + f" from 1@lid: {OLD}", None),
        # The id is chosen by who sends the message.
        (f"Ignoring message A1 from 34699888777@s.whatsapp.net: old counter from 299@lid: {OLD}", None),
        (f"Ignoring message A1 from 34699888777@s.whatsapp.net: {OLD} from 299@lid: {OLD}", None),
        (f"Ignoring message A1 from 346@s.whatsapp.net: {OLD}\n from 299@lid: {OLD}", None),
        (f"x Ignoring message A1 from 346@s.whatsapp.net: {OLD}", None),
        (f"Ignoring message \u0663A from 346@s.whatsapp.net: {OLD}", None),
        ("Ignoring message Stored 12 message secret keys from history sync from 299@lid: x", None),
        ("Stored 12 message secret keys from history sync from 299@lid: x", None),
    ],
)
def test_ignored_messages_are_heard(line: str, trace: Trace | None) -> None:
    heard = Heard()
    listener = LossLog(heard)
    listener.emit(logging.LogRecord("whatsmeow.Client", logging.WARNING, "", 0, line, None, None))
    assert heard.told == ([trace] if trace else [])


def test_a_stored_history_is_heard_at_the_level_the_library_tells_it() -> None:
    heard = Heard()
    listener = LossLog(heard)
    listener.listen()
    library = logging.getLogger("whatsmeow")
    try:
        for level in (logging.DEBUG, logging.INFO):
            line = "Stored 12 message secret keys from history sync"
            library.getChild("Client").callHandlers(
                logging.LogRecord("whatsmeow.Client", level, "", 0, line, None, None)
            )
    finally:
        library.removeHandler(listener)
    assert heard.told == ["history"]


def test_a_stored_history_is_heard() -> None:
    heard = Heard()
    listener = LossLog(heard)
    line = "Stored 12 message secret keys from history sync"
    listener.emit(logging.LogRecord("whatsmeow.Client", logging.INFO, "", 0, line, None, None))
    assert heard.told == ["history"]
