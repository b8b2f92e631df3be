"""What threads tell each other: that there is something to do, and that they will be done in time."""

from __future__ import annotations

from time import monotonic


class Pulse:
    """Promises of one thread: when it will be heard of again. Kept by it, and asked by any other.

    Args:
        usual_seconds: how long what it does may take, where it does not say so.
    """

    def __init__(self, usual_seconds: float = 60.0) -> None:
        self._usual_seconds = usual_seconds
        # One value, so that who asks never sees half of a promise.
        self._promise: tuple[float, float] | None = None

    def busy(self, seconds: float | None = None) -> None:
        """Promise to be done, or to promise anew, within these seconds; the usual ones without any."""
        self._promise = monotonic(), self._usual_seconds if seconds is None else seconds

    def idle(self) -> None:
        """Promise nothing: there is nothing to do, for as long as it likes."""
        self._promise = None

    def silence(self, now: float) -> tuple[float, float]:
        """For how many seconds the thread has been silent, and for how many it may be; zeros when idle."""
        at, seconds = self._promise or (now, 0.0)
        return now - at, seconds
