"""Sends one reply, and writes down what became of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from wabot.clock import utc_now
from wabot.conversation.chats import masked, named
from wabot.conversation.send_queue import SendQueue
from wabot.database.errors import AWAY, one_line
from wabot.database.models import Outbound, database
from wabot.database.tables import suspect
from wabot.outbound.chat_presence import ChatPresence
from wabot.outbound.pacing import Rates
from wabot.outbound.receipts import Receipts
from wabot.outbound.unconfirmed import OwnerTold, UnconfirmedSends
from wabot.system.threads import Pulse
from wabot.whatsapp.signals import LinkSignal, SendFailed, SendOutcome, Signal, SignalSink

log = logging.getLogger(__name__)

OFFLINE_SENDS_SECONDS = 10.0
DATABASE_RETRY_SECONDS = 1.0
_RETRY_SECONDS = 0.5
# A refusal that passes: the pauses double.
_BUSY_SECONDS, _LONGEST_BUSY_SECONDS = 5.0, 600.0


class TextMessenger(Protocol):
    """What sending needs of the WhatsApp client."""

    def send_text(self, jid: str, text: str, secret: bytes, expiration_seconds: int) -> str:
        """Send; return the message id or raise SendFailed."""


class Sending:
    """One reply after the other, on the sender's thread.

    Args:
        replies: where they are.
        doubts: told that one may or may not have left.
        receipts: told what WhatsApp took.
        rates: how many may leave in what time.
        courtesies: told where "typing…" ends.
        messenger: the WhatsApp client.
        signals: told when the link turns out to be dead although nobody said so.
        pulse: of the thread.
        wait_unless_stopping: waits so many seconds; returns True at once when there is no more time.
        owner: told of a reply whose chat WhatsApp does not let this device write to.

    Attributes:
        opens_at: WhatsApp wants nothing at all before that, in monotonic seconds.
        last_sent_at: when WhatsApp last took a reply, naive UTC.
        sent_at: the same in monotonic seconds.
    """

    def __init__(
        self,
        replies: SendQueue,
        unconfirmed: UnconfirmedSends,
        receipts: Receipts,
        rates: Rates,
        presence: ChatPresence,
        messenger: TextMessenger,
        signals: SignalSink,
        pulse: Pulse,
        wait_unless_stopping: Callable[[float], bool],
        owner: OwnerTold,
    ) -> None:
        self._replies = replies
        self._unconfirmed = unconfirmed
        self._receipts = receipts
        self._rates = rates
        self._presence = presence
        self._messenger = messenger
        self._signals = signals
        self._pulse = pulse
        self._wait_unless_stopping = wait_unless_stopping
        self._owner = owner
        self._throttles = 0
        self.opens_at = float("-inf")
        self._offline_since: float | None = None
        self.last_sent_at: datetime | None = None
        self.sent_at = float("-inf")

    def send(self, row: Outbound) -> float:
        """Send one reply; return for how many seconds the whole sender should pause."""
        now = utc_now()
        wait_seconds = (self._rates.chat_opens_at(row.chat_id) or 0.0) - time.monotonic()
        if wait_seconds > 0:
            self._replies.defer(row, now + timedelta(seconds=wait_seconds))
            log.info("%s has had its messages of this hour; reply %d waits", named(row.chat), row.id)
            return 0.0
        if not self._replies.begin(row, now):
            self._presence.answer_withdrawn(row.chat.jid)
            log.info(
                "reply %d to %s was withdrawn: the chat is paused, or the customer opted out",
                row.id,
                masked(row.chat),
            )
            return 0.0
        is_first = self._rates.distinguishes and self._replies.is_first(row)
        self._pulse.busy()
        try:
            message_id = self._messenger.send_text(
                row.chat.jid, row.text, bytes(row.secret), row.chat.expiration_seconds or 0
            )
            result = partial(self._after_success, row, message_id, utc_now(), time.monotonic(), is_first)
        except SendFailed as failure:
            result = partial(self._after_failure, row, failure, is_first)
        except Exception as error:
            # Something about this very reply, as a chat with an impossible address.
            log.exception("reply %d to %s cannot be sent", row.id, masked(row.chat))
            result = partial(self._after_failure, row, SendFailed(SendOutcome.REFUSED, repr(error)), is_first)
        return self._write_down(result)

    def link_is_down(self) -> None:
        """The link is known to be down: that sends fail proves nothing any more."""
        self._offline_since = None

    def _write_down(self, result: Callable[[], float]) -> float:
        """Store what became of a send; a reply that is forgotten here would be sent twice."""
        self._pulse.idle()
        while True:
            try:
                return result()
            except AWAY as error:
                suspect(error)
                database.close()
                log.warning("database: %s; what became of a reply is written later", one_line(error))
            if self._wait_unless_stopping(DATABASE_RETRY_SECONDS):
                return result()

    def _after_success(
        self, row: Outbound, message_id: str, now: datetime, moment: float, is_first: bool
    ) -> float:
        self._replies.mark_sent(row, message_id, now)
        self._receipts.expect(message_id, row.chat_id, moment)
        self._rates.count(row.chat_id, moment, is_first)
        self._presence.message_sent(row.chat.jid, moment)
        self._offline_since = None
        self._throttles = 0
        self.last_sent_at, self.sent_at = now, moment
        log.debug("reply %d sent as %s", row.id, message_id)
        return 0.0

    def _after_failure(self, row: Outbound, failure: SendFailed, is_first: bool) -> float:
        now = utc_now()
        match failure.outcome:
            case SendOutcome.NOT_SENT:
                self._replies.put_back(row, str(failure), now + timedelta(seconds=_RETRY_SECONDS))
                log.info(
                    "reply %d to %s did not leave (%s); it goes out with the next connection",
                    row.id,
                    masked(row.chat),
                    failure,
                )
                self._notice_offline(time.monotonic())
                return _RETRY_SECONDS
            case SendOutcome.IN_DOUBT:
                self._replies.mark_in_doubt(row, str(failure))
                self._unconfirmed.arose()
                self._rates.count(row.chat_id, time.monotonic(), is_first)
                log.info("reply %d to %s may not have arrived (%s)", row.id, masked(row.chat), failure)
                return 0.0
            case SendOutcome.BUSY:
                wait_seconds = _growing(row.refusals)
                state = self._replies.hold(row, str(failure), now, wait_seconds)
                log.warning(
                    "WhatsApp does not take reply %d to %s now (%s); now %s",
                    row.id,
                    masked(row.chat),
                    failure,
                    state,
                )
                return 0.0
            case SendOutcome.THROTTLED:
                wait_seconds = _growing(self._throttles)
                self._throttles += 1
                self.opens_at = time.monotonic() + wait_seconds
                self._replies.hold(row, str(failure), now, 0)
                log.warning(
                    "WhatsApp wants nothing for a while (%s): replies wait %.0f s", failure, wait_seconds
                )
                return 0.0
            case SendOutcome.SHUT_OUT:
                self._replies.put_back(row, str(failure), now)
                self._owner.leave_shut_out(row)
                log.warning(
                    "reply %d to %s: WhatsApp does not let this device write there (%s)",
                    row.id,
                    masked(row.chat),
                    failure,
                )
                return 0.0
            case SendOutcome.REFUSED:
                self._replies.mark_refused(row, str(failure))
                self._presence.answer_withdrawn(row.chat.jid)
                log.warning(
                    "reply %d to %s was refused by WhatsApp for good (%s)", row.id, masked(row.chat), failure
                )
                return 0.0

    def _notice_offline(self, now: float) -> None:
        """Sends that fail for want of a connection, although none was reported lost: a silent death."""
        self._offline_since = now if self._offline_since is None else self._offline_since
        if now - self._offline_since > OFFLINE_SENDS_SECONDS:
            self._offline_since = None
            self._signals.put(LinkSignal(Signal.LINK_BROKEN, "the connection is gone without a word"))


def _growing(refusals: int) -> float:
    return min(_BUSY_SECONDS * 2.0 ** min(refusals, 30), _LONGEST_BUSY_SECONDS)
