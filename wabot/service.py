"""The service: starts the threads, applies signals to the state machine, carries out its commands.

Main never calls the client library, which can block without limit; it talks to the threads that do through
methods that return at once, and ends the process itself when one of them hangs past its deadline.
"""

from __future__ import annotations

import logging
import queue
import random
import signal
import time
from datetime import timedelta
from functools import partial
from typing import Any

from wabot.brain import Brain, BrainSettings
from wabot.connection import Action, Command, Connection, Limits
from wabot.connection_row import ConnectionRow
from wabot.errors import ExitCode
from wabot.health import Health
from wabot.inbox import Inbox
from wabot.link import Link
from wabot.link_signals import LinkSignal
from wabot.messages import IncomingMessage
from wabot.models import utc_now
from wabot.notify import ServiceNotifier
from wabot.outbox import Outbox
from wabot.prober import Prober
from wabot.replies import ReplyWorker, start_workers
from wabot.reporter import Reporter
from wabot.schedule import ChatSchedule
from wabot.sender import Sender
from wabot.session_record import SessionRecord
from wabot.session_store import Device
from wabot.settings import Settings
from wabot.shutdown import stop_in_order
from wabot.states import Signal, State
from wabot.whatsapp import WhatsAppClient

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_EXPIRE_REPLIES_AFTER = timedelta(hours=24)
_STUCK_SEND_SECONDS = 10.0
_RECORD_SECONDS = 2.0


class Service:
    """One number, from the first dial to the last.

    Args:
        settings: the configuration.
        device: the account the session store is linked to, or None.
        notifier: systemd.
    """

    def __init__(self, settings: Settings, device: Device | None, notifier: ServiceNotifier) -> None:
        user_id = settings.account.user_id
        self._settings = settings
        self._notifier = notifier
        self._signals: queue.SimpleQueue[LinkSignal] = queue.SimpleQueue()
        self._health = Health()
        self._inbox = Inbox(user_id)
        self._outbox = Outbox(user_id)
        self._schedule = ChatSchedule(settings.replies.debounce)
        self._connection = Connection(_limits(settings), time.monotonic(), random.random)
        record = SessionRecord(user_id, ConnectionRow(user_id, settings.database))
        self._reporter = Reporter(user_id, self._connection, device, notifier, record)
        self._client = WhatsAppClient(
            settings.session_store,
            f"wabot-{user_id}",
            self._signals.put,
            self._on_message,
            settings.connection.proxy,
        )
        self._link = Link(self._client, self._signals.put)
        self._prober = Prober(self._client.is_connected, settings.connection.keepalive_interval)
        self._sender = Sender(
            self._outbox,
            self._client,
            self._signals.put,
            partial(self._beat, "sender"),
            settings.connection.presence == "available",
        )
        self._last_event_at = time.monotonic()
        self._sender_kicked_at: float | None = None
        self._illness = ""

    def run(self) -> ExitCode:
        """Serve until asked to stop or until the link ends for good; return the exit code."""
        signal.signal(signal.SIGTERM, self._on_stop_signal)
        signal.signal(signal.SIGINT, self._on_stop_signal)
        self._start_threads()
        now = time.monotonic()
        banned_until = self._reporter.record.banned_until()
        if banned_until:
            wait_seconds = (banned_until - utc_now()).total_seconds()
            self._connection.resume_ban(now, wait_seconds, "temporarily banned, as before the restart")
        else:
            self._carry_out(self._connection.apply(Signal.STARTED, now))
        self._reporter.show_state()
        self._notifier.ready()
        command: Command | None = None
        while command is None or command.action is not Action.EXIT:
            command = self._turn()
        return self._end(command)

    def _turn(self) -> Command | None:
        """One turn of the main loop: a signal if there is one, the deadlines, the watchdog."""
        try:
            link_signal = self._signals.get(timeout=self._wait_seconds())
        except queue.Empty:
            command = None
        else:
            command = self._apply(link_signal)
        now = time.monotonic()
        command = command or self._connection.tick(now) or self._check_threads(now)
        if command is not None:
            self._carry_out(command)
            self._reporter.show_state()
        self._reporter.show_status(self._sender.last_sent_at)
        self._feed_watchdog(now)
        return command

    def _feed_watchdog(self, now: float) -> None:
        """Tell systemd that all is well, if it is: live, or in a declared wait inside its deadline."""
        connection = self._connection
        if connection.deadline is None:
            self._health.link_is_live()
        else:
            self._health.link_waits(connection.deadline, str(connection.state))
        verdict = self._health.verdict(now)
        if verdict.healthy:
            self._notifier.alive()
        elif verdict.reason != self._illness:
            log.error("not healthy: %s", verdict.reason)
        self._illness = verdict.reason

    def _apply(self, link_signal: LinkSignal) -> Command | None:
        """Give the state machine a signal, and everybody else the news."""
        before = self._connection.state
        if link_signal.signal is Signal.STOP_REQUESTED:
            self._connection.apply(Signal.STOP_REQUESTED, time.monotonic(), link_signal.reason)
            return Command(Action.EXIT, link_signal.reason)
        command = self._connection.apply(
            link_signal.signal, time.monotonic(), link_signal.reason, link_signal.wait_seconds
        )
        state = self._connection.state
        if state is State.CONNECTED and (before is not state or link_signal.signal is Signal.CONNECTED):
            self._prober.reset()
            self._sender.link_up()
        elif before is State.CONNECTED and state is not before:
            self._sender.link_down()
        self._reporter.show_signal(before, link_signal)
        if state is not before:
            self._reporter.show_state()
        return command

    def _carry_out(self, command: Command | None) -> None:
        if command is None or command.action is Action.EXIT:
            return
        log.info("%s: %s", command.action, command.reason)
        if self._connection.state is not State.CONNECTED:
            self._sender.link_down()
        match command.action:
            case Action.DIAL:
                self._link.dial()
            case Action.KICK:
                self._link.kick()
            case Action.HANG_UP:
                self._link.hang_up()

    def _check_threads(self, now: float) -> Command | None:
        """Look for what hangs although nobody said so."""
        if self._connection.state is State.CONNECTED:
            silent_seconds = self._prober.seconds_since_yes()
            limit_seconds = self._settings.connection.connect_timeout
            if silent_seconds > limit_seconds + self._settings.connection.keepalive_interval:
                reason = f"the client library has not confirmed the connection for {silent_seconds:.0f} s"
                return self._apply(LinkSignal(Signal.LINK_BROKEN, reason))
        overdue_seconds = self._health.overdue_seconds("sender", now)
        if overdue_seconds <= 0:
            self._sender_kicked_at = None
        elif self._sender_kicked_at is None:
            # A drop frees a send that waits for an acknowledgement that will never come.
            self._sender_kicked_at = now
            return self._apply(LinkSignal(Signal.LINK_BROKEN, "a send hangs in the client library"))
        elif now - self._sender_kicked_at > _STUCK_SEND_SECONDS:
            return Command(Action.EXIT, "a send still hangs after a fresh dial", ExitCode.LINK_LOST)
        return None

    def _on_message(self, message: IncomingMessage) -> None:
        """On the library's thread: store and return, because everything else waits behind it."""
        self._last_event_at = time.monotonic()
        now = utc_now()
        chat_id = self._inbox.store(message, now)
        if chat_id is not None:
            self._schedule.touch(chat_id)
        if not message.from_me:
            self._reporter.record.update(last_inbound_at=now)

    def _on_stop_signal(self, number: int, _frame: Any) -> None:
        # SimpleQueue.put is reentrant; logging is not.
        self._signals.put(
            LinkSignal(Signal.STOP_REQUESTED, f"asked to stop by {signal.Signals(number).name}")
        )

    def _start_threads(self) -> None:
        expired = self._outbox.expire(utc_now() - _EXPIRE_REPLIES_AFTER)
        if expired:
            log.warning("%d replies older than a day were given up", expired)
        for waiting in self._inbox.waiting():
            waited_seconds = (utc_now() - waiting.last_at).total_seconds()
            self._schedule.touch(waiting.chat_id, waited_seconds)
        brain = Brain(_brain_settings(self._settings))
        workers = [
            ReplyWorker(
                self._settings,
                self._inbox,
                self._outbox,
                self._schedule,
                brain,
                self._sender,
                self._sender.wake,
                partial(self._beat, f"reply-{number}"),
                lambda: self._reporter.user_ids,
            )
            for number in range(1, self._settings.replies.workers + 1)
        ]
        self._reporter.record.start()
        self._link.start()
        self._prober.start()
        self._sender.start()
        self._workers = start_workers(workers)

    def _beat(self, name: str, deadline_seconds: float) -> None:
        if deadline_seconds:
            self._health.beat(name, time.monotonic(), deadline_seconds)
        else:
            self._health.idle(name)

    def _wait_seconds(self) -> float:
        interval = self._notifier.watchdog_interval_seconds
        return min(_TICK_SECONDS, interval) if interval else _TICK_SECONDS

    def _end(self, command: Command) -> ExitCode:
        """Stop in the order that loses nothing."""
        level = logging.INFO if command.exit_code is ExitCode.OK else logging.ERROR
        log.log(level, "stopping: %s", command.reason)
        self._notifier.stopping()
        self._notifier.status(f"stopping: {command.reason}")
        self._schedule.close()
        self._prober.stop()
        stop_in_order(
            self._sender,
            self._workers,
            self._client.disconnect,
            lambda: time.monotonic() - self._last_event_at,
            self._link,
        )
        self._reporter.show_end(command.reason)
        self._reporter.record.stop(_RECORD_SECONDS)
        return command.exit_code


def _limits(settings: Settings) -> Limits:
    chosen = settings.connection
    return Limits(
        connect_seconds=chosen.connect_timeout,
        pairing_seconds=chosen.pairing_timeout,
        reconnect_seconds=chosen.reconnect_timeout,
        max_unstable_cycles=chosen.max_unstable_cycles,
        stop_when_unstable=chosen.on_unstable == "stop",
        cooldown_seconds=chosen.cooldown,
    )


def _brain_settings(settings: Settings) -> BrainSettings:
    return BrainSettings(
        providers=settings.ai.providers,
        persona_file=settings.ai.system_prompt_file,
        knowledge_folder=settings.ai.knowledge,
        history_messages=settings.ai.history_messages,
        history_max_age_seconds=settings.ai.history_max_age,
        max_length=settings.replies.max_length,
        max_parts=settings.replies.max_parts,
    )
