"""Tells the owner what goes wrong, once, and once that it is over; on a thread that nobody waits for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from wabot.alert_book import Book, Delivery
from wabot.alert_channels import Channel, NotDelivered, channels, own_host
from wabot.alert_ledger import AlertLedger
from wabot.alert_model_watch import look_at_budget, look_at_models
from wabot.alert_notices import Author, Condition, Problem
from wabot.alert_watch import Findings, LinkView, look_at_disk, look_at_link, look_at_replies
from wabot.brain.tally import Tally
from wabot.dialogue import local_time
from wabot.lock_holder import own_unit
from wabot.models import database, utc_now
from wabot.settings import Settings
from wabot.states import State

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
# A link that came up a moment ago has not had the time to send what waited.
_SETTLED_SECONDS = 900.0
_PAUSE_SECONDS = 0.5
_REMIND_SECONDS = 86_400.0


class Courier:
    """Writes notices down and carries them out: a notice that did not arrive is tried again, for a day.

    Args:
        settings: the configuration.
    """

    def __init__(self, settings: Settings) -> None:
        user_id = settings.account.user_id
        self.channels: Sequence[Channel] = channels(settings.alerts)
        self.author = Author(user_id, own_host(), settings.account.language)
        self.ledger = AlertLedger(settings.paths.state / "alerts" / f"{user_id}.json")

    def tell(self, findings: Findings, lost_replies: int | None = None) -> None:
        """Compare how things are with what the owner knows, and write the news down."""
        now = time.time()
        with self.ledger.changing() as book:
            fresh, over = book.observe(findings.problems, findings.cleared, now)
            if lost_replies is not None and (lost := book.count_lost(lost_replies, now)):
                fresh.append(Problem(Condition.REPLIES_LOST, values=(("count", str(lost)),)))
            self._queue(book, fresh, over, now)

    def tell_failure(self, problem: Problem) -> None:
        """A process has failed; nothing is said where the owner knows already, unless that is a day old."""
        now = time.time()
        with self.ledger.changing() as book:
            if now - book.told.get(problem.key, now) > _REMIND_SECONDS:
                del book.told[problem.key]
            if not book.ended_for_a_reason(now):
                fresh, over = book.observe([problem], (), now)
                self._queue(book, fresh, over, now)

    def deliver(self) -> float | None:
        """Deliver what is due; return the seconds until more will be, None when nothing is left."""
        while True:
            with self.ledger.changing() as book:
                delivery = book.claim([channel.name for channel in self.channels], time.time())
                next_at = book.next_at()
            if delivery is None:
                return None if next_at is None else max(0.0, next_at - time.time())
            delivered = self._send(delivery)
            with self.ledger.changing() as book:
                book.settle(delivery, delivered, time.time())

    def deliver_within(self, seconds: float) -> bool:
        """Deliver until nothing is left or the time is up; whether nothing is left."""
        deadline = time.monotonic() + seconds
        while (wait_seconds := self.deliver()) is not None:
            if time.monotonic() + wait_seconds > deadline:
                return False
            time.sleep(max(wait_seconds, _PAUSE_SECONDS))
        return True

    def _queue(self, book: Book, fresh: Sequence[Problem], over: Sequence[str], now: float) -> None:
        at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        notices = [self.author.alert(problem, at) for problem in fresh]
        if over:
            notices.append(self.author.recovery(over, at))
        for notice in notices:
            log.info("alert: %s", notice.title)
            book.queue(notice, [channel.name for channel in self.channels], now)

    def _send(self, delivery: Delivery) -> bool:
        channel = next(channel for channel in self.channels if channel.name == delivery.channel)
        try:
            channel.send(delivery.notice)
        except NotDelivered as error:
            log.warning("alert by %s, try %d: %s", channel.name, delivery.attempts, error)
            return False
        return True


class Alerts:
    """Looks now and then, tells, and delivers; without a channel it does nothing.

    Args:
        settings: the configuration.
        tally: what the models do.
        database_trouble: says what keeps messages from being stored, or "".
    """

    def __init__(
        self, settings: Settings, tally: Tally, database_trouble: Callable[[], str] = lambda: ""
    ) -> None:
        self._settings = settings
        self._tally = tally
        self._database_trouble = database_trouble
        self._courier = Courier(settings)
        self._unit = own_unit() or ""
        self._link = LinkView(State.STARTING, "", time.time())
        self._changed = threading.Condition()
        self._woken = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start looking."""
        if self._courier.channels:
            self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
            self._thread.start()

    def link_changed(self, link: LinkView) -> None:
        """The link is in another state; never waits."""
        with self._changed:
            self._link = link
            self._woken = True
            self._changed.notify()

    def stop(self, timeout_seconds: float) -> None:
        """Tell the last news; what is not delivered in time is delivered after the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            with self._changed:
                stopping, self._woken = self._stopping, False
                link = self._link
            try:
                self._look(link)
                wait_seconds = self._courier.deliver()
            except Exception:
                # The owner's alerts must not end with one odd case.
                log.exception("alerts failed; they go on")
                wait_seconds = None
            wait_seconds = _LOOK_SECONDS if wait_seconds is None else min(wait_seconds, _LOOK_SECONDS)
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopping or self._woken, max(wait_seconds, _PAUSE_SECONDS)
                )
        database.close()

    def _look(self, link: LinkView) -> None:
        settings, now = self._settings, time.time()
        connected = link.state is State.CONNECTED and now - link.since > _SETTLED_SECONDS
        of_link = look_at_link(
            link, now, settings.alerts.offline_after, settings.account.timezone, self._unit
        )
        of_replies, lost = look_at_replies(
            settings.account.user_id,
            connected,
            settings.replies.per_chat_per_hour,
            utc_now(),
            self._database_trouble(),
        )
        of_disk = look_at_disk(settings.paths.state)
        of_models = look_at_models(self._tally, settings.alerts.model_down_after)
        of_budget = look_at_budget(settings, local_time(settings).date())
        found = (of_link, of_replies, of_disk, of_models, of_budget)
        self._courier.tell(
            Findings(
                [problem for each in found for problem in each.problems],
                [key for each in found for key in each.cleared],
            ),
            lost,
        )


def report_database_away(settings: Settings, reason: str, within_seconds: float) -> None:
    """Tell the owner that the bot cannot even start; for a process that is about to end.

    Args:
        settings: the configuration.
        reason: what is known.
        within_seconds: how long it may take.
    """
    courier = Courier(settings)
    if courier.channels:
        courier.tell(Findings([Problem(Condition.DATABASE_AWAY, reason, (), 60.0)]))
        courier.deliver_within(within_seconds)
