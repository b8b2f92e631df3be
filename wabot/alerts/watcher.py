"""Tells the owner what goes wrong, once, and once that it is over; on a thread that nobody waits for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from wabot.alerts.checks import (
    LinkView,
    look_at_budget,
    look_at_clock,
    look_at_disk,
    look_at_link,
    look_at_models,
    look_at_pace,
    look_at_replies,
    lost_count,
)
from wabot.alerts.dispatcher import PAUSE_SECONDS, Dispatcher
from wabot.alerts.notice import Condition, Findings, Problem
from wabot.brain.providers.counts import CallCounts
from wabot.clock import process_clock, utc_now
from wabot.config.settings import Settings
from wabot.database.kept_figures import KeptFigure
from wabot.database.workers import DatabaseWorker
from wabot.link.states import State
from wabot.session.lock import own_unit

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
# A link that came up a moment ago has not had the time to send what waited.
_SETTLED_SECONDS = 900.0


class MessageStoring(Protocol):
    """What stores messages as they come."""

    @property
    def trouble(self) -> str:
        """What keeps it from that, for people; "" while all is well."""


class Watcher(DatabaseWorker):
    """Looks now and then, tells, and delivers; without a channel it does nothing.

    Args:
        settings: the configuration.
        counts: what the models do.
        storing: says what keeps messages from being stored; None: nobody stores any.
        transcriptions: what the transcribers do; None: there are none.
    """

    def __init__(
        self,
        settings: Settings,
        counts: CallCounts,
        storing: MessageStoring | None = None,
        transcriptions: CallCounts | None = None,
    ) -> None:
        super().__init__("alerts")
        self._settings = settings
        self._counts = counts
        self._storing = storing
        self._transcriptions = transcriptions or CallCounts()
        self._dispatcher = Dispatcher(settings)
        self._unit = own_unit() or ""
        self._started_at = process_clock.now()
        self._link = LinkView(State.STARTING, "", self._started_at)
        self._lost = KeptFigure(partial(lost_count, settings.account.user_id))

    def start(self) -> None:
        """Start looking, where there is somebody to tell."""
        if self._dispatcher.channels:
            self._dispatcher.try_refused_again()
            super().start()

    def link_changed(self, link: LinkView) -> None:
        """Look anew, now that the link is in another state; never waits."""
        self._link = link
        self.rouse()

    def work(self) -> float:
        """Look, and deliver what is due; the seconds until the next look."""
        self._look(self._link)
        wait_seconds = self._dispatcher.deliver()
        return _LOOK_SECONDS if wait_seconds is None else min(max(wait_seconds, PAUSE_SECONDS), _LOOK_SECONDS)

    def finish(self) -> None:
        """Tell the last news; what is not delivered in time is delivered after the next start."""
        self.work()

    def _look(self, link: LinkView) -> None:
        settings, now = self._settings, process_clock.now()
        connected = link.state is State.CONNECTED and now - link.since > _SETTLED_SECONDS
        patience, zone = settings.alerts.offline_after_seconds, settings.account.zone
        of_link = look_at_link(link, now, self._started_at, patience, zone, self._unit)
        of_replies, lost = look_at_replies(
            settings.account.user_id,
            connected,
            settings.replies.per_chat_per_hour,
            utc_now(),
            self._storing.trouble if self._storing else "",
            self._lost.get,
        )
        of_disk = look_at_disk(settings.paths.state)
        of_clock = look_at_clock(process_clock)
        of_pace = look_at_pace(settings.account.user_id, connected, settings.replies, utc_now())
        down_seconds = settings.alerts.model_down_after_seconds
        of_models = look_at_models(self._counts, down_seconds)
        of_ears = look_at_models(self._transcriptions, down_seconds, Condition.TRANSCRIBER_DOWN)
        of_budget = look_at_budget(settings, settings.account.local_time().date())
        found = (of_link, of_replies, of_pace, of_disk, of_clock, of_models, of_ears, of_budget)
        self._dispatcher.tell(
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
    dispatcher = Dispatcher(settings)
    if dispatcher.channels:
        dispatcher.tell(Findings([Problem(Condition.DATABASE_AWAY, reason, (), 60.0)]))
        dispatcher.deliver_within(within_seconds)


def report_lost_tables(settings: Settings, made: Sequence[str]) -> None:
    """Tell the owner that tables of the bot's were gone; the bot that starts delivers it.

    Args:
        settings: the configuration.
        made: the names of those that were made anew.
    """
    dispatcher = Dispatcher(settings)
    if dispatcher.channels:
        reason = f"{', '.join(made)} were gone and are made anew, empty; a backup has what they held"
        dispatcher.tell(Findings([Problem(Condition.DATABASE_AWAY, reason)]))
