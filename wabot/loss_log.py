"""Hears in the client library's log of messages that it will never hand over.

The sentences are those of the whatsmeow in neonize 0.5.2.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from wabot.messages import Trace

_LOGGER = "whatsmeow"
_JID = r"[\w.:-]{1,100}@[\w.-]{1,50}"
_IGNORED = re.compile(rf"Ignoring message ([\w-]{{1,100}}) from ({_JID})(?: in ({_JID}))?: .*old counter")
_HISTORY_STORED = re.compile(r"Stored \d+ message secret keys from history sync")
_DEVICE = re.compile(r"[.:][^@]*@")


class LossLog(logging.Handler):
    """Tells which messages the library took for old ones: it read them in an earlier life, or just now.

    Args:
        on_ignored: called with a message that came again and was not handed over.
        on_history: called when the library stored the traces of messages from before it was linked.
    """

    def __init__(self, on_ignored: Callable[[Trace], None], on_history: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._on_ignored = on_ignored
        self._on_history = on_history

    def listen(self) -> None:
        """Hear everything from now on."""
        logging.getLogger(_LOGGER).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one line."""
        line = record.getMessage()
        ignored = _IGNORED.search(line)
        if ignored:
            message_id, sender, chat = ignored.groups()
            self._on_ignored(Trace(_DEVICE.sub("@", chat or sender), _DEVICE.sub("@", sender), message_id))
        elif _HISTORY_STORED.search(line):
            self._on_history()
