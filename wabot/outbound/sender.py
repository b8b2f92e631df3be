"""The sender: the only thread that sends, through whatever connection is alive at that moment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from wabot.clock import utc_now
from wabot.conversation.chats import masked
from wabot.conversation.files.files_to_upload import needs_upload
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Outbound
from wabot.database.states import OutboundKind
from wabot.database.workers import DatabaseWorker, while_away
from wabot.outbound.chat_presence import ChatPresence, PresenceMessenger
from wabot.outbound.pacing import Pacing, growing_pause
from wabot.outbound.receipts import Receipts
from wabot.outbound.unconfirmed import OwnerTold, UnconfirmedSends
from wabot.outbound.upload import Uploads
from wabot.system.threads import Pulse
from wabot.whatsapp.outgoing import Outgoing
from wabot.whatsapp.signals import SendFailed, SendOutcome
from wabot.whatsapp.store_query import LOOKUP_SECONDS
from wabot.whatsapp.uploads import Place, UploadedFile

log = logging.getLogger(__name__)

STABLE_SECONDS = 2.0
DATABASE_RETRY_SECONDS = 1.0
_RETRY_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0
_LONGEST_DISCOURTESY_SECONDS = 1.0


class Messenger(PresenceMessenger, Protocol):
    """What the sender needs of the WhatsApp client."""

    def send(self, jid: str, outgoing: Outgoing, secret: bytes, expiration_seconds: int, /) -> str:
        """Send; return the message id or raise SendFailed."""


class Sender(DatabaseWorker):
    """Takes replies from the queue and sends them, oldest first within each chat.

    Args:
        queue: where they are; wakes the sender.
        uploads: has their files uploaded before they leave.
        unconfirmed: finds out about those that may have left.
        receipts: told what WhatsApp took.
        presence: what customers are shown besides.
        pacing: says when each may leave.
        messenger: the WhatsApp client.
        owner: told of a reply whose chat WhatsApp does not let this device write to.
        pulse: of the thread; its usual seconds are what a call of the messenger may take.

    Attributes:
        last_sent_at: when WhatsApp last took a reply, naive UTC.
    """

    waits = "replies wait"

    def __init__(
        self,
        queue: SendQueue,
        uploads: Uploads,
        unconfirmed: UnconfirmedSends,
        receipts: Receipts,
        presence: ChatPresence,
        pacing: Pacing,
        messenger: Messenger,
        owner: OwnerTold,
        pulse: Pulse,
    ) -> None:
        super().__init__("sender", queue.wakeup)
        self._queue = queue
        self._uploads = uploads
        self._unconfirmed = unconfirmed
        self._receipts = receipts
        self._presence = presence
        self._pacing = pacing
        self._messenger = messenger
        self._owner = owner
        self._pulse = pulse
        # As stored, and in monotonic seconds.
        self._up_since: tuple[datetime, float] | None = None
        # The first and the last of the sends in a row that failed for want of a connection.
        self._failed_sends: tuple[float, float] | None = None
        self._attended_at = self._sent_at = float("-inf")
        self.last_sent_at: datetime | None = None

    def link_up(self) -> None:
        """Let replies go: the link is there."""
        self._failed_sends = None
        self._up_since = (utc_now(), time.monotonic())
        self._presence.link_up()
        self.rouse()

    def link_down(self) -> None:
        """Hold everything: the link is not there, or in doubt."""
        # That sends fail proves nothing any more.
        self._up_since = self._failed_sends = None
        self._presence.link_down()

    @property
    def stuck_uploads(self) -> int:
        """How many uploads hang in the client library."""
        return self._uploads.stuck

    def media_login_refused(self) -> bool:
        """Whether the media hosts refused this login since this was asked last."""
        return self._uploads.take_refusal()

    @property
    def seconds_since_sent(self) -> float:
        """How long ago WhatsApp last took a reply of this process."""
        return time.monotonic() - self._sent_at

    @property
    def seconds_offline(self) -> float:
        """For how long sends have failed for want of a connection, although none was reported lost."""
        first, last = self._failed_sends or (0.0, 0.0)
        return last - first

    def work(self) -> float | None:
        """Send all that may be sent now; the seconds after which to look again."""
        try:
            due = self._send_what_is_due()
        except Exception:
            self._unconfirmed.arose()
            raise
        finally:
            self._pulse.idle()
        return (
            _LONGEST_WAIT_SECONDS
            if due is None
            else min(max(due - time.monotonic(), 0.0), _LONGEST_WAIT_SECONDS)
        )

    def finish(self) -> None:
        """Leave nothing behind that looks like a failure."""
        with while_away("what became of an upload is not known"):
            self._uploads.leave(time.monotonic())

    def _send_what_is_due(self) -> float | None:
        """Send it; when to look again, in monotonic seconds, None: only when somebody says so."""
        while not self.is_stopping:
            # Whatever it was woken for before this is seen by the look that follows.
            self._wakeup.clear()
            now = time.monotonic()
            # An upload does not need the link, and what it came to is not lost with the process.
            upload_at = self._uploads.settle(now)
            up_since = self._up_since
            if up_since is None or self._pacing.is_shut:
                return upload_at
            settle_at = _earliest(self._settle_unconfirmed(now, up_since[1]), upload_at)
            row, due = self._choose(now, *up_since)
            if row is not None:
                pause_seconds = self._send(row)
                if pause_seconds:
                    return time.monotonic() + pause_seconds
                if now - self._attended_at < _LONGEST_DISCOURTESY_SECONDS:
                    continue
            # Where a reply is due it comes first, because its customer waits.
            self._attended_at = now
            self._presence.show(self._messenger, now, self._pulse)
            if row is None:
                return _earliest(due, settle_at, self._presence.next_at())
        return None

    def _choose(self, now: float, up_since: datetime, up_at: float) -> tuple[Outbound | None, float | None]:
        """The reply to send now, and failing that, when to look again."""
        all_held_until = self._pacing.all_held_until(now)
        if all_held_until is not None:
            return None, all_held_until
        stable_at = up_at + STABLE_SECONDS
        # What queued while the link was down waits until the link has proved itself.
        stored_now = utc_now()
        firsts_held_until = self._pacing.firsts_held_until(now)
        row, due = self._queue.next(
            stored_now,
            None if now >= stable_at else up_since,
            firsts_held_until is not None,
            not self._uploads.is_busy,
        )
        if row is None:
            unasked_at = self._release(now, stored_now) if now >= stable_at else stable_at
            due_at = None if due is None else now + (due - stored_now).total_seconds()
            return None, _earliest(
                due_at, firsts_held_until, unasked_at, stable_at if now < stable_at else None
            )
        held_until = self._pacing.held_until(row, now)
        if held_until is not None:
            self._queue.defer(row, stored_now + timedelta(seconds=held_until - now))
            return None, now
        if needs_upload(row):
            self._uploads.begin(row, now)
            return None, now
        return row, None

    def _release(self, now: float, stored_now: datetime) -> float | None:
        """Let one message go that answers none; when to look again: at once where there was one."""
        held_until = self._pacing.unasked_held_until(now)
        if held_until is not None:
            return held_until
        is_released, due = self._queue.release(stored_now)
        if is_released:
            return now
        return None if due is None else now + max((due - stored_now).total_seconds(), 0.0)

    def _settle_unconfirmed(self, now: float, up_since: float) -> float | None:
        if not self._unconfirmed.exist:
            return None
        self._pulse.busy(2 * LOOKUP_SECONDS)
        return self._unconfirmed.settle(now, up_since)

    def _send(self, row: Outbound) -> float:
        """Send one reply, and write down what became of it; for how many seconds to send nothing."""
        if not self._queue.begin(row, utc_now()):
            self._presence.answer_withdrawn(row.chat.jid)
            log.info(
                "reply %d to %s was withdrawn: the chat is paused, or the customer opted out",
                row.id,
                masked(row.chat),
            )
            return 0.0
        is_first = self._pacing.distinguishes and self._queue.is_first(row)
        self._pulse.busy()
        try:
            message_id = self._messenger.send(
                row.chat.jid, _outgoing(row), bytes(row.secret), row.chat.expiration_seconds or 0
            )
            result = partial(self._after_success, row, message_id, utc_now(), time.monotonic(), is_first)
        except SendFailed as failure:
            result = partial(self._after_failure, row, failure, is_first)
        except Exception as error:
            # Something about this very reply, as a chat with an impossible address.
            log.exception("reply %d to %s cannot be sent", row.id, masked(row.chat))
            result = partial(self._after_failure, row, SendFailed(SendOutcome.REFUSED, repr(error)), is_first)
        return self._write_down(result)

    def _write_down(self, result: Callable[[], float]) -> float:
        """Store what became of a send; a reply that is forgotten here would be sent twice."""
        self._pulse.idle()
        while True:
            with while_away("what became of a reply is written later"):
                return result()
            if self.stops_within(DATABASE_RETRY_SECONDS):
                return result()

    def _after_success(
        self, row: Outbound, message_id: str, now: datetime, moment: float, is_first: bool
    ) -> float:
        self._queue.mark_sent(row, message_id, now)
        self._receipts.expect(message_id, row.chat_id, moment)
        self._pacing.sent(row.chat_id, moment, is_first)
        self._presence.message_sent(row.chat.jid, moment)
        self._failed_sends = None
        self.last_sent_at, self._sent_at = now, moment
        log.debug("reply %d sent as %s", row.id, message_id)
        return 0.0

    def _after_failure(self, row: Outbound, failure: SendFailed, is_first: bool) -> float:
        now = utc_now()
        match failure.outcome:
            case SendOutcome.NOT_SENT:
                self._queue.put_back(row, str(failure), now + timedelta(seconds=_RETRY_SECONDS))
                log.info(
                    "reply %d to %s did not leave (%s); it goes out with the next connection",
                    row.id,
                    masked(row.chat),
                    failure,
                )
                moment = time.monotonic()
                self._failed_sends = (self._failed_sends or (moment, moment))[0], moment
                return _RETRY_SECONDS
            case SendOutcome.IN_DOUBT:
                self._queue.mark_in_doubt(row, str(failure))
                self._unconfirmed.arose()
                self._pacing.doubtful(row.chat_id, time.monotonic(), is_first)
                log.info("reply %d to %s may not have arrived (%s)", row.id, masked(row.chat), failure)
                return 0.0
            case SendOutcome.BUSY:
                wait_seconds = growing_pause(row.refusals)
                state = self._queue.hold(row, str(failure), now, wait_seconds)
                log.warning(
                    "WhatsApp does not take reply %d to %s now (%s); now %s",
                    row.id,
                    masked(row.chat),
                    failure,
                    state,
                )
                return 0.0
            case SendOutcome.THROTTLED:
                wait_seconds = self._pacing.throttled(time.monotonic())
                self._queue.hold(row, str(failure), now, 0)
                log.warning(
                    "WhatsApp wants nothing for a while (%s): replies wait %.0f s", failure, wait_seconds
                )
                return 0.0
            case SendOutcome.SHUT_OUT:
                self._queue.put_back(row, str(failure), now)
                self._owner.leave_shut_out(row)
                log.warning(
                    "reply %d to %s: WhatsApp does not let this device write there (%s)",
                    row.id,
                    masked(row.chat),
                    failure,
                )
                return 0.0
            case SendOutcome.REFUSED:
                self._queue.mark_refused(row, str(failure))
                self._presence.answer_withdrawn(row.chat.jid)
                log.warning(
                    "reply %d to %s was refused by WhatsApp for good (%s)", row.id, masked(row.chat), failure
                )
                return 0.0


def _outgoing(row: Outbound) -> Outgoing:
    """What a reply says; raises ValueError where its row does not say that."""
    match row.kind:
        case OutboundKind.TEXT:
            return Outgoing(row.text)
        case OutboundKind.LOCATION:
            return Outgoing(row.text, row.kind, Place.from_json(row.upload))
        case _:
            return Outgoing(row.text, row.kind, UploadedFile.from_json(row.upload))


def _earliest(*times: float | None) -> float | None:
    return min((each for each in times if each is not None), default=None)
