"""The sender: the only thread that sends, through whatever connection is alive at that moment."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta
from typing import Protocol

from wabot.clock import utc_now
from wabot.conversation.bursts import Bursts
from wabot.conversation.send_queue import SendQueue
from wabot.database.errors import AWAY, one_line
from wabot.database.lent_connections import rest
from wabot.database.models import Outbound, database
from wabot.database.tables import suspect
from wabot.outbound import sending
from wabot.outbound.chat_presence import ChatPresence, PresenceMessenger
from wabot.outbound.pacing import Rates
from wabot.outbound.receipts import Receipts
from wabot.outbound.sending import Sending, TextMessenger
from wabot.outbound.unconfirmed import OwnerTold, UnconfirmedSends
from wabot.system.threads import Pulse
from wabot.whatsapp.signals import SignalSink
from wabot.whatsapp.store_query import LOOKUP_SECONDS

log = logging.getLogger(__name__)

STABLE_SECONDS = 2.0
_FAILED_SECONDS = 15.0
_PRESENCE_RETRY_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 60.0
_LONGEST_DISCOURTESY_SECONDS = 1.0


class Messenger(TextMessenger, PresenceMessenger, Protocol):
    """What the sender needs of the WhatsApp client."""

    def announce(self, available: bool) -> bool:
        """Tell the account's presence; False when the library cannot do it yet."""


class Incoming(Protocol):
    """What brings messages into the database that it did not take when they came."""

    @property
    def is_behind(self) -> bool:
        """Whether there are messages that the database does not have."""


class Sender:
    """Takes replies from the outbox and sends them, oldest first within each chat.

    Args:
        replies: where they are.
        doubts: finds out about those that may have left.
        receipts: told what WhatsApp took.
        bursts: knows which chats must not be written to at this very moment.
        messenger: the WhatsApp client.
        signals: told when the link turns out to be dead although nobody said so.
        pulse: of the thread; its usual seconds are what a call of the messenger may take.
        presence: what customers are shown.
        available: the presence to announce.
        rates: how many replies may leave in what time.
        owner: told of a reply whose chat WhatsApp does not let this device write to.
        incoming: whether there are messages that the database does not have yet. One may take a reply back,
            so nothing is sent until they are there; who brings them wakes the sender.
    """

    def __init__(
        self,
        replies: SendQueue,
        unconfirmed: UnconfirmedSends,
        receipts: Receipts,
        bursts: Bursts,
        messenger: Messenger,
        signals: SignalSink,
        pulse: Pulse,
        presence: ChatPresence,
        available: bool,
        rates: Rates,
        owner: OwnerTold,
        incoming: Incoming,
    ) -> None:
        self._incoming = incoming
        self._replies = replies
        self._unconfirmed = unconfirmed
        self._bursts = bursts
        self._messenger = messenger
        self._pulse = pulse
        self._available = available
        self._rates = rates
        self._presence = presence
        # As stored, and in monotonic seconds.
        self._up_since: tuple[datetime, float] | None = None
        self._announce_at: float | None = None
        self._attended_at = float("-inf")
        self._stopping = threading.Event()
        self._sending = Sending(
            replies,
            unconfirmed,
            receipts,
            rates,
            self._presence,
            messenger,
            signals,
            pulse,
            self._wait_unless_stopping,
            owner,
        )
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Start the thread; it waits for the link."""
        self._thread.start()

    def link_up(self) -> None:
        """The link is there: replies may go."""
        self._announce_at = now = time.monotonic()
        self._up_since = (utc_now(), now)
        self._replies.wakeup.set()
        self._presence.link_up()

    def link_down(self) -> None:
        """The link is not there, or in doubt: hold everything."""
        self._up_since = None
        self._sending.link_is_down()
        self._presence.link_down()

    def stop(self) -> None:
        """Finish the send in flight and take no other."""
        self._stopping.set()
        self._replies.wakeup.set()

    def join(self, timeout_seconds: float) -> None:
        """Wait for the send in flight."""
        self._thread.join(timeout_seconds)

    def is_alive(self) -> bool:
        """Whether a send is still in flight after a stop."""
        return self._thread.is_alive()

    @property
    def last_sent_at(self) -> datetime | None:
        """When WhatsApp last took a reply, naive UTC."""
        return self._sending.last_sent_at

    @property
    def seconds_since_sent(self) -> float:
        """How long ago WhatsApp last took a reply of this process."""
        return time.monotonic() - self._sending.sent_at

    def _run(self) -> None:
        while True:
            due = self._step()
            rest()
            if self._stopping.is_set():
                break
            self._replies.wakeup.wait(_seconds_until(due))
        database.close()

    def _step(self) -> float | None:
        """Send all that may be sent now; return when to look again, in monotonic seconds."""
        try:
            while not self._stopping.is_set():
                # Whatever it was woken for before this is seen by the look that follows.
                self._replies.wakeup.clear()
                up_since = self._up_since
                if up_since is None or self._incoming.is_behind:
                    return None
                now = time.monotonic()
                settle_at = self._settle_doubts(now, up_since[1])
                row, due = self._choose(now, *up_since)
                if row is not None:
                    pause_seconds = self._sending.send(row)
                    if pause_seconds:
                        return time.monotonic() + pause_seconds
                    if now - self._attended_at < _LONGEST_DISCOURTESY_SECONDS:
                        continue
                self._attend(now)
                if row is None:
                    return _earliest(due, settle_at, self._announce_at, self._presence.next_at())
        except AWAY as error:
            suspect(error)
            database.close()
            self._unconfirmed.arose()
            log.warning("database: %s; replies wait", one_line(error))
            return time.monotonic() + sending.DATABASE_RETRY_SECONDS
        except Exception as error:
            suspect(error)
            self._unconfirmed.arose()
            log.exception("the sender failed; it goes on")
            return time.monotonic() + _FAILED_SECONDS
        finally:
            self._pulse.idle()
        return None

    def _choose(self, now: float, up_since: datetime, up_at: float) -> tuple[Outbound | None, float | None]:
        """The reply to send now, and failing that, when to look again."""
        opens_at = max(self._rates.opens_at() or now, self._sending.opens_at)
        if opens_at > now:
            return None, opens_at
        stable_at = up_at + STABLE_SECONDS
        # What queued while the link was down waits until the link has proved itself.
        stored_now = utc_now()
        firsts_open_at = self._rates.firsts_open_at()
        only_known = firsts_open_at is not None and firsts_open_at > now
        row, due = self._replies.next(stored_now, None if now >= stable_at else up_since, only_known)
        if row is None:
            due_at = None if due is None else now + (due - stored_now).total_seconds()
            others_at = firsts_open_at if only_known else None
            return None, _earliest(due_at, others_at, stable_at if now < stable_at else None)
        addresses = {row.chat.jid, row.chat.contact}
        hold_seconds = max(self._bursts.seconds_to_hold(jid, now) for jid in addresses)
        if hold_seconds:
            self._replies.defer(row, stored_now + timedelta(seconds=hold_seconds))
            return None, now
        return row, None

    def _settle_doubts(self, now: float, up_since: float) -> float | None:
        if not self._unconfirmed.exist:
            return None
        self._pulse.busy(2 * LOOKUP_SECONDS)
        return self._unconfirmed.settle(now, up_since)

    def _attend(self, now: float) -> None:
        """What is not a reply: where one is due it comes first, because its customer waits."""
        self._attended_at = now
        self._announce_presence(now)
        self._presence.show(self._messenger, now, self._pulse)

    def _announce_presence(self, now: float) -> None:
        if self._announce_at is not None and now >= self._announce_at:
            self._announce_at = now + _PRESENCE_RETRY_SECONDS
            self._pulse.busy()
            # Right after pairing the library has no name to announce yet.
            if self._messenger.announce(self._available):
                self._announce_at = None

    def _wait_unless_stopping(self, seconds: float) -> bool:
        return self._stopping.wait(seconds)


def _earliest(*times: float | None) -> float | None:
    return min((each for each in times if each is not None), default=None)


def _seconds_until(due: float | None) -> float:
    if due is None:
        return _LONGEST_WAIT_SECONDS
    return min(max(due - time.monotonic(), 0.0), _LONGEST_WAIT_SECONDS)
