"""Notices that the machine's clock is set, or wrong, and says so once."""

from __future__ import annotations

import logging
from datetime import timedelta

from wabot.clock import Clock, error_text

log = logging.getLogger(__name__)

_CHANGE_SECONDS = 60.0


class ClockWatch:
    """Looks at the clock now and then; for one thread.

    Args:
        clock: the process's.

    Attributes:
        text: what is wrong with the machine's clock, for people; "" while nothing is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._error_seconds = 0.0
        self.text = ""

    def look(self) -> bool:
        """Look; whether there is news, so that what was said of times has to be said anew."""
        step = self._clock.step_seconds()
        if step:
            direction = "forward" if step > 0 else "back"
            log.warning(
                "this machine's clock was set %s by %s; nothing waits for it",
                direction,
                timedelta(seconds=round(abs(step))),
            )
        error = self._clock.error_seconds()
        is_changed = bool(error) != bool(self.text) or abs(error - self._error_seconds) > _CHANGE_SECONDS
        if is_changed:
            self._error_seconds, self.text = error, error_text(error)
            if error:
                log.warning("%s, which counts until this one is right", self.text)
            else:
                log.info("this machine's clock agrees with WhatsApp's again")
        return bool(step) or is_changed
