"""Tells people what happens in an emulator, line by line with times, from its transcript."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable

from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.world.transcript import Event
from wabot.trials.demo.screen import Screen, Style, StyledSpan

_TIME_COLUMNS, _WHO_COLUMNS = 9, 15
_LOOK_SECONDS = 1.0


class Narrator:
    """Shows on `screen` what `emulator` notes; times count from now.

    `counts` has how many events of each kind were told so far, `replies` how many each customer got.
    """

    def __init__(self, screen: Screen, emulator: Emulator) -> None:
        self.counts: Counter[str] = Counter()
        self.replies: Counter[Customer] = Counter()
        self._screen = screen
        self._emulator = emulator
        self._began = time.monotonic()
        self._told = 0
        self._cuts_in_a_row = 0
        self._people: dict[str, Customer] = {}

    def know(self, customer: Customer) -> None:
        """Call `customer` by name from now on."""
        self._people[customer.phone] = self._people[customer.lid] = customer

    def follow(
        self, reached: Callable[[], bool], wanted: str, timeout_seconds: float, check: Callable[[], None]
    ) -> None:
        """Tell what happens until what was told has `reached` what is wanted.

        `check` is called all along and may raise. Raises TimeoutError, which names what was `wanted`.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            self.tell_news()
            if reached():
                return
            check()
            left_seconds = deadline - time.monotonic()
            if left_seconds <= 0:
                raise TimeoutError(f"waited {timeout_seconds:g} s for {wanted} in vain")
            with contextlib.suppress(TimeoutError):
                self._emulator.wait_until(self._has_news, min(left_seconds, _LOOK_SECONDS))

    def tell_news(self) -> None:
        """Tell what happened since the last time."""
        news = self._emulator.transcript[self._told :]
        self._told += len(news)
        for event in news:
            self._tell(event)

    def head(self, text: str) -> None:
        """Begin a new part of the story."""
        self._screen.show()
        self._screen.show(StyledSpan(text, Style.HEADING))

    def say(self, text: str, style: Style = Style.FAINT) -> None:
        """Explain something."""
        self._screen.tell((), text, style)

    def note(self, what: str, text: str, style: Style = Style.FAINT) -> None:
        """Tell of something that happened just now and is in no transcript."""
        self._line(time.monotonic(), what, Style.FAINT, text, style)

    def _has_news(self) -> bool:
        return len(self._emulator.transcript) > self._told

    def _tell(self, event: Event) -> None:
        self.counts[event.kind] += 1
        customer = self._people.get(event.who)
        name = customer.name if customer else event.who
        match event.kind:
            case "message":
                self._cuts_in_a_row = 0
                self._line(event.at, name, Style.CUSTOMER, event.detail)
            case "reply":
                if customer is not None:
                    self.replies[customer] += 1
                self._line(event.at, f"wabot → {name}", Style.BOT, event.detail)
            case "cut":
                self._cuts_in_a_row += 1
                text = f"the reply to {name} was on its way and is lost with the link"
                if self._cuts_in_a_row > 1:
                    text = "lost again: that was the client library's second try, and its last"
                self._line(event.at, "link cut", Style.TROUBLE, text, Style.TROUBLE)
            case "login":
                again = " again" if self.counts["login"] > 1 else ""
                self._line(event.at, "wabot", Style.FAINT, f"is connected{again}", Style.FAINT)

    def _line(self, at: float, who: str, who_style: Style, text: str, style: Style = Style.PLAIN) -> None:
        seconds = f"{at - self._began:5.1f} s".ljust(_TIME_COLUMNS)
        self._screen.tell(
            (StyledSpan(seconds, Style.FAINT), StyledSpan(who.ljust(_WHO_COLUMNS), who_style)), text, style
        )
