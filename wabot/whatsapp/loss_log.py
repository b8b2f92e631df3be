"""Hears in the client library's log of messages that it will never hand over.

The sentences are those of the whatsmeow in neonize 0.5.2. Who sends a message chooses its id, which stands in
them: only a line that is a sentence from its first letter to its last, with an id as the apps make them, is
heard.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from wabot.whatsapp.messages import Trace

_LOGGER = "whatsmeow"
_CLIENT = "whatsmeow.Client"
_ID = r"[A-Za-z0-9_.-]{1,100}"
_JID = r"[0-9A-Za-z_.:-]{1,100}@[a-z.]{1,50}"
_OLD_COUNTER = r"(?:[a-z ]{1,60}: ){1,3}received message with old counter \([a-z]+: \d+, [a-z]+: \d+\)"
_IGNORED = re.compile(rf"Ignoring message ({_ID}) from ({_JID})(?: in ({_JID}))?: {_OLD_COUNTER}", re.ASCII)
_HISTORY_STORED = re.compile(r"Stored \d+ message secret keys from history sync", re.ASCII)
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
        if record.name != _CLIENT:
            return
        line = record.getMessage()
        ignored = _IGNORED.fullmatch(line)
        if ignored:
            message_id, sender, chat = ignored.groups()
            self._on_ignored(Trace(_DEVICE.sub("@", chat or sender), _DEVICE.sub("@", sender), message_id))
        elif _HISTORY_STORED.fullmatch(line):
            self._on_history()
