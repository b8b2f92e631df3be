"""Writes notices to the owner down and carries them out, through every channel there is."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from wabot.alerts.notice import AlertNotice, Channel, Condition, Findings, NotDelivered, NoticeWriter, Problem
from wabot.alerts.notification_log import Delivery, NotificationFile, NotificationLog
from wabot.clock import process_clock
from wabot.config.settings import AlertSettings, Settings

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
_REMIND_SECONDS = 86_400.0


class Dispatcher:
    """What there is to tell, and what was told; a notice that did not arrive is tried again, for a day.

    Args:
        settings: the configuration.
    """

    def __init__(self, settings: Settings) -> None:
        user_id = settings.account.user_id
        self.channels: Sequence[Channel] = channels(settings.alerts)
        self._writer = NoticeWriter(user_id, socket.gethostname(), settings.account.language, settings.file)
        self.log_file = NotificationFile(settings.paths.state / "alerts" / f"{user_id}.json")

    def tell(self, findings: Findings, lost_replies: int | None = None) -> None:
        """Compare how things are with what the owner knows, and write the news down."""
        now = process_clock.now()
        with self.log_file.changing() as notifications:
            fresh, over = notifications.observe(findings.problems, findings.cleared, now)
            if lost_replies is not None and (lost := notifications.count_lost(lost_replies, now)):
                fresh.append(Problem(Condition.REPLIES_LOST, values=(("count", str(lost)),)))
            self._queue(notifications, fresh, over, now)

    def tell_failure(self, problem: Problem) -> None:
        """A process has failed; nothing is said where the owner knows already, unless that is a day old."""
        now = process_clock.now()
        with self.log_file.changing() as notifications:
            if now - notifications.told.get(problem.key, now) > _REMIND_SECONDS:
                del notifications.told[problem.key]
            if not notifications.ended_for_a_reason(now):
                fresh, over = notifications.observe([problem], (), now)
                self._queue(notifications, fresh, over, now)

    def test_notice(self) -> AlertNotice:
        """Nothing is wrong: somebody wants to know whether alerts arrive."""
        return self._writer.test(_iso(process_clock.now()))

    def deliver(self) -> float | None:
        """Deliver what is due; return the seconds until more will be, None when nothing is left."""
        while True:
            with self.log_file.changing() as notifications:
                delivery = notifications.claim(
                    [channel.name for channel in self.channels], process_clock.now()
                )
                next_at = notifications.next_at()
            if delivery is None:
                return None if next_at is None else max(0.0, next_at - process_clock.now())
            failure = self._send(delivery)
            refused = str(failure) if failure and failure.permanent else ""
            with self.log_file.changing() as notifications:
                is_news = notifications.settle(delivery, failure is None, process_clock.now(), refused)
            if is_news:
                log.error("alerts by %s do not arrive until that is mended: %s", delivery.channel, refused)

    def deliver_within(self, seconds: float) -> bool:
        """Deliver until nothing is left to try or the time is up; whether all arrived."""
        deadline = time.monotonic() + seconds
        while (wait_seconds := self.deliver()) is not None:
            if time.monotonic() + wait_seconds > deadline:
                return False
            time.sleep(max(wait_seconds, PAUSE_SECONDS))
        with self.log_file.changing() as notifications:
            names = {channel.name for channel in self.channels}
            return not any(each.channel in names for each in notifications.deliveries)

    def begin(self) -> None:
        """A bot starts, perhaps because what a channel refused was mended."""
        with self.log_file.changing() as notifications:
            notifications.try_refused_again(process_clock.now())

    def _queue(
        self, notifications: NotificationLog, fresh: Sequence[Problem], over: Sequence[str], now: float
    ) -> None:
        at = _iso(now)
        notices = [self._writer.alert(problem, at) for problem in fresh]
        if over:
            notices.append(self._writer.recovery(over, at))
        for notice in notices:
            log.info("alert: %s", notice.title)
            notifications.queue(notice, [channel.name for channel in self.channels], now)

    def _send(self, delivery: Delivery) -> NotDelivered | None:
        """Try it once; why it did not arrive."""
        channel = next(channel for channel in self.channels if channel.name == delivery.channel)
        try:
            channel.send(delivery.notice)
        except NotDelivered as error:
            log.warning("alert by %s, try %d: %s", channel.name, delivery.attempts, error)
            return error
        return None


def channels(settings: AlertSettings) -> list[Channel]:
    """The ways to the owner that are configured."""
    # Each is imported where there is one: what both need of requests takes 30 ms of a start.
    found: list[Channel] = []
    if settings.webhook_url:
        from wabot.alerts.webhook import Webhook

        found.append(Webhook(settings.webhook_url, settings.webhook_secret))
    if settings.smtp_url and settings.to:
        from wabot.alerts.mail import Mail

        found.append(Mail(settings.smtp_url, settings.to, settings.sender))
    return found


def _iso(moment: float) -> str:
    """Seconds since 1970 as people and programs read them, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
