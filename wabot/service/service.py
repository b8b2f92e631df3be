"""The service: starts the threads, goes round the main loop, and stops in order.

Main ends the process itself when a thread that calls the client library hangs past its deadline.
"""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING

from wabot.alerts.checks import link_view
from wabot.alerts.watcher import Watcher
from wabot.application.row import ConnectionRow
from wabot.clock import process_clock, utc_now
from wabot.config.settings import CLOCK, Settings
from wabot.database.lent_connections import rest
from wabot.errors import ExitCode
from wabot.link.connection import Command, Connection, LinkAction, limits_from
from wabot.link.dialer import Dialer
from wabot.link.prober import Prober
from wabot.link.states import TRANSITIONS, State
from wabot.service.clock_watch import ClockWatch
from wabot.service.events import MainEvents
from wabot.service.health import Health
from wabot.service.loop import MainLoop
from wabot.service.pipeline import Pipeline
from wabot.service.shutdown import LOST_PATIENCE_SECONDS, PATIENCE_SECONDS
from wabot.service.supervisor import Supervisor
from wabot.session.logged_out import put_aside
from wabot.session.ownership import HeldSession
from wabot.session.store_room import StoreRoom
from wabot.status.record import SessionRecord
from wabot.status.reporter import Reporter
from wabot.system.notify import ServiceNotifier
from wabot.system.process import no_beat_expected
from wabot.whatsapp.client import WhatsAppClient
from wabot.whatsapp.signals import LinkSignal, Signal
from wabot.whatsapp.store import Account

if TYPE_CHECKING:
    from wabot.status.metrics_file import MetricsFile

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_RECORD_SECONDS = 2.0
_ALERT_SECONDS = 8.0
_METRICS_SECONDS = 2.0


class Service(MainLoop):
    """One number, from the first dial to the last.

    Args:
        settings: the configuration.
        session: what it serves.
        notifier: systemd.
    """

    def __init__(self, settings: Settings, session: HeldSession, notifier: ServiceNotifier) -> None:
        user_id = settings.account.user_id
        chosen = settings.connection
        self._settings = settings
        self._notifier = notifier
        signals = MainEvents(hurried_exit=ExitCode.OK)
        connection = Connection(limits_from(chosen), time.monotonic(), random.random)
        self._record = SessionRecord(user_id, ConnectionRow(user_id, settings.database))
        self._client = WhatsAppClient(settings.session_store, f"wabot-{user_id}", chosen.proxy)
        account = Account(session.device, self._client)
        reporter = Reporter(connection, account, notifier, self._record)
        # Often enough to find a dial that hangs within twice the time a dial may take.
        probe_seconds = min(chosen.keepalive_interval_seconds, chosen.connect_timeout_seconds / 2)
        self._prober = Prober(self._client, probe_seconds)
        health = Health()
        self._messages = Pipeline(settings, self._client, health, self._record, account)
        self._client.listen(signals, self._messages.intake.take, self._messages.receipts.take)
        dialer = Dialer(self._client, signals, self._messages)
        self._alerts = Watcher(settings, self._messages.counts, self._messages, self._messages.transcriptions)
        self._metrics = _metrics_file(settings, self._messages)
        self._supervisor = Supervisor(
            connection,
            self._prober,
            health,
            self._messages.sender,
            notifier,
            session,
            2 * chosen.connect_timeout_seconds - probe_seconds,
        )
        self._clock_watch = ClockWatch(process_clock, settings.session_directory / CLOCK)
        self._room = StoreRoom(settings.session_store.parent)
        interval = notifier.watchdog_interval_seconds
        super().__init__(
            connection, signals, dialer, reporter, min(_TICK_SECONDS, interval) if interval else _TICK_SECONDS
        )

    def run(self) -> ExitCode:
        """Serve until asked to stop or until the link ends for good; return the exit code."""
        self._signals.listen()
        self._record.start()
        self._alerts.start()
        if self._metrics:
            self._metrics.start()
        self._messages.start()
        self._dialer.start()
        self._prober.start()
        now = time.monotonic()
        banned_until = self._record.banned_until()
        if banned_until:
            wait_seconds = (banned_until - utc_now()).total_seconds()
            self._connection.resume_ban(now, wait_seconds, "temporarily banned, as before the restart")
        else:
            self.carry_out(self._look_for_room() or self._connection.apply(Signal.STARTED, now))
        self.show_changes(now)
        self._notifier.ready()
        self._messages.load_models()
        rest()
        return self._end(self.turn_until_end())

    def on_tick(self, now: float) -> Command | None:
        """Look at the disk, at the deadlines, at what hangs although nobody said so, and for orders."""
        self._messages.look_for_orders()
        return self._look_for_room() or self._connection.tick(now) or self._supervise(now)

    def judge(self, command: Command | None, now: float) -> Command | None:
        """Keep the status line true, and feed the watchdog; only commands end a service."""
        if self._clock_watch.look():
            self._reporter.clock_text = self._clock_watch.text
            self.forget_what_was_shown()
            self.show_changes(now)
        self._reporter.show_status(
            self._messages.sender.last_sent_at, self._messages.trouble, self._messages.models_trouble
        )
        self._supervisor.feed_watchdog(now)
        return command

    def _look_for_room(self) -> Command | None:
        """No room, no link: what the library cannot store it would acknowledge, and lose."""
        shortage = self._room.shortage()
        signal = Signal.DISK_FULL if shortage else Signal.ROOM_AGAIN
        if (self._connection.state, signal) not in TRANSITIONS:
            return None
        return self.apply(LinkSignal(signal, shortage))

    def _supervise(self, now: float) -> Command | None:
        # A message that neither database nor disk takes would be lost with the process.
        if (gone := self._messages.tables.gone) and not self._messages.intake.is_taking:
            return Command(LinkAction.EXIT, gone, ExitCode.LINK_LOST)
        found = self._supervisor.look(now)
        return self.apply(found) if isinstance(found, LinkSignal) else found

    def on_signal(self, before: State, link_signal: LinkSignal) -> Command | None:
        """Tell the threads what they have to know of it."""
        match link_signal.signal:
            case Signal.STOP_REQUESTED:
                return Command(LinkAction.EXIT, link_signal.reason)
            case Signal.REDIAL_GIVEN_UP:
                self._supervisor.suspect(link_signal.reason, time.monotonic())
            case Signal.PAIRED:
                self._messages.account_is_linked()
        state = self._connection.state
        if state is State.CONNECTED and (before is not state or link_signal.signal is Signal.CONNECTED):
            self._prober.reset()
            self._messages.sender.link_up()
        elif before is State.CONNECTED and state is not before:
            self._messages.sender.link_down()
        return None

    def on_change(self, now: float) -> None:
        """Show the state to alerts and metrics as well."""
        self._alerts.link_changed(link_view(self._connection, now, process_clock.now()))
        if self._metrics:
            self._metrics.link_changed(self._connection.state)

    def carry_out(self, command: Command | None) -> None:
        """Hold replies while the line is not there, and do with it what has to be done."""
        if command is None or command.action is LinkAction.EXIT:
            return
        log.info("%s: %s", command.action, command.reason)
        if self._connection.state is not State.CONNECTED:
            self._messages.sender.link_down()
        super().carry_out(command)

    def _end(self, command: Command) -> ExitCode:
        """Stop in the order that loses nothing."""
        is_asked = command.exit_code is ExitCode.OK
        log.log(logging.INFO if is_asked else logging.ERROR, "stopping: %s", command.reason)
        no_beat_expected()
        self._notifier.stopping()
        self._notifier.status(f"stopping: {command.reason}")
        self._prober.stop()
        is_lost = command.exit_code is ExitCode.LINK_LOST
        self._messages.stop(
            self._client.disconnect, self._dialer, LOST_PATIENCE_SECONDS if is_lost else PATIENCE_SECONDS
        )
        # The next process will say so if it is no better there.
        self._alerts.stop(0 if command.exit_code.restarts or is_asked else _ALERT_SECONDS)
        if self._metrics:
            self._metrics.stop(_METRICS_SECONDS)
        if self._connection.state is State.LOGGED_OUT:
            put_aside(self._settings, command.reason)
        self._reporter.show_end(command.reason)
        self._record.stop(_RECORD_SECONDS)
        return command.exit_code


def _metrics_file(settings: Settings, messages: Pipeline) -> MetricsFile | None:
    if settings.metrics.file is None:
        return None
    # Loaded only where it is wanted: it takes 1.4 MB (measured with prometheus_client 0.26).
    from wabot.status.metrics_file import MetricsFile

    return MetricsFile(
        settings.metrics.file,
        settings.account.user_id,
        messages.counts,
        messages.transcriptions,
        messages.files,
    )
