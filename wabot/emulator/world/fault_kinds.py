"""The faults that carry numbers of their own, and what they may be."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal

from wabot.emulator.wire.stanza import Node

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
