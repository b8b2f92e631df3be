"""What the owner knows of the bot's troubles, and the notices that are still to deliver.

`NotificationLog` decides, and is pure: it is told the time, in seconds since 1970, because it outlives the
process. `NotificationFile` keeps it in a file that the bot, the janitor and the alert unit share.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from wabot.alerts.notice import AlertNotice, Condition, NotDelivered, Problem
from wabot.system.files import read_json, read_plain, replace_file

log = logging.getLogger(__name__)

_LOCK_SECONDS = 5.0
_LARGEST_FILE_BYTES = 1_000_000
# A problem that was not seen for so long did not last meanwhile: its patience begins anew.
_GAP_SECONDS = 600.0
# A problem that comes back within the hour is told when the hour is over, if it is still there.
_QUIET_SECONDS = 3600.0
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 5.0, 600.0
# So long nobody else tries a delivery that one process has taken on.
_LEASE_SECONDS = 60.0
# After a day what is not delivered, and what was seen or told, is forgotten.
_EXPIRE_SECONDS = 86_400.0
_MOST_PENDING = 50
_MOST_KEYS = 100

# These end the process: one more of them is always news.
TERMINAL = frozenset(
    {
        Condition.LOGGED_OUT,
        Condition.REPLACED,
        Condition.OUTDATED,
        Condition.PAIRING_EXPIRED,
        Condition.FAILED,
        Condition.PROCESS_FAILED,
    }
)


@dataclass(slots=True)
class Delivery:
    """A notice on its way through one channel.

    Attributes:
        notice: what is told.
        channel: by the channel's name.
        queued_at: since when it waits.
        not_before: when it may be tried.
        attempts: how often it was tried.
    """

    notice: AlertNotice
    channel: str
    queued_at: float
    not_before: float
    attempts: int = 0

    def is_same(self, other: Delivery) -> bool:
        """Whether this is that delivery, perhaps as another process has changed it since."""
        return (self.notice.id, self.channel) == (other.notice.id, other.channel)


@dataclass(slots=True)
class NotificationLog:
    """What is wrong, what was told, and what is still to deliver.

    Attributes:
        seen: when each problem was first and last seen without a gap, by its key.
        told: when the owner was told of each problem that is not over.
        past: when the owner was told of each problem that is over.
        lost_replies: how many replies were lost when the owner was last told; None before the first look.
        deliveries: oldest first.
        refused: since when a channel takes nothing until somebody changes something, and why, by its name.
    """

    seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    past: dict[str, float] = field(default_factory=dict)
    lost_replies: int | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    refused: dict[str, tuple[float, str]] = field(default_factory=dict)

    def observe(
        self, problems: Iterable[Problem], cleared: Collection[str], now: float
    ) -> tuple[list[Problem], list[str]]:
        """Compare how things are with what the owner knows.

        A problem is news once it has lasted as long as its patience, and is not known; it is over only when
        it is among what is cleared. What is neither wrong nor cleared cannot be told at the moment.

        Returns:
            The problems to tell the owner of now, and the keys of those told earlier that are over.
        """
        fresh = [problem for problem in problems if self._is_news(problem, now)]
        over = []
        for key in cleared:
            self.seen.pop(key, None)
            if key in self.told:
                self.past[key] = self.told.pop(key)
                over.append(key)
        self._forget(now)
        return fresh, over

    def count_lost(self, total: int, now: float) -> int:
        """How many replies were lost since the owner was last told, where it is time to tell again.

        Args:
            total: how many there are in the database by now; the janitor removes old ones.
            now: seconds since 1970.
        """
        known = total if self.lost_replies is None else min(self.lost_replies, total)
        self.lost_replies = known
        last = self.past.get(Condition.REPLIES_LOST, float("-inf"))
        if total == known or now - last < _QUIET_SECONDS:
            return 0
        self.lost_replies = total
        self.past[Condition.REPLIES_LOST] = now
        return total - known

    def ended_for_a_reason(self, now: float) -> bool:
        """Whether the owner has been told why the process ended a moment ago."""
        return any(
            abs(now - self.seen[condition][1]) < _GAP_SECONDS
            for condition in TERMINAL
            if condition in self.told and condition in self.seen
        )

    def queue(self, notice: AlertNotice, channels: Iterable[str], now: float) -> None:
        """Put a notice in line for these channels."""
        self.deliveries += [Delivery(notice, channel, now, now) for channel in channels]
        # A receiver that is away for long finds the latest.
        del self.deliveries[:-_MOST_PENDING]

    def claim(self, channels: Iterable[str], now: float) -> Delivery | None:
        """Take on the oldest delivery that is due; nobody else gets it for a minute."""
        self.deliveries = [each for each in self.deliveries if now - each.queued_at < _EXPIRE_SECONDS]
        for channel in channels:
            head = next(
                (each for each in self.deliveries if each.channel == channel and self._may_leave(each)),
                None,
            )
            # One that is to wait for longer than any does waits on a clock that was set back since.
            if head is not None and not 0 < head.not_before - now <= _LONGEST_RETRY_SECONDS:
                head.attempts += 1
                head.not_before = now + _LEASE_SECONDS
                return head
        return None

    def delivered(self, delivery: Delivery, now: float) -> None:
        """Forget a claimed delivery that arrived; the channel takes the others again."""
        self.deliveries = [each for each in self.deliveries if not each.is_same(delivery)]
        self.channel_works(delivery.channel, now)

    def not_delivered(self, delivery: Delivery, failure: NotDelivered, now: float) -> bool:
        """Leave a claimed delivery for later: each time for longer, or until something changes.

        Where the failure is permanent, the channel gets what comes later once, and all of it again when one
        arrives (`channel_works`) or a bot starts (`try_refused_again`).

        Returns:
            Whether that the channel refuses is news.
        """
        for each in self.deliveries:
            if each.is_same(delivery):
                wait_seconds = _FIRST_RETRY_SECONDS * 3.0 ** min(each.attempts - 1, 10)
                each.not_before = now + min(wait_seconds, _LONGEST_RETRY_SECONDS)
        why, channel = str(failure), delivery.channel
        is_news = failure.permanent and self.refused.get(channel, (0.0, ""))[1] != why
        if is_news:
            self.refused[channel] = (now, why)
        return is_news

    def channel_works(self, channel: str, now: float) -> None:
        """Try again now what a channel refused, because it takes notices again."""
        if self.refused.pop(channel, None):
            self._try_again([channel], now)

    def try_refused_again(self, now: float) -> None:
        """Try once more what was refused, because somebody may have changed something."""
        self._try_again(self.refused, now)

    def _try_again(self, channels: Collection[str], now: float) -> None:
        for each in self.deliveries:
            if each.channel in channels:
                each.attempts, each.not_before = 0, now

    def _may_leave(self, delivery: Delivery) -> bool:
        """Whether the channel may take it: where it refuses, only what it was not asked to take yet."""
        return delivery.channel not in self.refused or delivery.attempts == 0

    def next_at(self) -> float | None:
        """When the next delivery is due; None when there is none."""
        heads = {each.channel: each.not_before for each in reversed(self.deliveries) if self._may_leave(each)}
        return min(heads.values(), default=None)

    def _is_news(self, problem: Problem, now: float) -> bool:
        first, last = self.seen.get(problem.key, (now, now))
        if now - last > _GAP_SECONDS or now < last:
            first = now
        self.seen[problem.key] = (first, now)
        if problem.key in self.told or now - first < problem.patience_seconds:
            return False
        told_at = self.past.get(problem.key, float("-inf"))
        if problem.condition not in TERMINAL and 0 <= now - told_at < _QUIET_SECONDS:
            return False
        self.told[problem.key] = now
        return True

    def _forget(self, now: float) -> None:
        """Drop what is a day old, and what is too much."""
        self.seen = {key: span for key, span in self.seen.items() if now - span[1] < _EXPIRE_SECONDS}
        self.past = {key: at for key, at in self.past.items() if now - at < _EXPIRE_SECONDS}
        for known in (self.seen, self.told, self.past):
            # Keys name units; nothing here grows without limit.
            for key in list(known)[:-_MOST_KEYS]:
                del known[key]

    def as_json(self) -> dict[str, Any]:
        """The log, to be stored."""
        return {
            "seen": self.seen,
            "told": self.told,
            "past": self.past,
            "lost_replies": self.lost_replies,
            "refused": self.refused,
            "deliveries": [
                {
                    "notice": each.notice.as_json(),
                    "channel": each.channel,
                    "queued_at": each.queued_at,
                    "not_before": each.not_before,
                    "attempts": each.attempts,
                }
                for each in self.deliveries
            ],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> NotificationLog:
        """The log that `as_json` stored; for `read_json`, which says when it is something else."""
        lost = stored["lost_replies"]
        return cls(
            {str(key): (float(first), float(last)) for key, (first, last) in stored["seen"].items()},
            {str(key): float(at) for key, at in stored["told"].items()},
            {str(key): float(at) for key, at in stored["past"].items()},
            None if lost is None else int(lost),
            [
                Delivery(
                    AlertNotice.from_json(each["notice"]),
                    str(each["channel"]),
                    float(each["queued_at"]),
                    float(each["not_before"]),
                    int(each["attempts"]),
                )
                for each in stored["deliveries"]
            ],
            {str(key): (float(at), str(why)) for key, (at, why) in stored.get("refused", {}).items()},
        )


class NotificationFile:
    """One account's log of notifications.

    Args:
        path: the file; it and its directory are made private.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # thread_local: otherwise each thread would have a lock of its own.
        self._lock = FileLock(path.with_suffix(".lock"), mode=0o600, thread_local=False)
        self._unwritten: NotificationLog | None = None

    @contextmanager
    def changing(self) -> Iterator[NotificationLog]:
        """Change the log: the block is given it, and what it changed is written down when it ends.

        Where nothing can be written the log lives on in memory: better a second alert after a restart than
        none.
        """
        with contextlib.ExitStack() as stack:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                stack.enter_context(self._lock.acquire(timeout=_LOCK_SECONDS))
            except (OSError, Timeout) as error:
                log.warning("alerts: %s cannot be locked: %s", self._path, error)
            notifications = self._unwritten or self.read()
            before = json.dumps(notifications.as_json())
            yield notifications
            after = json.dumps(notifications.as_json())
            if after != before or self._unwritten is not None:
                self._write(notifications, after)

    def read(self) -> NotificationLog:
        """The log as it stands in the file; changes of it are not kept."""
        try:
            return read_json(read_plain(self._path, _LARGEST_FILE_BYTES), NotificationLog.from_json)
        except FileNotFoundError:
            return NotificationLog()
        except (OSError, ValueError) as error:
            log.warning("alerts: %s cannot be used and is begun anew: %s", self._path, error)
            return NotificationLog()

    def _write(self, notifications: NotificationLog, text: str) -> None:
        try:
            replace_file(self._path, text.encode(), durable=True)
        except OSError as error:
            log.warning("alerts: %s cannot be written: %s", self._path, error)
            self._unwritten = notifications
        else:
            self._unwritten = None
