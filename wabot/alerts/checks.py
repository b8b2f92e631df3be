"""Says what is wrong, from what the link, the database and the disk look like."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import peewee

from wabot.alerts.notice import Condition, Findings, Problem, problem_key, span
from wabot.answers.budget import limits_of, spending_on
from wabot.brain.providers.counts import CallCounts
from wabot.clock import HOUR, Clock, error_text
from wabot.config.settings import ReplySettings, Settings
from wabot.conversation.outbox import OPEN_STATES, Outbox
from wabot.database.errors import AWAY
from wabot.database.models import Outbound, database
from wabot.database.states import OutboundState
from wabot.link.connection import Connection
from wabot.link.states import SEEKING_STATES, State

_STABLE_SECONDS = 60.0
_DATABASE_SECONDS = 60.0
_STUCK = timedelta(minutes=15)
_LOW_BYTES, _ENOUGH_BYTES = 200_000_000, 300_000_000
_CHATS_LOOKED_AT = 20

_ENDS = {
    State.LOGGED_OUT: Condition.LOGGED_OUT,
    State.REPLACED: Condition.REPLACED,
    State.OUTDATED: Condition.OUTDATED,
    State.PAIRING_EXPIRED: Condition.PAIRING_EXPIRED,
    State.FAILED: Condition.FAILED,
}
_RESTS = {State.BANNED: Condition.BANNED, State.COOLDOWN: Condition.UNSTABLE}
# A link that is up and stays up is the end of all of these.
_OF_THE_LINK = (*_ENDS.values(), *_RESTS.values(), Condition.NO_ROOM)


@dataclass(frozen=True, slots=True)
class LinkView:
    """The link as main last saw it.

    Attributes:
        state: of the state machine.
        reason: for people.
        since: when this state began, in seconds since 1970.
        until: when a ban or a rest ends, in seconds since 1970; None for other states.
    """

    state: State
    reason: str
    since: float
    until: float | None = None


def link_view(connection: Connection, now: float, wall: float) -> LinkView:
    """The link as it is now, for another thread.

    Args:
        connection: the state machine.
        now: monotonic seconds.
        wall: the same moment in seconds since 1970.
    """
    resting = connection.state in _RESTS and connection.deadline is not None
    return LinkView(
        connection.state,
        connection.reason,
        wall + connection.since - now,
        wall + (connection.deadline or now) - now if resting else None,
    )


def look_at_link(
    link: LinkView, now: float, started_at: float, offline_seconds: float, zone: ZoneInfo | None, unit: str
) -> Findings:
    """Whether the link is in trouble: ended, banned, at rest, or away for long.

    Args:
        link: the link.
        now: seconds since 1970.
        started_at: when this process began, likewise.
        offline_seconds: how long a link may be down before that is worth an alert.
        zone: where the owner is; None for this machine's zone.
        unit: the systemd unit this process is, whose failure is over when the link is well; "" outside.
    """
    if link.state in _ENDS:
        return Findings([Problem(_ENDS[link.state], link.reason)])
    if link.state is State.NO_ROOM:
        return Findings([Problem(Condition.NO_ROOM, link.reason)])
    if link.state in _RESTS:
        until = "?" if link.until is None else _local(link.until, zone)
        return Findings([Problem(_RESTS[link.state], link.reason, (("until", until),))])
    stable_seconds = min(_STABLE_SECONDS, offline_seconds)
    if link.state in SEEKING_STATES:
        values = (("span", span(offline_seconds)),)
        # The time away is counted through restarts, but the restart itself is part of it: a process that has
        # just begun gets the time to connect. It is added, and not begun anew with each process, so that one
        # that starts over and over is told of, too.
        is_young = now - started_at < stable_seconds
        patience_seconds = offline_seconds + (stable_seconds if is_young else 0)
        return Findings([Problem(Condition.OFFLINE, link.reason, values, patience_seconds)])
    if link.state is not State.CONNECTED:
        return Findings()
    up_seconds = now - link.since
    cleared: list[str] = [Condition.OFFLINE] if up_seconds >= stable_seconds else []
    if up_seconds >= _STABLE_SECONDS:
        cleared += [*_OF_THE_LINK, *([problem_key(Condition.PROCESS_FAILED, unit)] if unit else [])]
    return Findings(cleared=cleared)


def look_at_replies(
    user_id: str,
    connected: bool,
    per_chat_per_hour: int,
    now: datetime,
    trouble: str = "",
    count_lost: Callable[[], int] | None = None,
) -> tuple[Findings, int | None]:
    """Whether the database answers, and whether replies get stuck.

    Args:
        user_id: whose replies.
        connected: whether the link is up, and has been for a while.
        per_chat_per_hour: the limit that may hold a chat's replies back; 0 for none.
        now: naive UTC.
        trouble: what keeps messages from being stored, also where the database can be read; or "".
        count_lost: counts the replies that can never be delivered, as `lost_count` does.

    Returns:
        what was found, and how many replies can never be delivered; None when the database does not answer.
    """
    try:
        lost = count_lost() if count_lost else lost_count(user_id)
        stuck = _stuck_replies(user_id, per_chat_per_hour, now) if connected else 0
    except (*AWAY, peewee.ProgrammingError) as error:
        # The second is what PostgreSQL says of a table that is gone.
        database.close()
        away = Problem(Condition.DATABASE_AWAY, trouble or str(error).strip(), (), _DATABASE_SECONDS)
        return Findings([away]), None
    if trouble:
        return Findings([Problem(Condition.DATABASE_AWAY, trouble, (), _DATABASE_SECONDS)]), lost
    if stuck:
        minutes = str(int(_STUCK.total_seconds() // 60))
        values = (("count", str(stuck)), ("minutes", minutes))
        return Findings([Problem(Condition.REPLIES_STUCK, "", values)], [Condition.DATABASE_AWAY]), lost
    cleared = [Condition.DATABASE_AWAY, *([Condition.REPLIES_STUCK] if connected else [])]
    return Findings(cleared=cleared), lost


def look_at_pace(user_id: str, connected: bool, replies: ReplySettings, now: datetime) -> Findings:
    """Whether replies wait for their turn for longer than a customer does for an answer.

    Args:
        user_id: whose replies.
        connected: whether the link is up, and has been for a while.
        replies: how many may leave, and how long a customer waits.
        now: naive UTC.
    """
    if not connected or not replies.per_minute:
        return Findings(cleared=[] if replies.per_minute else [Condition.REPLIES_LATE])
    late = (Outbound.created_at < now - timedelta(seconds=replies.max_age_seconds)) & (
        Outbound.not_before <= now
    )
    try:
        count: int = (
            Outbound.select()
            .where(
                Outbound.user_id == user_id,
                Outbound.state == OutboundState.PENDING,
                Outbound.copies == 0,
                late,
            )
            .count()
        )
    except AWAY:
        # That it is away is told by another look.
        database.close()
        return Findings()
    if not count:
        return Findings(cleared=[Condition.REPLIES_LATE])
    minutes = str(round(replies.max_age_seconds / 60))
    values = (("count", str(count)), ("minutes", minutes), ("limit", str(replies.per_minute)))
    return Findings([Problem(Condition.REPLIES_LATE, values=values)])


def look_at_clock(clock: Clock) -> Findings:
    """Whether the machine's clock is right, as far as that is known."""
    if text := error_text(clock.error_seconds()):
        return Findings([Problem(Condition.CLOCK_WRONG, text)])
    return Findings(cleared=[Condition.CLOCK_WRONG] if clock.is_compared else [])


def lost_count(user_id: str) -> int:
    """How many replies can never be delivered."""
    return Outbox(user_id).count((OutboundState.DEAD,))


def look_at_disk(state: Path) -> Findings:
    """Whether there is room for more messages where the state is."""
    try:
        free = shutil.disk_usage(state).free
    except OSError:
        return Findings()
    if free < _LOW_BYTES:
        return Findings([Problem(Condition.DISK_LOW, str(state), (("megabytes", str(free // 1_000_000)),))])
    return Findings(cleared=[Condition.DISK_LOW] if free >= _ENOUGH_BYTES else [])


def look_at_models(
    counts: CallCounts, down_seconds: float, condition: Condition = Condition.MODEL_DOWN
) -> Findings:
    """Whether a model answers, or a transcriber.

    Only a question tells: the outage is as long as the time between the first and the last that went
    unanswered, and over when one is answered. While nobody asks, nothing is known.

    Args:
        counts: what became of the calls.
        down_seconds: how long they may be down before that is worth an alert.
        condition: what it is called that none answers.
    """
    outage = counts.outage
    if outage is not None and outage.last_at - outage.first_at >= down_seconds:
        values = (("span", span(down_seconds)),)
        return Findings([Problem(condition, outage.reason, values)])
    return Findings(cleared=[condition] if counts.is_answering else [])


def look_at_budget(settings: Settings, day: date) -> Findings:
    """Whether a day's budget is spent.

    Args:
        settings: the configuration.
        day: today, where the account is.
    """
    if not limits_of(settings.ai):
        return Findings()
    try:
        spending = spending_on(settings.account, settings.ai, day)
    except AWAY:
        # That it is away is told by another look.
        database.close()
        return Findings()
    problems, cleared = [], []
    for each in spending:
        if each.is_spent:
            values = (("limit", each.limit.section), ("spent", each.in_settings))
            problems.append(Problem(Condition.BUDGET_SPENT, values=values, subject=each.limit.provider))
        else:
            cleared.append(problem_key(Condition.BUDGET_SPENT, each.limit.provider))
    return Findings(problems, cleared)


def _stuck_replies(user_id: str, per_chat_per_hour: int, now: datetime) -> int:
    """How many replies are due, where none at all has left for long; 0 while any does."""
    mine = Outbound.user_id == user_id
    last = Outbox(user_id).last_sent_at()
    if last is not None and now - last < _STUCK:
        return 0
    due = (mine, Outbound.state.in_(OPEN_STATES), Outbound.not_before < now - _STUCK)
    chats: Any = Outbound.select(Outbound.chat).where(*due).distinct().limit(_CHATS_LOOKED_AT).tuples()
    held = per_chat_per_hour and all(
        Outbound.select().where(Outbound.chat == chat, Outbound.sent_at >= now - HOUR).count()
        >= per_chat_per_hour
        for (chat,) in chats
    )
    return 0 if held or not chats else Outbound.select().where(*due).count()


def _local(moment: float, zone: ZoneInfo | None) -> str:
    at = datetime.fromtimestamp(moment, UTC).astimezone(zone)
    return f"{at:%Y-%m-%d %H:%M %Z}"
