"""The sender: the only thread that sends, through whatever connection is alive at that moment."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from wabot.bursts import Bursts
from wabot.courtesies import Courtesies, CourtesyMessenger
from wabot.database_faults import AWAY
from wabot.doubts import Doubts
from wabot.link_signals import LinkSignal, Outcome, SendFailed
from wabot.models import Outbound, database, utc_now
from wabot.outbox import Outbox, retry_at
from wabot.rates import Rates
from wabot.receipts import Receipts
from wabot.states import Signal
from wabot.store_query import LOOKUP_SECONDS

log = logging.getLogger(__name__)

STABLE_SECONDS = 2.0
OFFLINE_SENDS_SECONDS = 10.0
_RETRY_SECONDS = 0.5
_REFUSED_SECONDS = 15.0
_DATABASE_RETRY_SECONDS = 1.0
_PRESENCE_RETRY_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 60.0
_LONGEST_BURST = timedelta(seconds=3)


class Messenger(CourtesyMessenger, Protocol):
    """What the sender needs of the WhatsApp client."""

    def send_text(self, jid: str, text: str, secret: bytes) -> str:
        """Send; return the message id or raise SendFailed."""

    def announce(self, available: bool) -> bool:
        """Tell the account's presence; False when the library cannot do it yet."""


class Sender:
    """Takes replies from the outbox and sends them, oldest first within each chat.

    Args:
        outbox: where the replies are.
        doubts: finds out about those that may have left.
        receipts: told what WhatsApp took.
        bursts: knows which chats must not be written to at this very moment.
        messenger: the WhatsApp client.
        on_signal: told when the link turns out to be dead although nobody said so.
        beat: called with the seconds the next step may take, and with 0 when idle.
        available: the presence to announce.
        rates: how many replies may leave in what time.
        send_timeout_seconds: what is promised with `beat` for every call of the messenger.
        is_behind: whether there are messages that the database does not have yet. One may take a reply
            back, so nothing is sent until they are there; who brings them calls `wake`.
    """

    def __init__(
        self,
        outbox: Outbox,
        doubts: Doubts,
        receipts: Receipts,
        bursts: Bursts,
        messenger: Messenger,
        on_signal: Callable[[LinkSignal], None],
        beat: Callable[[float], None],
        available: bool,
        rates: Rates,
        send_timeout_seconds: float,
        is_behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self._send_timeout_seconds = send_timeout_seconds
        self._is_behind = is_behind
        self._outbox = outbox
        self._doubts = doubts
        self._receipts = receipts
        self._bursts = bursts
        self._messenger = messenger
        self._signal = on_signal
        self._beat = beat
        self._available = available
        self._rates = rates
        self._changed = threading.Condition()
        self.courtesies = Courtesies(self.wake)
        self._up_since: datetime | None = None
        self._announce_at: datetime | None = None
        self._offline_since: datetime | None = None
        self._stopping = False
        self._woken = False
        self.last_sent_at: datetime | None = None
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Start the thread; it waits for the link."""
        self._thread.start()

    def link_up(self) -> None:
        """The link is there: replies may go."""
        with self._changed:
            self._up_since = self._announce_at = utc_now()
            # Remembered, because the thread may be just about to wait.
            self._woken = True
            self._changed.notify()
        self.courtesies.link_up()

    def link_down(self) -> None:
        """The link is not there, or in doubt: hold everything."""
        with self._changed:
            self._up_since = self._offline_since = None
        self.courtesies.link_down()

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

    def _run(self) -> None:
        while True:
            due = self._step()
            with self._changed:
                if self._stopping:
                    break
                if not self._woken:
                    self._changed.wait(_seconds_until(due))
                self._woken = False
        database.close()

    def _step(self) -> datetime | None:
        """Send all that may be sent now; return when to look again."""
        try:
            while not self._stopping:
                up_since = self._up_since
                if up_since is None or self._is_behind():
                    return None
                now = utc_now()
                self._announce_presence(now)
                self.courtesies.show(self._messenger, now, self._beat_call)
                also_at = _earliest(
                    self._settle_doubts(now, up_since), self._announce_at, self.courtesies.next_at()
                )
                opens_at = self._rates.opens_at()
                if opens_at and opens_at > now:
                    return _earliest(opens_at, also_at)
                stable_at = up_since + timedelta(seconds=STABLE_SECONDS)
                # What queued while the link was down waits until the link has proved itself.
                row, due = self._outbox.next(now, None if now >= stable_at else up_since)
                if row is None:
                    return _earliest(due, also_at, stable_at if now < stable_at else None)
                burst_seconds = self._bursts.seconds_left(row.chat_id, time.monotonic())
                if burst_seconds and now - row.created_at < _LONGEST_BURST:
                    self._outbox.defer(row, retry_at(now, burst_seconds))
                    continue
                pause = self._send(row)
                if pause:
                    return retry_at(utc_now(), pause)
        except AWAY as error:
            database.close()
            self._doubts.arose()
            log.warning("database: %s; replies wait", error)
            return retry_at(utc_now(), _DATABASE_RETRY_SECONDS)
        except Exception:
            self._doubts.arose()
            log.exception("the sender failed; it goes on")
            return retry_at(utc_now(), _REFUSED_SECONDS)
        finally:
            self._beat(0)
        return None

    def _settle_doubts(self, now: datetime, up_since: datetime) -> datetime | None:
        if not self._doubts.exist:
            return None
        self._beat(2 * LOOKUP_SECONDS)
        return self._doubts.settle(now, up_since)

    def _send(self, row: Outbound) -> float:
        """Send one reply; return for how many seconds the whole sender should pause."""
        now = utc_now()
        chat_opens_at = self._rates.chat_opens_at(row.chat_id)
        if chat_opens_at and chat_opens_at > now:
            self._outbox.defer(row, chat_opens_at)
            log.info("chat %d has had its messages of this hour; reply %d waits", row.chat_id, row.id)
            return 0.0
        if not self._outbox.begin(row, now):
            self.courtesies.end_typing(row.chat.jid)
            log.info("reply %d was withdrawn: the chat is paused, or the customer opted out", row.id)
            return 0.0
        self._beat_call()
        try:
            message_id = self._messenger.send_text(row.chat.jid, row.text, bytes(row.secret))
            result = partial(self._after_success, row, message_id, utc_now())
        except SendFailed as failure:
            result = partial(self._after_failure, row, failure)
        except Exception as error:
            # Something about this very reply, as a chat with an impossible address.
            log.exception("reply %d cannot be sent", row.id)
            result = partial(self._after_failure, row, SendFailed(Outcome.REFUSED, repr(error)))
        return self._write_down(result)

    def _write_down(self, result: Callable[[], float]) -> float:
        """Store what became of a send; a reply that is forgotten here would be sent twice."""
        self._beat(0)
        while True:
            try:
                return result()
            except AWAY as error:
                database.close()
                log.warning("database: %s; what became of a reply is written later", error)
            with self._changed:
                if self._changed.wait_for(lambda: self._stopping, _DATABASE_RETRY_SECONDS):
                    return result()

    def _after_success(self, row: Outbound, message_id: str, now: datetime) -> float:
        self._outbox.mark_sent(row, message_id, now)
        self._receipts.expect(message_id, row.chat_id, now)
        self._rates.count(row.chat_id, now)
        self.courtesies.message_sent(row.chat.jid, now)
        self._offline_since = None
        self.last_sent_at = now
        log.debug("reply %d sent as %s", row.id, message_id)
        return 0.0

    def _after_failure(self, row: Outbound, failure: SendFailed) -> float:
        now = utc_now()
        match failure.outcome:
            case Outcome.NOT_SENT:
                self._outbox.put_back(row, str(failure), retry_at(now, _RETRY_SECONDS))
                log.info("reply %d did not leave (%s); it goes out with the next connection", row.id, failure)
                self._notice_offline(now)
                return _RETRY_SECONDS
            case Outcome.IN_DOUBT:
                self._outbox.mark_in_doubt(row, str(failure))
                self._doubts.arose()
                self._rates.count(row.chat_id, now)
                log.info("reply %d may not have arrived (%s)", row.id, failure)
                return 0.0
            case Outcome.REFUSED:
                wait_seconds = _REFUSED_SECONDS * 4**row.refusals
                state = self._outbox.mark_refused(row, str(failure), retry_at(now, wait_seconds))
                log.warning("reply %d was refused by WhatsApp (%s); now %s", row.id, failure, state)
                return 0.0

    def _notice_offline(self, now: datetime) -> None:
        """Sends that fail for want of a connection, although none was reported lost: a silent death."""
        self._offline_since = self._offline_since or now
        if (now - self._offline_since).total_seconds() > OFFLINE_SENDS_SECONDS:
            self._offline_since = None
            self._signal(LinkSignal(Signal.LINK_BROKEN, "the connection is gone without a word"))

    def _announce_presence(self, now: datetime) -> None:
        if self._announce_at is not None and now >= self._announce_at:
            self._announce_at = retry_at(now, _PRESENCE_RETRY_SECONDS)
            self._beat_call()
            # Right after pairing the library has no name to announce yet.
            if self._messenger.announce(self._available):
                self._announce_at = None

    def _beat_call(self) -> None:
        self._beat(self._send_timeout_seconds)


def _earliest(*times: datetime | None) -> datetime | None:
    return min((each for each in times if each is not None), default=None)


def _seconds_until(due: datetime | None) -> float:
    if due is None:
        return _LONGEST_WAIT_SECONDS
    return min(max((due - utc_now()).total_seconds(), 0.0), _LONGEST_WAIT_SECONDS)
