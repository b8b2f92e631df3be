"""Queues notices for the owner and delivers them through every channel there is.

From a cause to an e-mail: a check returns `Findings`; `tell` asks the notification log which of them are
news, lets `NoticeWriter` write those, and queues them in the log; `deliver` takes them from there one by one,
gives each to its channel, and notes what became of it.
"""

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
    """Tells the owner of one account; a notice that did not arrive is tried again, for a day.

    Args:
        settings: the configuration.

    Attributes:
        channels: the ways to the owner; without one there is nothing to tell.
        log_file: what the owner knows, and what is still to deliver.
    """

    def __init__(self, settings: Settings) -> None:
        user_id = settings.account.user_id
        self.channels: Sequence[Channel] = channels(settings.alerts)
        self._writer = NoticeWriter(user_id, socket.gethostname(), settings.account.language, settings.file)
        self.log_file = NotificationFile(settings.paths.state / "alerts" / f"{user_id}.json")

    def tell(self, findings: Findings, lost_replies: int | None = None) -> None:
        """Queue notices of the news: problems that the owner does not know of, and the end of others.

        Args:
            findings: how things are.
            lost_replies: how many replies can never be delivered; None where that is not known.
        """
        now = process_clock.now()
        with self.log_file.changing() as notifications:
            fresh, over = notifications.observe(findings.problems, findings.cleared, now)
            if lost_replies is not None and (lost := notifications.count_lost(lost_replies, now)):
                fresh.append(Problem(Condition.REPLIES_LOST, values=(("count", str(lost)),)))
            self._queue(notifications, fresh, over, now)

    def tell_failure(self, problem: Problem) -> None:
        """Queue a notice of a process that failed, unless the owner was told so, or why, within a day."""
        now = process_clock.now()
        with self.log_file.changing() as notifications:
            if now - notifications.told.get(problem.key, now) > _REMIND_SECONDS:
                del notifications.told[problem.key]
            if not notifications.ended_for_a_reason(now):
                fresh, over = notifications.observe([problem], (), now)
                self._queue(notifications, fresh, over, now)

    def test_notice(self) -> AlertNotice:
        """A notice for whoever wants to know whether alerts arrive; it is not queued."""
        return self._writer.test(_iso(process_clock.now()))

    def deliver(self) -> float | None:
        """Deliver what is due.

        Returns:
            The seconds until more will be due; None when nothing is left.
        """
        while True:
            with self.log_file.changing() as notifications:
                delivery = notifications.claim(
                    [channel.name for channel in self.channels], process_clock.now()
                )
                next_at = notifications.next_at()
            if delivery is None:
                return None if next_at is None else max(0.0, next_at - process_clock.now())
            failure = self._send(delivery)
            now, is_news = process_clock.now(), False
            with self.log_file.changing() as notifications:
                if failure is None:
                    notifications.delivered(delivery, now)
                else:
                    is_news = notifications.not_delivered(delivery, failure, now)
            if is_news:
                log.error("alerts by %s do not arrive until that is mended: %s", delivery.channel, failure)

    def deliver_within(self, seconds: float) -> bool:
        """Deliver until nothing is left to try or the time is up.

        Returns:
            Whether all arrived.
        """
        deadline = time.monotonic() + seconds
        while (wait_seconds := self.deliver()) is not None:
            if time.monotonic() + wait_seconds > deadline:
                return False
            time.sleep(max(wait_seconds, PAUSE_SECONDS))
        with self.log_file.changing() as notifications:
            names = {channel.name for channel in self.channels}
            return not any(each.channel in names for each in notifications.deliveries)

    def try_refused_again(self) -> None:
        """Try once more what a channel refused: a bot starts, perhaps because that was mended."""
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
        """Try it once; returns why it did not arrive, None when it did."""
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
