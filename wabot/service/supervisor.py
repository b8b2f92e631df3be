"""Finds what hangs although nobody said so, and lets systemd's watchdog know while nothing does."""

from __future__ import annotations

import logging

from wabot.errors import ExitCode
from wabot.link.connection import Command, Connection, LinkAction
from wabot.link.prober import Prober
from wabot.link.states import State
from wabot.outbound.sender import Sender
from wabot.service.health import Health
from wabot.session.ownership import HeldSession
from wabot.system.notify import ServiceNotifier
from wabot.system.process import show_stacks_unless_beaten
from wabot.whatsapp.signals import LinkSignal, Signal

log = logging.getLogger(__name__)

_FREED_SECONDS = 10.0
_SAY_AGAIN_SECONDS = 60.0
_SUSPICION_SECONDS = 15.0
_OFFLINE_SENDS_SECONDS = 10.0
_MEDIA_LOGIN_SECONDS = 600.0


class Supervisor:
    """Looks at the threads that call the client library, from main, which never does.

    Args:
        connection: the state machine, read only.
        prober: asks the library for signs of life.
        health: where the sender and the workers promise when they will be done.
        sender: the thread that sends.
        notifier: systemd.
        session: tells when it is no longer this process's own.
        hang_seconds: how long the library may owe the prober an answer. It owes one while it dials, and for
            ever when the service never answers its HTTP upgrade (measured with neonize 0.5.2).
    """

    def __init__(
        self,
        connection: Connection,
        prober: Prober,
        health: Health,
        sender: Sender,
        notifier: ServiceNotifier,
        session: HeldSession,
        hang_seconds: float,
    ) -> None:
        self._connection = connection
        self._prober = prober
        self._health = health
        self._sender = sender
        self._notifier = notifier
        self._session = session
        self._hang_seconds = hang_seconds
        self._kicked_at: float | None = None
        self._complained_at = self._media_login_at = float("-inf")
        self._suspicion = ""
        self._suspected_until = float("-inf")

    def suspect(self, reason: str, now: float) -> None:
        """The library's log says that the link is gone for good: true if the library itself says so, too.

        Args:
            reason: what the log said, for people.
            now: monotonic seconds.
        """
        self._suspicion, self._suspected_until = reason, now + _SUSPICION_SECONDS
        self._prober.reset()

    def look(self, now: float) -> LinkSignal | Command | None:
        """What the main loop has to know or do; `now` in monotonic seconds."""
        if not self._sender.is_alive():
            return Command(LinkAction.EXIT, "the sender has died", ExitCode.BUG)
        if lost := self._session.lost():
            return Command(LinkAction.EXIT, lost, ExitCode.OPERATOR_NEEDED)
        if not self._session.is_locked():
            # Whoever starts now locks a new file; the next process does, or finds who was quicker.
            reason = "the lock file of the session was removed, which guards nothing any more: starting again"
            return Command(LinkAction.EXIT, reason, ExitCode.LINK_LOST)
        if self._sender.stuck_uploads > 1:
            return Command(LinkAction.EXIT, "two uploads hang in the client library", ExitCode.LINK_LOST)
        silent_seconds = self._prober.seconds_without_answer()
        if silent_seconds > self._hang_seconds:
            reason = f"the client library has not answered for {silent_seconds:.0f} s"
            return Command(LinkAction.EXIT, reason, ExitCode.LINK_LOST)
        if self._prober.is_gone and now < self._suspected_until:
            self._suspected_until = now
            return LinkSignal(Signal.LINK_BROKEN, self._suspicion)
        if self._connection.state is State.CONNECTED and self._prober.is_gone:
            return LinkSignal(Signal.SOCKET_GONE, "the connection is gone without a word")
        if now - self._media_login_at > _MEDIA_LOGIN_SECONDS and self._sender.media_login_refused():
            # The library keeps what it logs in with there, until it dials anew.
            self._media_login_at = now
            return LinkSignal(Signal.LINK_BROKEN, "the media hosts do not take this login any more (401)")
        if self._sender.seconds_offline > _OFFLINE_SENDS_SECONDS:
            return LinkSignal(Signal.LINK_BROKEN, "the connection is gone without a word")
        if self._health.overdue_seconds("sender", now) <= 0:
            self._kicked_at = None
        elif self._kicked_at is None:
            # A drop frees a send that waits for an acknowledgement that will never come.
            self._kicked_at = now
            return LinkSignal(Signal.LINK_BROKEN, "a send hangs in the client library")
        elif now - self._kicked_at > _FREED_SECONDS:
            return Command(LinkAction.EXIT, "a send still hangs after a fresh dial", ExitCode.LINK_LOST)
        return None

    def feed_watchdog(self, now: float) -> None:
        """Tell systemd that all is well, if it is: live, or in a declared wait inside its deadline."""
        connection = self._connection
        if connection.deadline is None:
            self._health.link_is_live()
        else:
            self._health.link_waits(connection.deadline, str(connection.state))
        verdict = self._health.verdict(now)
        if verdict.healthy:
            self._notifier.alive()
            if self._notifier.watchdog_seconds:
                show_stacks_unless_beaten(self._notifier.watchdog_seconds)
        elif now - self._complained_at > _SAY_AGAIN_SECONDS:
            self._complained_at = now
            log.error("not healthy: %s", verdict.reason)
