"""What is to go wrong, and when: scripted by tests, asked for by the service at each step.

All methods may be called from any thread at any time. A fault that has a number of `times` wears off.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wabot.emulator.wire.stanza import Node
from wabot.emulator.world.media_faults import MediaFaults

CutMoment = Literal["before_ack", "after_ack", "taken", "mid_frame"]
DialStage = Literal["tls", "upgrade", "handshake", "success"]
AfterPairing = Literal["drop", "refuse_redial"]

LOGIN_FAILURES = (400, 401, 402, 403, 404, 405, 406, 409, 411, 415, 418, 500, 501, 503)
"""The reasons a login can be refused with (whatsmeow types/events, ConnectFailureReason)."""


@dataclass(slots=True)
class Cut:
    """When the link is cut at a send; `seen` counts the sends that could have been the one."""

    moment: CutMoment
    times: int | None
    every: int
    only: str | None
    seen: int = 0


@dataclass(slots=True)
class AckFault:
    """How the next acknowledgements of the bot's messages go wrong."""

    times: int
    late_seconds: float = 0.0
    never: bool = False
    error: int | None = None


@dataclass(slots=True)
class QueryFailure:
    """How the next queries in a namespace are refused; `times` None is all of them, `until` is monotonic."""

    xmlns: str
    code: int
    times: int | None
    until: float | None


@dataclass(slots=True)
class LoginFailure:
    """How the next logins are refused; `until` (monotonic) makes a ban end and its remaining time be told."""

    reason: int
    times: int | None
    code: int | None = None
    expire_seconds: int | None = None
    until: float | None = None

    def stanza(self) -> Node:
        """The <failure> the client is told."""
        attributes: dict[str, str] = {"reason": str(self.reason), "location": "loopback"}
        if self.code is not None:
            attributes["code"] = str(self.code)
        if self.until is not None:
            attributes["expire"] = str(max(1, math.ceil(self.until - time.monotonic())))
        elif self.expire_seconds is not None:
            attributes["expire"] = str(self.expire_seconds)
        return Node("failure", attributes)


class Faults:
    """The script of faults of one emulator; those with files are in `media`."""

    def __init__(self, refuse_connections: Callable[[float], None]) -> None:
        """`refuse_connections(seconds)` closes the port for a while."""
        self._refuse_connections = refuse_connections
        self._lock = threading.Lock()
        self.latency_seconds = 0.0
        self.media = MediaFaults()
        self._forget()

    def _forget(self) -> None:
        self._cuts: list[Cut] = []
        self._acks: list[AckFault] = []
        self._login_failures: list[LoginFailure] = []
        self._hangs: dict[str, int] = {}
        self._http_statuses: list[int] = []
        self._after_pairing: list[AfterPairing] = []
        self._refused_dials = 0
        self._ignored: set[str] = set()
        self._query_failures: list[QueryFailure] = []

    def clear(self) -> None:
        """Take every fault back that has not happened yet; latency too."""
        with self._lock:
            self._forget()
            self.latency_seconds = 0.0
        self.media.clear()

    def cut_at_send(
        self,
        times: int | None = None,
        when: CutMoment = "before_ack",
        every: int = 1,
        only: str | None = None,
    ) -> None:
        """Cut the link when the bot sends a message to a customer.

        `when`: "before_ack": the message is lost with the link, nobody gets it; "taken": the customer gets it
        but the acknowledgement is lost; "mid_frame": the same, with half of the acknowledgement's frame
        written; "after_ack": the link goes right after the acknowledgement. Every `every`-th send is cut,
        `times` times in all (default: once, or for ever when `every` is given). A message that is sent again
        counts as another send. `only`: sends to the customer with this phone number (digits).
        """
        if when not in ("before_ack", "after_ack", "taken", "mid_frame") or every < 1:
            raise ValueError(f"no such moment to cut at: {when!r}, every {every}")
        limit = times if times is not None or every > 1 else 1
        with self._lock:
            self._cuts.append(Cut(when, limit, every, only))

    def ack(
        self, *, late_seconds: float = 0.0, never: bool = False, error: int | None = None, times: int = 1
    ) -> None:
        """Acknowledge the next `times` messages late, never, or with an error (which nobody then gets)."""
        with self._lock:
            self._acks.append(AckFault(times, late_seconds, never, error))

    def fail_login(
        self,
        reason: int,
        *,
        times: int | None = 1,
        code: int | None = None,
        expire_seconds: int | None = None,
    ) -> None:
        """Refuse the next `times` logins (None: all) with `reason`, one of LOGIN_FAILURES.

        402 is a temporary ban: `code` says why (101..104 and 106 are known to whatsmeow) and `expire_seconds`
        how long the client is told to wait.
        """
        if reason not in LOGIN_FAILURES:
            raise ValueError(f"no login fails with {reason}: choose one of {LOGIN_FAILURES}")
        if reason == 402:
            code, expire_seconds = code or 101, 60 if expire_seconds is None else expire_seconds
        with self._lock:
            self._login_failures.append(LoginFailure(reason, times, code, expire_seconds))

    def ban(self, seconds: float, code: int = 101) -> None:
        """Refuse every login of the next `seconds` as temporarily banned, telling the time that is left."""
        with self._lock:
            self._login_failures.append(LoginFailure(402, None, code, until=time.monotonic() + seconds))

    def refuse(self, seconds: float) -> None:
        """Refuse TCP connections for `seconds`; the link that is up stays."""
        self._refuse_connections(seconds)

    def refuse_dials(self, times: int = 1) -> None:
        """Accept the next `times` TCP connections and close them at once."""
        with self._lock:
            self._refused_dials += times

    def hang(self, stage: DialStage, times: int = 1) -> None:
        """Leave the next `times` dials without an answer at `stage`, with the connection open."""
        if stage not in ("tls", "upgrade", "handshake", "success"):
            raise ValueError(f"a dial has no stage {stage!r}")
        with self._lock:
            self._hangs[stage] = self._hangs.get(stage, 0) + times

    def http_status(self, status: int, times: int = 1) -> None:
        """Answer the next `times` requests for a WebSocket with this HTTP status instead."""
        with self._lock:
            self._http_statuses.extend([status] * times)

    def ignore_queries(self, xmlns: str) -> None:
        """Leave queries in this namespace ("encrypt", "passive", "usync", "w:p" ...) unanswered."""
        with self._lock:
            self._ignored.add(xmlns)

    def fail_queries(
        self, xmlns: str, code: int, *, times: int | None = 1, seconds: float | None = None
    ) -> None:
        """Refuse queries in this namespace ("usync" asks who is behind a number, "encrypt" for keys ...).

        The next `times` of them (None: all) get the error `code`, 429 say, for `seconds` at most.
        """
        until = None if seconds is None else time.monotonic() + seconds
        with self._lock:
            self._query_failures.append(QueryFailure(xmlns, code, times, until))

    def answer_queries(self) -> None:
        """End `ignore_queries` and `fail_queries`; what was ignored stays unanswered."""
        with self._lock:
            self._ignored.clear()
            self._query_failures.clear()

    def latency(self, seconds: float) -> None:
        """Let every stanza to the client leave this late, on the present link as on later ones."""
        self.latency_seconds = seconds

    def after_pairing(self, what: AfterPairing) -> None:
        """Once the next pairing is done: "drop" the link without the 515 that asks for a new dial, or
        "refuse_redial": ask for it and close the connection that comes."""
        if what not in ("drop", "refuse_redial"):
            raise ValueError(f"nothing known can happen after pairing that is called {what!r}")
        with self._lock:
            self._after_pairing.append(what)

    # What the service asks at each step.

    def take_cut(self, phone: str) -> CutMoment | None:
        """The moment to cut the link at for the message that goes to `phone`, if any."""
        with self._lock:
            for cut in self._cuts:
                if cut.only is not None and cut.only != phone:
                    continue
                cut.seen += 1
                if cut.seen % cut.every:
                    continue
                if cut.times is not None:
                    cut.times -= 1
                    if cut.times <= 0:
                        self._cuts.remove(cut)
                return cut.moment
        return None

    def take_ack(self) -> AckFault | None:
        """What goes wrong with this acknowledgement, if anything."""
        with self._lock:
            if not self._acks:
                return None
            fault = self._acks[0]
            fault.times -= 1
            if fault.times <= 0:
                del self._acks[0]
            return fault

    def take_login_failure(self) -> LoginFailure | None:
        """How this login is refused, if it is."""
        with self._lock:
            now = time.monotonic()
            self._login_failures = [
                failure for failure in self._login_failures if failure.until is None or failure.until > now
            ]
            if not self._login_failures:
                return None
            failure = self._login_failures[0]
            if failure.times is not None:
                failure.times -= 1
                if failure.times <= 0:
                    del self._login_failures[0]
            return failure

    def take_hang(self, stage: DialStage) -> bool:
        """Whether this dial is left without an answer at `stage`."""
        with self._lock:
            left = self._hangs.get(stage, 0)
            self._hangs[stage] = max(0, left - 1)
            return left > 0

    def take_refused_dial(self) -> bool:
        """Whether this connection is closed at once."""
        with self._lock:
            refused = self._refused_dials > 0
            self._refused_dials -= refused
            return refused

    def take_http_status(self) -> int | None:
        """The HTTP error this request for a WebSocket is answered with, if any."""
        with self._lock:
            return self._http_statuses.pop(0) if self._http_statuses else None

    def take_after_pairing(self) -> AfterPairing | None:
        """What goes wrong after this pairing, if anything."""
        with self._lock:
            return self._after_pairing.pop(0) if self._after_pairing else None

    def ignores(self, xmlns: str) -> bool:
        """Whether queries in this namespace are left unanswered."""
        with self._lock:
            return xmlns in self._ignored

    def take_query_failure(self, xmlns: str) -> int | None:
        """The error this query in this namespace is answered with, if any."""
        with self._lock:
            now = time.monotonic()
            self._query_failures = [
                failure
                for failure in self._query_failures
                if failure.times != 0 and (failure.until is None or failure.until > now)
            ]
            failure = next((one for one in self._query_failures if one.xmlns == xmlns), None)
            if failure is None:
                return None
            if failure.times is not None:
                failure.times -= 1
            return failure.code
