"""The sender: the only thread that sends, through whatever connection is alive at that moment."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
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
from wabot.outbound.unconfirmed import UnconfirmedSends
from wabot.whatsapp.signals import LinkSignal
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


class Sender:
    """Takes replies from the outbox and sends them, oldest first within each chat.

    Args:
        replies: where they are.
        doubts: finds out about those that may have left.
        receipts: told what WhatsApp took.
        bursts: knows which chats must not be written to at this very moment.
        messenger: the WhatsApp client.
        on_signal: told when the link turns out to be dead although nobody said so.
        beat: called with the seconds the next step may take, and with 0 when idle.
        available: the presence to announce.
        rates: how many replies may leave in what time.
        send_timeout_seconds: what is promised with `beat` for every call of the messenger.
        on_shut_out: told of a reply whose chat WhatsApp does not let this device write to.
        is_behind: whether there are messages that the database does not have yet. One may take a reply
            back, so nothing is sent until they are there; who brings them calls `wake`.
    """

    def __init__(
        self,
        replies: SendQueue,
        unconfirmed: UnconfirmedSends,
        receipts: Receipts,
        bursts: Bursts,
        messenger: Messenger,
        on_signal: Callable[[LinkSignal], None],
        beat: Callable[[float], None],
        available: bool,
        rates: Rates,
        send_timeout_seconds: float,
        is_behind: Callable[[], bool] = lambda: False,
        on_shut_out: Callable[[Outbound], None] = lambda row: None,
    ) -> None:
        self._send_timeout_seconds = send_timeout_seconds
        self._is_behind = is_behind
        self._replies = replies
        self._unconfirmed = unconfirmed
        self._bursts = bursts
        self._messenger = messenger
        self._beat = beat
        self._available = available
        self._rates = rates
        self._changed = threading.Condition()
        self.presence = ChatPresence(self.wake)
        # As stored, and in monotonic seconds.
        self._up_since: tuple[datetime, float] | None = None
        self._announce_at: float | None = None
        self._attended_at = float("-inf")
        self._stopping = False
        self._woken = False
        self._sending = Sending(
            replies,
            unconfirmed,
            receipts,
            rates,
            self.presence,
            messenger,
            on_signal,
            self._beat_call,
            self._wait_unless_stopping,
            on_shut_out,
        )
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Start the thread; it waits for the link."""
        self._thread.start()

    def link_up(self) -> None:
        """The link is there: replies may go."""
        with self._changed:
            self._announce_at = time.monotonic()
            self._up_since = (utc_now(), self._announce_at)
            # Remembered, because the thread may be just about to wait.
            self._woken = True
            self._changed.notify()
        self.presence.link_up()

    def link_down(self) -> None:
        """The link is not there, or in doubt: hold everything."""
        with self._changed:
            self._up_since = None
        self._sending.link_is_down()
        self.presence.link_down()

    def wake(self) -> None:
        """Something was put into the outbox."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def stop(self) -> None:
        """Finish the send in flight and take no other."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

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
            with self._changed:
                if self._stopping:
                    break
                if not self._woken:
                    self._changed.wait(_seconds_until(due))
        database.close()

    def _step(self) -> float | None:
        """Send all that may be sent now; return when to look again, in monotonic seconds."""
        try:
            while not self._stopping:
                # Whatever it was woken for before this is seen by the look that follows.
                self._woken = False
                up_since = self._up_since
                if up_since is None or self._is_behind():
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
                    return _earliest(due, settle_at, self._announce_at, self.presence.next_at())
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
            self._beat(0)
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
        self._beat(2 * LOOKUP_SECONDS)
        return self._unconfirmed.settle(now, up_since)

    def _attend(self, now: float) -> None:
        """What is not a reply: where one is due it comes first, because its customer waits."""
        self._attended_at = now
        self._announce_presence(now)
        self.presence.show(self._messenger, now, self._beat_call)

    def _announce_presence(self, now: float) -> None:
        if self._announce_at is not None and now >= self._announce_at:
            self._announce_at = now + _PRESENCE_RETRY_SECONDS
            self._beat_call()
            # Right after pairing the library has no name to announce yet.
            if self._messenger.announce(self._available):
                self._announce_at = None

    def _beat_call(self, begins: bool = True) -> None:
        self._beat(self._send_timeout_seconds if begins else 0)

    def _wait_unless_stopping(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, seconds)


def _earliest(*times: float | None) -> float | None:
    return min((each for each in times if each is not None), default=None)


def _seconds_until(due: float | None) -> float:
    if due is None:
        return _LONGEST_WAIT_SECONDS
    return min(max(due - time.monotonic(), 0.0), _LONGEST_WAIT_SECONDS)
