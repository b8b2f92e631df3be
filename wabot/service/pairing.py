"""Links a number while somebody looks on: from the first dial to the first login, and no further."""

from __future__ import annotations

import random
import threading
import time

from wabot.application.row import ConnectionRow
from wabot.config.settings import Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.schedule import ChatSchedule
from wabot.errors import ExitCode
from wabot.inbound.drain import SpoolDrain
from wabot.inbound.intake import Intake
from wabot.inbound.reception import reception_of
from wabot.inbound.spool import Spool
from wabot.link.connection import Command, Connection, LinkAction, limits_from
from wabot.link.dialer import Dialer
from wabot.link.states import State
from wabot.service.events import MainEvents
from wabot.service.loop import MainLoop
from wabot.service.pairing_screen import PairingScreen
from wabot.service.shutdown import hang_up
from wabot.status.record import SessionRecord
from wabot.status.reporter import Reporter
from wabot.system import units
from wabot.system.notify import ServiceNotifier
from wabot.whatsapp.client import WhatsAppClient
from wabot.whatsapp.signals import LinkCodeRefused, LinkSignal, Signal
from wabot.whatsapp.store import Account

_TICK_SECONDS = 0.5
_RECORD_SECONDS = 2.0
# The phone goes on showing "Logging in…" until the new device has answered its first questions.
_SETTLE_SECONDS = 3.0


class Pairing(MainLoop):
    """One linking, by a QR code or by a code that is typed on the phone.

    What customers write meanwhile is stored, and answered when the service runs.

    Args:
        settings: the configuration; the database is open and the session lock held.
        screen: where people look.
        phone: digits of the number to link by a typed code; "" for a QR code.
    """

    def __init__(self, settings: Settings, screen: PairingScreen, phone: str) -> None:
        user_id = settings.account.user_id
        self._screen = screen
        self._phone = phone
        self._start = units.start(settings.file, for_good=True)
        signals = MainEvents(hurried_exit=ExitCode.FINDINGS)
        limits = limits_from(settings.connection)
        connection = Connection(limits, time.monotonic(), random.random)
        self._code_deadline = time.monotonic() + limits.connect_seconds + limits.pairing_seconds
        self._record = SessionRecord(user_id, ConnectionRow(user_id, settings.database))
        self._client = WhatsAppClient(settings.session_store, f"wabot-{user_id}", settings.connection.proxy)
        self._account = Account(None, self._client)
        # Whoever started this command is not waiting for systemd's notifications.
        reporter = Reporter(connection, self._account, ServiceNotifier({}), self._record)
        reception = reception_of(settings, Inbox(user_id), Outbox(user_id), edits=self._client)
        schedule = ChatSchedule(settings.replies.debounce_seconds)
        # Not started: what the database does not take now is for the service to bring there.
        drain = SpoolDrain(Spool(settings.spool), reception, schedule)
        self._intake = Intake(reception, schedule, self._record, drain)
        self._client.listen(signals, self._intake.take)
        self._asked_for_code = False
        self._can_try_again = True
        self._linked = False
        self._link_code = self._shown_code = ""
        super().__init__(connection, signals, Dialer(self._client, signals), reporter, _TICK_SECONDS)

    def run(self) -> ExitCode:
        """Link the number; return the exit code."""
        try:
            end = self._link_before_eyes()
        except BrokenPipeError:
            # As in `wabot pair | head`: nobody sees the code any more.
            end = self._failure("whoever looked on has gone")
        hang_up(self._client.disconnect, self._intake.seconds_since_message, self._dialer)
        self._reporter.show_end("" if end.exit_code is ExitCode.OK else end.reason)
        self._record.stop(_RECORD_SECONDS)
        return end.exit_code

    def _link_before_eyes(self) -> Command:
        self._signals.listen()
        self._record.start()
        self._dialer.start()
        self._screen.say("Connecting to WhatsApp …")
        self.carry_out(self._connection.apply(Signal.STARTED, time.monotonic()))
        end = self.turn_until_end()
        if end.exit_code is ExitCode.OK:
            self._screen.say(end.reason)
        else:
            self._screen.fail(end.reason)
        return end

    def on_tick(self, now: float) -> Command | None:
        """Look at the deadlines."""
        return self._connection.tick(now)

    def on_signal(self, before: State, link_signal: LinkSignal) -> Command | None:
        """Give whoever looks on the news."""
        match link_signal.signal:
            case Signal.STOP_REQUESTED:
                return self._failure(f"stopped; {'linked' if self._linked else 'nothing is linked'}")
            case Signal.PASSKEY_REQUIRED:
                self._can_try_again = False
            case Signal.QR_SHOWN if self._connection.state is State.PAIRING:
                self._show_code(link_signal.detail)
            case Signal.PAIRED:
                self._linked = True
                self._screen.say("The phone accepted. Linking …")
            case Signal.AUTHENTICATED if self._linked:
                self._screen.say("Logged in. Getting ready …")
        return None

    def _show_code(self, qr: str) -> None:
        if not self._phone:
            self._screen.show_qr(qr)
        elif not self._asked_for_code:
            self._asked_for_code = True
            self._screen.say("Asking WhatsApp for a code …")
            # Not on the library's thread, which would wait for itself, and not here, where it may hang.
            threading.Thread(target=self._ask_for_code, name="link-code", daemon=True).start()

    def _ask_for_code(self) -> None:
        try:
            self._link_code = self._client.pair_by_phone(self._phone)
        except LinkCodeRefused as refusal:
            self._signals.put(LinkSignal(Signal.PAIRING_FAILED, str(refusal)))

    def on_change(self, now: float) -> None:
        """Say what is waited for."""
        connection = self._connection
        if connection.state is State.BACKOFF and connection.deadline is not None:
            self._screen.say(f"{connection.reason}; trying again in {connection.deadline - now:.0f} s …")

    def judge(self, command: Command | None, now: float) -> Command | None:
        """Show a code that came, and end where there is nothing more to do, or to wait for."""
        if self._link_code != self._shown_code:
            self._shown_code = self._link_code
            self._record.update(pair_code=self._link_code)
            self._screen.show_link_code(self._link_code)
        if command is None or command.action is not LinkAction.EXIT:
            return self._verdict(now)
        if self._connection.state is State.PAIRING_EXPIRED and self._can_try_again:
            # For a service this is the end; whoever sits at a terminal types the command once more.
            return self._failure(f"{command.reason}; start again for a new code")
        return command

    def _verdict(self, now: float) -> Command | None:
        """Whether it is done, or there is nothing more to wait for at a terminal."""
        connection = self._connection
        if connection.state is State.CONNECTED and now - connection.since >= _SETTLE_SECONDS:
            phone = self._account.device.phone if self._account.device else ""
            return Command(LinkAction.EXIT, f"Ready: linked as +{phone}. Start the bot: {self._start}")
        if self._linked and connection.state in (State.BANNED, State.COOLDOWN):
            return self._failure(
                f"linked, but {connection.reason}; the bot waits until it is over: {self._start}"
            )
        if not self._linked and now > self._code_deadline:
            return self._failure(connection.reason or "WhatsApp showed no code in time")
        return None

    def _failure(self, reason: str) -> Command:
        return Command(LinkAction.EXIT, reason, ExitCode.FINDINGS)
