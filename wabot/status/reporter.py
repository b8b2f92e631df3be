"""Tells people and programs what the link is doing: the journal, systemd's status line, the session's row."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from wabot.clock import local_now, utc_now
from wabot.link.connection import Connection
from wabot.link.states import SEEKING_STATES, STOPPED, TERMINAL_STATES, WAITING_STATES, State
from wabot.status.record import SessionRecord
from wabot.system.logs import unhandled_errors
from wabot.system.masking import mask_phone
from wabot.system.notify import ServiceNotifier
from wabot.system.qr import draw_qr
from wabot.whatsapp.signals import LinkSignal, Signal
from wabot.whatsapp.store import Account, Device

log = logging.getLogger(__name__)

# The library shows the first code for 60 s and each further one for 20 s (measured with neonize 0.5.2).
_FIRST_CODE_SECONDS, _NEXT_CODE_SECONDS = 60, 20


class Reporter:
    """Keeps every view of the session in step with the state machine; called by main only.

    Args:
        connection: the state machine, read only.
        account: told when a phone accepted it.
        notifier: systemd.
        record: where the session's state is written down.

    Attributes:
        clock_text: what is wrong with the machine's clock, or "".
    """

    def __init__(
        self,
        connection: Connection,
        account: Account,
        notifier: ServiceNotifier,
        record: SessionRecord,
    ) -> None:
        self._account = account
        self.record = record
        self.clock_text = ""
        self._connection = connection
        self._notifier = notifier
        self._attempts = 0
        self._counted_since: float = connection.since
        self._without_link_since: float | None = None
        self._last_sent_at: datetime | None = None
        # What an earlier process said is written over.
        self._models_trouble: str | None = None

    def show_signal(self, before: State, link_signal: LinkSignal) -> None:
        """Write down what a signal brought besides the state: codes, the account, a ban's end."""
        state = self._connection.state
        if state is State.CONNECTED and before is not state:
            self.record.update(qr=None, qr_expires_at=None, pair_code=None, banned_until=None)
        if link_signal.signal is Signal.QR_SHOWN and state is State.PAIRING:
            seconds = _NEXT_CODE_SECONDS if before is State.PAIRING else _FIRST_CODE_SECONDS
            self.record.update(qr=link_signal.detail, qr_expires_at=utc_now() + timedelta(seconds=seconds))
            log.info("scan this code with WhatsApp, Linked devices:\n%s", draw_qr(link_signal.detail))
        elif link_signal.signal is Signal.PAIRED:
            device = self._account.device = Device(jid=link_signal.detail, lid="")
            self.record.update(qr=None, qr_expires_at=None)
            log.info("linked as %s", mask_phone(device.phone))
        elif link_signal.signal is Signal.TEMPORARY_BAN:
            self.record.update(banned_until=utc_now() + timedelta(seconds=link_signal.wait_seconds))

    def show_state(self) -> None:
        """Write the state down where people and programs look for it."""
        connection, device = self._connection, self._account.device
        reason = "; ".join(filter(None, (self._reason(), self.clock_text)))
        self._count_attempt()
        # What people want to know is since when there is no link, and not since when this try lasts.
        if connection.state not in SEEKING_STATES:
            self._without_link_since = None
        elif self._without_link_since is None:
            self._without_link_since = connection.since
        self.record.update(
            state=connection.state.value,
            reason=reason,
            since=utc_now() - timedelta(seconds=time.monotonic() - connection.since),
            jid=device.jid if device else "",
            phone=device.phone if device else "",
            unstable_cycles=connection.unstable_cycles,
            connection_attempts=self._attempts,
        )
        log.info("state: %s%s", connection.state, f" ({reason})" if reason else "")

    def show_status(self, last_sent_at: datetime | None, trouble: str = "", models_trouble: str = "") -> None:
        """Keep systemd's status line true; the notifier says nothing twice.

        Args:
            last_sent_at: when the last reply left.
            trouble: what keeps messages from being stored, or "".
            models_trouble: that no model answers, or "".
        """
        if models_trouble != self._models_trouble:
            self._models_trouble = models_trouble
            self.record.update(models_trouble=models_trouble)
        if last_sent_at != self._last_sent_at:
            self._last_sent_at = last_sent_at
            self.record.update(last_reply_at=last_sent_at)
        self._notifier.status(self._status_line(trouble))

    def show_end(self, reason: str) -> None:
        """Write down why the process stops, or the state from which there was no way on."""
        state = self._connection.state
        self.record.update(
            state=state.value if state in TERMINAL_STATES else STOPPED,
            reason=reason,
            since=utc_now(),
            qr=None,
            qr_expires_at=None,
            pair_code=None,
        )

    def _count_attempt(self) -> None:
        """Count the dials since the link was up; a state that is shown twice counts once."""
        connection = self._connection
        if connection.state is State.CONNECTED:
            self._attempts = 0
        elif connection.state in (State.CONNECTING, State.RECONNECTING):
            self._attempts += connection.since != self._counted_since
        self._counted_since = connection.since

    def _reason(self) -> str:
        """Why the link is in its state, and how long it will wait there."""
        connection = self._connection
        if connection.state not in WAITING_STATES or connection.deadline is None:
            return connection.reason
        wait = timedelta(seconds=connection.deadline - time.monotonic())
        day = "%d %b " if wait > timedelta(hours=12) else ""
        return f"{connection.reason}; next dial at {local_now() + wait:{day}%H:%M:%S %Z}"

    def _status_line(self, trouble: str) -> str:
        connection = self._connection
        line = str(connection.state).replace("_", " ")
        if connection.state is State.CONNECTED and self._account.device:
            line += f" as {mask_phone(self._account.device.phone)}"
        elif reason := self._reason():
            line += f" ({reason})"
        began = connection.since if self._without_link_since is None else self._without_link_since
        since = local_now() - timedelta(seconds=time.monotonic() - began)
        line += f" since {since:%d %b %H:%M}"
        if self.clock_text:
            line += f"; {self.clock_text}"
        if self._models_trouble:
            line += f"; {self._models_trouble}"
        if trouble or self.record.backlog:
            line += f"; {trouble or self.record.backlog}"
        failures = unhandled_errors()
        if not failures:
            return line
        return f"{line}; {failures} internal error{'' if failures == 1 else 's'}, see the journal"
