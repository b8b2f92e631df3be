"""The circuit breaker: leaves a provider that keeps failing alone for a while. Pure: `now` is handed in."""

from __future__ import annotations

import threading

FAILURES_TO_OPEN = 3
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 600.0


class CircuitBreaker:
    """Closed while calls succeed; open after three failures in a row; half-open when the pause is over.

    Of failures that may be due to what was asked, a chat counts once: one that tries again and again must not
    keep all others from the provider.

    Half-open lets one call through: its success closes the circuit, its failure doubles the pause, from 30 s
    up to 10 min. Every call that `try_acquire` allowed must end in `record_success` or `record_failure`, or
    in `give_back` when it was not made.
    Safe to share by threads; told the time in monotonic seconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._chats: set[str] = set()
        self._pause_seconds = 0.0
        self._open_until: float | None = None
        self._trial_running = False

    def try_acquire(self, now: float) -> bool:
        """Ask for leave to make a call now.

        Returns:
            Whether it is given.
        """
        with self._lock:
            if self._open_until is None:
                return True
            if now < self._open_until or self._trial_running:
                return False
            self._trial_running = True
            return True

    def give_back(self) -> None:
        """Give the leave back: the call was not made, and nothing is known about the provider."""
        with self._lock:
            self._trial_running = False

    def record_success(self) -> None:
        """Close the circuit: the provider answered."""
        with self._lock:
            self._failures = 0
            self._chats.clear()
            self._pause_seconds = 0.0
            self._open_until = None
            self._trial_running = False

    def record_failure(self, now: float, chat: str = "") -> float | None:
        """Count a failure of the provider.

        Args:
            now: when.
            chat: whose question it was, where that may be the reason; "" where it cannot be.

        Returns:
            The pause in seconds if this opened the circuit, else None.
        """
        with self._lock:
            was_trial, self._trial_running = self._trial_running, False
            if not chat or chat not in self._chats:
                self._failures += 1
            if chat and len(self._chats) < FAILURES_TO_OPEN:
                self._chats.add(chat)
            # Calls begun before the circuit opened may still fail while it is open: they add no pause.
            if not was_trial and (self._open_until is not None or self._failures < FAILURES_TO_OPEN):
                return None
            self._pause_seconds = min(
                max(2 * self._pause_seconds, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS
            )
            self._open_until = now + self._pause_seconds
            return self._pause_seconds
