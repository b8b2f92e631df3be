"""Hears in the client library's log what it sends no event for.

The sentences are those of the whatsmeow in neonize 0.5.2; one that changes is simply not heard any more, and
the deadlines of the state machine remain. Strangers choose some of what stands in them, as the ids
of their messages: only a line that is a sentence from its first letter to its last is heard.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from wabot.config.phone_numbers import GROUP_SERVER
from wabot.whatsapp.messages import Trace
from wabot.whatsapp.signals import LinkSignal, Signal, SignalSink, redial_failed, stream_ended

_LOGGER = "whatsmeow"
_CLIENT = "whatsmeow.Client"
_AUTHENTICATED = "Successfully authenticated"
_REDIAL_FAILED = "Error reconnecting after autoreconnect sleep: "
_REDIAL_GIVEN_UP = "Failed to reconnect after 515 code: "
_STREAM_ENDED = "Got 503 stream error, assuming automatic reconnect will handle it"
_UNAVAILABLE = re.compile(
    r"Unavailable message ([A-Za-z0-9_.-]{1,100}) from [^ ]{1,200}(?: in [^ ]{1,200})? "
    r'\(type: "([a-z_]{1,50})"\)'
)
_KNOWN_UNAVAILABLE = 100
_FAILURE = re.compile(r"(?:Unknown|Temporary ban) connect failure: (<failure\b[^<>]{0,2000}>)")
_NEW_LID = re.compile(r"Updated LID to (\d{5,20})(?:[.:]\d{1,5})*@lid")
_REFUSAL_SECONDS = 1.0
_UNAVAILABLE_SECONDS = 0.1
_NUMBER = re.compile(r'\b(reason|code|expire)="(\d{1,9})"')


class LibraryLog(logging.Handler):
    """Turns lines of the library's log into signals, and remembers why a login was refused.

    Args:
        signals: get those, on the thread that carries the library's log.

    Attributes:
        lid: user part of the account's hidden id where the last login brought a new one, else "".
    """

    def __init__(self, signals: SignalSink) -> None:
        super().__init__(logging.INFO)
        self.lid = ""
        self._signals = signals
        self._refusal: Mapping[str, int] = {}
        self._refused = threading.Event()
        self._unavailable: OrderedDict[str, str] = OrderedDict()
        self._said = threading.Condition()

    def listen(self) -> None:
        """Hear everything from now on, also what is too unimportant to be shown."""
        logger = logging.getLogger(_LOGGER)
        logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
        logger.addHandler(self)

    def forget_refusal(self) -> None:
        """Forget why the last login was refused: a new dial begins."""
        self._refused.clear()
        self._refusal = {}

    def refusal(self) -> Mapping[str, int]:
        """The numbers in the service's refusal of this login: "reason", "code", "expire".

        Waits for them up to a second: the log comes on a thread of its own, after the error at times.
        """
        self._refused.wait(_REFUSAL_SECONDS)
        return self._refusal

    def unavailable_type(self, message_id: str) -> str:
        """What the library said of a message that WhatsApp keeps from linked devices, or "".

        It says so before its event; the log comes on a thread of its own.
        """
        with self._said:
            self._said.wait_for(lambda: message_id in self._unavailable, _UNAVAILABLE_SECONDS)
            return self._unavailable.pop(message_id, "")

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one line."""
        if record.name != _CLIENT:
            return
        line = record.getMessage()
        failure = _FAILURE.fullmatch(line)
        if failure:
            self._refusal = {name: int(value) for name, value in _NUMBER.findall(failure[1])}
            self._refused.set()
        elif new_lid := _NEW_LID.fullmatch(line):
            self.lid = new_lid[1]
        elif unavailable := _UNAVAILABLE.fullmatch(line):
            with self._said:
                self._unavailable[unavailable[1]] = unavailable[2]
                if len(self._unavailable) > _KNOWN_UNAVAILABLE:
                    self._unavailable.popitem(last=False)
                self._said.notify_all()
        elif line == _AUTHENTICATED:
            self._signals.put(
                LinkSignal(Signal.AUTHENTICATED, "logged in; the library prepares the connection")
            )
        elif line.startswith(_REDIAL_FAILED):
            self._signals.put(redial_failed(line.removeprefix(_REDIAL_FAILED)))
        elif line.startswith(_REDIAL_GIVEN_UP):
            reason = "the redial that WhatsApp asked for failed, and the library does not try again"
            self._signals.put(LinkSignal(Signal.REDIAL_GIVEN_UP, reason))
        elif line == _STREAM_ENDED:
            self._signals.put(stream_ended("503"))


_ID = r"[A-Za-z0-9_.-]{1,100}"
_JID = r"[0-9A-Za-z_.:-]{1,100}@[a-z.]{1,50}"
_OLD_COUNTER = r"(?:[a-z ]{1,60}: ){1,3}received message with old counter \([a-z]+: \d+, [a-z]+: \d+\)"
_IGNORED = re.compile(rf"Ignoring message ({_ID}) from ({_JID})(?: in ({_JID}))?: {_OLD_COUNTER}", re.ASCII)
# There is an event for it as well, which is dropped where it waits behind another when the client is stopped.
# Behind an id that reads like the rest of the line there is a second " from ".
_NOT_READ = re.compile(
    rf"Error decrypting message ({_ID}) from ({_JID})(?: in ({_JID}))?: (?!.* from )[^\n]*", re.ASCII
)
_HISTORY_STORED = re.compile(r"Stored \d+ message secret keys from history sync", re.ASCII)
_DEVICE = re.compile(r"[.:][^@]*@")


class Losses(Protocol):
    """What looks for messages that the library lost."""

    def ignored(self, trace: Trace) -> None:
        """Look for a message that came again and was not handed over."""

    def start_over(self) -> None:
        """Take what the library has stored now for no loss: the traces from before it was linked."""


class LossLog(logging.Handler):
    """Tells which messages the library took for old ones, as read before, and which it could not read.

    Args:
        losses: told of them.
    """

    def __init__(self, losses: Losses) -> None:
        super().__init__(logging.INFO)
        self._losses = losses

    def listen(self) -> None:
        """Hear everything from now on."""
        logging.getLogger(_LOGGER).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one line."""
        if record.name != _CLIENT:
            return
        line = record.getMessage()
        found = _IGNORED.fullmatch(line) or _NOT_READ.fullmatch(line)
        if found:
            message_id, sender, chat = found.groups()
            trace = Trace(_DEVICE.sub("@", chat or sender), _DEVICE.sub("@", sender), message_id)
            # What the owner wrote from another device to a customer is nothing to ask the customer for.
            if trace.chat == trace.sender or trace.chat.endswith(f"@{GROUP_SERVER}"):
                self._losses.ignored(trace)
        elif _HISTORY_STORED.fullmatch(line):
            self._losses.start_over()
