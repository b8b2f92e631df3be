"""The connection state machine: what the link is, what may happen to it, and what to do next.

Pure: no I/O, no thread, and no clock; every call is told the time. The main loop alone calls it, with the
signals that `whatsapp` translates, and carries out the command it gets back.

whatsmeow redials by itself after a drop, and for ever; the machine dials only where whatsmeow does not: the
first dial, after a temporary ban, and after a kick (stop, then connect again).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from wabot.config.settings import ConnectionSettings
from wabot.errors import ExitCode
from wabot.link.states import EXIT_CODES, TERMINAL_STATES, TRANSITIONS, WAITING_STATES, State
from wabot.whatsapp.signals import Signal

# whatsmeow asks two questions after a login, of up to 75 s each, before it says that it is connected.
_QUERIES_PER_CONNECT = 3
# How much longer each further pause after a refused login is than the first: 5, 15 and 60 minutes.
_REFUSAL_STEPS = (1, 3, 12)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, and how long they are waited for, in seconds."""

    connect_seconds: float = 60
    queries_seconds: float = 180
    pairing_seconds: float = 160
    reconnect_seconds: float = 360  # twice the 3 minutes after which whatsmeow itself forces a redial
    stable_seconds: float = 60
    cut_seconds: float = 5
    max_unstable_cycles: int = 3
    stop_when_unstable: bool = False
    cooldown_seconds: float = 900
    cooldown_max_seconds: float = 7200
    backoff_seconds: float = 2
    backoff_max_seconds: float = 300
    refused_seconds: tuple[float, ...] = (300, 900, 3600)
    repeated_ban_seconds: float = 60
    repeated_ban_max_seconds: float = 7200
    kick_memory_seconds: float = 3600
    # neonize 0.5.2 never closes the store of a dial that ended: each leaves a descriptor and 0.2 MB (measured
    # over 400), and without a network there are some 400 a day.
    dials_of_one_process: int = 500
    # A kick leaves more, 3.2 descriptors and 0.5 MB: the store, its journal, its index (measured over 10).
    kicks_of_one_process: int = 10


def limits_from(settings: ConnectionSettings) -> Limits:
    """The deadlines that these settings ask for."""
    return Limits(
        connect_seconds=settings.connect_timeout_seconds,
        queries_seconds=_QUERIES_PER_CONNECT * settings.connect_timeout_seconds,
        pairing_seconds=settings.pairing_timeout_seconds,
        reconnect_seconds=settings.reconnect_timeout_seconds,
        max_unstable_cycles=settings.max_unstable_cycles,
        stop_when_unstable=settings.on_unstable == "stop",
        cooldown_seconds=settings.cooldown_seconds,
        refused_seconds=tuple(step * settings.refusal_pause_seconds for step in _REFUSAL_STEPS),
    )


# whatsmeow's own pause before a redial grows by this with each since the last login (autoReconnect).
_REDIAL_PAUSE_SECONDS = 2.0


class LinkAction(StrEnum):
    """What the main loop has to do to the client library."""

    DIAL = "dial"
    HANG_UP = "hang up"
    KICK = "kick"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Command:
    """An order to the main loop; `exit_code` counts for EXIT only."""

    action: LinkAction
    reason: str
    exit_code: ExitCode = ExitCode.OK


class Connection:
    """Holds the state of one link and decides what to do about each signal and each deadline.

    Args:
        limits: the deadlines.
        now: monotonic seconds, the same clock as in every later call.
        jitter: returns a number in [0, 1); spreads the waits so that many bots do not dial together.
    """

    def __init__(self, limits: Limits, now: float, jitter: Callable[[], float]) -> None:
        self.state = State.STARTING
        self.since = now
        self.reason = ""
        self.deadline: float | None = None
        self.unstable_cycles = 0
        self._limits = limits
        self._jitter = jitter
        # When the link last came up; and its drop, as long as that may be a mere cut.
        self._connected_at = now
        self._dropped_at: float | None = None
        self._drop_was_early = False
        # How long the library is waited for at most: until it has asked all its questions after a dial, and
        # until its redials after a drop are over. It counts those itself, from one login to the next.
        self._latest_deadline = self._reconnect_by = now
        self._redials = 0
        # In a row: each makes the next wait longer.
        self._dials_failed = self._refusals = self._bans = self._cooldowns = 0
        # Of this process, which has only so many of either.
        self._dials = self._kicks = 0
        # Fresh dials because a deadline had passed, in a row, and the last of them; and the last fresh dial
        # because the link was broken. A second soon after tells that this process cannot mend it.
        self._overdue_kicks = 0
        self._last_overdue: float | None = None
        self._last_kick: float | None = None

    def apply(self, signal: Signal, now: float, reason: str = "", wait_seconds: float = 0) -> Command | None:
        """Take a signal in; return what has to be done to the client library, if anything.

        Args:
            signal: what happened.
            now: monotonic seconds.
            reason: a sentence for people, kept with the state.
            wait_seconds: for a temporary ban, how long it lasts.
        """
        before = self.state
        after = TRANSITIONS.get((before, signal))
        if after is None:
            # A late echo, as of the pairing when the link is up: it must not touch a deadline.
            return None
        self._enter(after, now, reason)
        if after in TERMINAL_STATES:
            code = ExitCode.OPERATOR_NEEDED if signal is Signal.STORE_FAILED else EXIT_CODES[after]
            return Command(LinkAction.EXIT, self.reason, code)
        match signal:
            case Signal.STARTED:
                return self._dial(now, "first dial")
            case Signal.QR_SHOWN:
                self.deadline = now + self._limits.pairing_seconds
            case Signal.PAIRED:
                self._expect_connection(now, self._limits.connect_seconds)
            case Signal.AUTHENTICATED:
                self._redials = 0
                self._expect_answers(now)
            case Signal.REDIAL_FAILED:
                self._expect_redial(now)
            case Signal.DISCONNECTED if before is State.RECONNECTING:
                self._expect_redial(now)
            case Signal.CONNECTED | Signal.KEEPALIVE_RESTORED:
                self._mark_connected(now)
            case Signal.DISCONNECTED | Signal.STREAM_ERROR | Signal.KEEPALIVE_LOST | Signal.SOCKET_GONE:
                self._mark_dropped(before, now)
                if signal is Signal.SOCKET_GONE:
                    # Nobody redials, or somebody would have said that it was lost.
                    self._expect_connection(now, self._limits.connect_seconds)
                elif signal is not Signal.KEEPALIVE_LOST:
                    self._expect_redial(now)
            case Signal.DIAL_FAILED:
                self._overdue_kicks = 0  # the library does come back from its dials
                self._dials_failed += 1
                self._wait(
                    now, self._limits.backoff_seconds, self._dials_failed, self._limits.backoff_max_seconds
                )
            case Signal.CONNECT_FAILURE:
                return self._back_off_after_refusal(now)
            case Signal.TEMPORARY_BAN:
                self._wait_for_ban(now, wait_seconds)
                return Command(LinkAction.HANG_UP, self.reason)
            case Signal.LINK_BROKEN:
                return self._kick(now, self.reason)
            case Signal.EVENTS_STOPPED:
                # What no name is known for may come again soon, and is no sign of a broken link.
                self._dropped_at = None
                return self._dial_afresh(now, self.reason)
            case Signal.DISK_FULL:
                self._dropped_at = None
                return Command(LinkAction.HANG_UP, self.reason)
            case Signal.ROOM_AGAIN:
                return self._dial(now, "there is room again")
            case Signal.WAIT_OVER:
                return self._dial(now, f"{before} over")
        return None

    def tick(self, now: float) -> Command | None:
        """Look at the deadlines; return what has to be done, if anything."""
        if self.state is State.STOPPING or self.state in TERMINAL_STATES:
            return None
        if self.state is State.CONNECTED and now - self._connected_at >= self._limits.stable_seconds:
            self.unstable_cycles = self._cooldowns = 0
        is_no_cut = self._dropped_at is not None and now - self._dropped_at > self._limits.cut_seconds
        if is_no_cut and (command := self._count_cycle(now)):
            return command
        if self.deadline is None or now < self.deadline:
            return None
        if self.state in WAITING_STATES:
            return self.apply(Signal.WAIT_OVER, now)
        if self.state is State.PAIRING:
            return self.apply(Signal.PAIRING_FAILED, now, "nobody scanned the code in time")
        return self._kick_overdue(now)

    def resume_ban(self, now: float, wait_seconds: float, reason: str) -> None:
        """Start inside a temporary ban that an earlier process met and that is not over."""
        self._enter(State.BANNED, now, reason)
        self._wait_for_ban(now, wait_seconds)

    def _enter(self, state: State, now: float, reason: str) -> None:
        """The only place where the state changes."""
        if state is not self.state:
            self.state, self.since, self.deadline, self.reason = state, now, None, reason
        elif reason:
            self.reason = reason

    def _expect_connection(self, now: float, seconds: float) -> None:
        self.deadline = now + seconds
        self._latest_deadline = self.deadline + self._limits.queries_seconds

    def _expect_redial(self, now: float) -> None:
        """The library dials again, at once after a drop, and each time 2 s later; but not for ever."""
        dials_at = now + _REDIAL_PAUSE_SECONDS * self._redials
        self._redials += 1
        deadline = min(dials_at + self._limits.connect_seconds, self._reconnect_by)
        self._expect_connection(now, max(deadline - now, 0.0))

    def _expect_answers(self, now: float) -> None:
        """The service took the login; bounded, because a link may be cut again and again at this point."""
        if self.deadline is None:
            self._expect_connection(now, self._limits.connect_seconds)
        patient = min(now + self._limits.queries_seconds, self._latest_deadline)
        self.deadline = max(self.deadline or now, patient)

    def _dial(self, now: float, reason: str) -> Command:
        self._dials += 1
        if self._dials > self._limits.dials_of_one_process:
            return Command(
                LinkAction.EXIT, f"a fresh process after {self._dials - 1} dials", ExitCode.LINK_LOST
            )
        self._redials = 0
        self._expect_connection(now, self._limits.connect_seconds)
        return Command(LinkAction.DIAL, reason)

    def _kick_overdue(self, now: float) -> Command:
        dialled_lately = (
            self.state is State.CONNECTING
            and self._last_overdue is not None
            and now - self._last_overdue < self._limits.kick_memory_seconds
        )
        if self._overdue_kicks or dialled_lately:
            return Command(LinkAction.EXIT, f"still {self.state} after a fresh dial", ExitCode.LINK_LOST)
        self._overdue_kicks += 1
        self._last_overdue = now
        overdue = f"{self.state} for {now - self.since:.0f} s"
        self._enter(State.CONNECTING, now, overdue)
        return self._dial_afresh(now, overdue)

    def _kick(self, now: float, reason: str) -> Command:
        if self._last_kick is not None and now - self._last_kick < self._limits.kick_memory_seconds:
            return Command(
                LinkAction.EXIT, f"{reason}, for the second time within an hour", ExitCode.LINK_LOST
            )
        self._last_kick = now
        self._dropped_at = None
        return self._dial_afresh(now, reason)

    def _dial_afresh(self, now: float, reason: str) -> Command:
        self._kicks += 1
        if self._kicks > self._limits.kicks_of_one_process:
            return Command(
                LinkAction.EXIT, f"{reason}, after {self._kicks - 1} fresh dials", ExitCode.LINK_LOST
            )
        self._redials = 0
        self._expect_connection(now, self._limits.connect_seconds)
        return Command(LinkAction.KICK, reason)

    def _mark_connected(self, now: float) -> None:
        self._connected_at = now
        if self._dropped_at is not None and now - self._dropped_at <= self._limits.cut_seconds:
            self._dropped_at = None
        self._dials_failed = self._refusals = self._bans = self._overdue_kicks = self._redials = 0

    def _mark_dropped(self, before: State, now: float) -> None:
        self._expect_connection(now, self._limits.reconnect_seconds)
        self._reconnect_by = now + self._limits.reconnect_seconds
        if before is State.CONNECTED:
            lasted = now - self._connected_at
            self._drop_was_early = lasted < self._limits.stable_seconds
            if not self._drop_was_early:
                self.unstable_cycles = self._cooldowns = 0
            self._dropped_at = now

    def _count_cycle(self, now: float) -> Command | None:
        """A link that fell early and did not come straight back was an unstable cycle."""
        limits = self._limits
        self._dropped_at = None
        if not self._drop_was_early or not limits.max_unstable_cycles:
            return None
        self.unstable_cycles += 1
        if self.unstable_cycles < limits.max_unstable_cycles or self.state in WAITING_STATES:
            # A wait goes on as it is: the rest could be shorter than a ban.
            return None
        cycles = self.unstable_cycles
        what = f"{cycles} connections in a row" if cycles > 1 else "the connection"
        reason = f"{what} fell within {limits.stable_seconds:.0f} s"
        if limits.stop_when_unstable:
            return self.apply(Signal.GAVE_UP, now, reason)
        self.apply(Signal.TOO_UNSTABLE, now, reason)
        self.unstable_cycles = 0
        self._cooldowns += 1
        self._wait(now, limits.cooldown_seconds, self._cooldowns, limits.cooldown_max_seconds)
        return Command(LinkAction.HANG_UP, reason)

    def _back_off_after_refusal(self, now: float) -> Command | None:
        if self._refusals >= len(self._limits.refused_seconds):
            return self.apply(Signal.GAVE_UP, now, self.reason)
        self.deadline = now + self._limits.refused_seconds[self._refusals]
        self._refusals += 1
        return Command(LinkAction.HANG_UP, self.reason)

    def _wait_for_ban(self, now: float, wait_seconds: float) -> None:
        if self._bans:
            growing_seconds = self._limits.repeated_ban_seconds * 2.0 ** min(self._bans - 1, 30)
            wait_seconds = max(wait_seconds, min(growing_seconds, self._limits.repeated_ban_max_seconds))
        self._bans += 1
        # A little past the expiry: a dial that comes too early may prolong the ban.
        self.deadline = now + wait_seconds * (1 + 0.05 * self._jitter()) + 5

    def _wait(self, now: float, first_seconds: float, attempt: int, longest_seconds: float) -> None:
        """Capped exponential wait, of which the last half is random ("equal jitter")."""
        # The exponent is bounded: after days of attempts the power would overflow a float.
        seconds = min(longest_seconds, first_seconds * 2.0 ** min(attempt - 1, 30))
        self.deadline = now + seconds / 2 * (1 + self._jitter())
