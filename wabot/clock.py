"""What time it is: the time of day for what is stored and for people, and how far the machine's clock is off.

How long something lasts within the process is `time.monotonic()`'s business. The time of day is the machine's
as long as WhatsApp does not contradict it: its servers put the time to each message, so that a clock that is
set wrong, or set at all, under a running bot neither holds replies back nor makes a live message look old.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

TOLERANCE_SECONDS = 120.0
"""By how much the machine's clock may differ from WhatsApp's before it counts as wrong."""
# What was heard is so much less certain with each second: no clock of a machine runs more exactly.
_DRIFT = 5e-5
# Before the library was made, and beyond what a calendar holds: no time at all.
_EARLIEST, _LATEST = 1_577_836_800.0, 4_102_444_800.0
# A clock that is only being slowed down or hurried on is not set.
_SHORTEST_STEP_SECONDS = 2.0


class _Heard(NamedTuple):
    """A time that WhatsApp named, the uptime when it was heard, and whether it had just been put."""

    moment: float
    uptime: float
    is_live: bool


class Clock:
    """The time of day, in seconds since 1970. Open to every thread.

    Args:
        wall: the machine's clock.
        uptime: seconds that pass also while the machine sleeps, and that nobody can set.
    """

    def __init__(
        self,
        wall: Callable[[], float] = lambda: time.time(),
        uptime: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self._wall = wall
        self._uptime = uptime
        self._lock = threading.Lock()
        self._heard: _Heard | None = None
        self._doubted: _Heard | None = None
        self._set_at = wall() - uptime()

    def now(self) -> float:
        """The time as far as it is known."""
        wall = self._wall()
        return wall - self._error_seconds(wall)

    def error_seconds(self) -> float:
        """How far the machine's clock is ahead, or behind if negative; 0 while nothing speaks against it."""
        return self._error_seconds(self._wall())

    @property
    def is_compared(self) -> bool:
        """Whether WhatsApp's is known, so that an error of 0 means that there is none."""
        return self._heard is not None and self._heard.is_live

    def hear(self, moment: float, is_live: bool, is_exact: bool = False) -> None:
        """Take note of a time that WhatsApp named: it cannot be earlier now.

        Args:
            moment: seconds since 1970.
            is_live: it was named just now, and not while this device was away.
            is_exact: it answers what this device asked just now, so that it is not later either.
        """
        if not _EARLIEST < moment < _LATEST:
            return
        with self._lock:
            uptime = self._uptime()
            known = self._heard
            if is_exact and known is not None and moment < _since(known, uptime) - TOLERANCE_SECONDS:
                known = None
            elif not is_exact and self._contradicts_all(moment, uptime):
                return
            # One that was long on its way says less than what is known already.
            if known is None or moment >= _since(known, uptime):
                known = _Heard(moment, uptime, is_live or (known is not None and known.is_live))
            elif is_live and not known.is_live:
                known = known._replace(is_live=True)
            self._heard = known

    def _contradicts_all(self, moment: float, uptime: float) -> bool:
        """Whether one message alone speaks of a time that neither the machine's clock nor WhatsApp's has."""
        wall = self._wall()
        is_known = self.is_compared and not self._error_seconds(wall)
        if not is_known or moment <= wall + TOLERANCE_SECONDS:
            return False
        doubted, self._doubted = self._doubted, _Heard(moment, uptime, is_live=True)
        return doubted is None or abs(moment - _since(doubted, uptime)) > TOLERANCE_SECONDS

    def reference(self) -> tuple[float, float] | None:
        """A time that WhatsApp named just as it was, and the uptime then; None before the first."""
        heard = self._heard
        return (heard.moment, heard.uptime) if heard is not None and heard.is_live else None

    def recall(self, moment: float, uptime: float) -> None:
        """Take over what an earlier process heard since this machine started."""
        with self._lock:
            if self._heard is None and uptime <= self._uptime() and _EARLIEST < moment < _LATEST:
                self._heard = _Heard(moment, uptime, is_live=True)

    def forget(self) -> None:
        """Believe the machine's clock again, as at the start."""
        self._heard = None

    def step_seconds(self) -> float:
        """By how much the machine's clock was set forward since the last call; less than nothing: back."""
        set_at = self._wall() - self._uptime()
        step, self._set_at = set_at - self._set_at, set_at
        return step if abs(step) > _SHORTEST_STEP_SECONDS else 0.0

    def _error_seconds(self, wall: float) -> float:
        heard = self._heard
        if heard is None:
            return 0.0
        error = wall - _since(heard, self._uptime())
        # Without a live message it may be any time later.
        is_wrong = error < -TOLERANCE_SECONDS or (heard.is_live and error > TOLERANCE_SECONDS)
        return error if is_wrong else 0.0


def _since(heard: _Heard, uptime: float) -> float:
    return heard.moment + (uptime - heard.uptime) * (1 - _DRIFT)


process_clock = Clock()
"""The clock of this process."""


def utc_now() -> datetime:
    """The time as it is stored: naive UTC."""
    return datetime.fromtimestamp(process_clock.now(), UTC).replace(tzinfo=None)


def local_now() -> datetime:
    """The time where the business is, aware."""
    return local(utc_now())


def error_text(error_seconds: float) -> str:
    """For people, what is wrong with the machine's clock; "" when nothing is."""
    if not error_seconds:
        return ""
    minutes = round(abs(error_seconds) / 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    span = f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
    direction = "ahead of" if error_seconds > 0 else "behind"
    return f"this machine's clock is {span} {direction} WhatsApp's"


_zone: ZoneInfo | None = None


def configure_zone(zone: ZoneInfo | None) -> None:
    """Let people read times of this zone (`account.timezone`); None is this machine's."""
    global _zone
    _zone = zone


def local(moment: datetime) -> datetime:
    """A moment on the clock of the business.

    Args:
        moment: naive UTC, or aware.
    """
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(_zone)


def local_text(moment: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
    """A moment as text on the clock of the business, with the name of the zone behind it.

    Args:
        moment: naive UTC, or aware.
        form: as for strftime, without the zone.
    """
    return local(moment).strftime(f"{form} %Z")


HOUR = timedelta(hours=1)
