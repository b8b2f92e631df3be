"""Whether the time of day can be right, before anything is deleted for its age."""

from __future__ import annotations

from datetime import datetime, timedelta

from wabot.clock import local_text
from wabot.database.models import Fact, Inbound
from wabot.errors import OperatorNeeded
from wabot.system.units import own_command
from wabot.whatsapp.messages import MessageKind

# Since the last run, which the timer begins every hour; and since the newest message where none has run.
_LONGEST_BETWEEN_RUNS, _LONGEST_SILENCE = timedelta(days=30), timedelta(days=180)
_KEY = "janitor_ran_at"


def check_time(now: datetime) -> None:
    """Refuse to judge ages by a clock that seems to be far ahead.

    Args:
        now: by the machine's clock, naive UTC.

    Raises:
        OperatorNeeded: nothing is known of so long a time before now.
    """
    ran_at, heard_at = _last_run(), _newest_message()
    known = [at for at in (ran_at, heard_at) if at is not None]
    longest = _LONGEST_BETWEEN_RUNS if ran_at else _LONGEST_SILENCE
    if not known or now - max(known) <= longest:
        return
    raise OperatorNeeded(
        f"it is {local_text(now)} here, {(now - max(known)).days} days after all that is known of "
        "this bot: by a clock that is ahead everything would look old, so nothing was cleaned; look at "
        f"`date`, and if it is right: {own_command('janitor --apply --clock-is-right')}"
    )


def remember_time(now: datetime) -> None:
    """Ages were judged by this time."""
    Fact.insert(key=_KEY, value=now.isoformat()).on_conflict(
        conflict_target=[Fact.key], update={Fact.value: now.isoformat()}
    ).execute()


def _last_run() -> datetime | None:
    fact = Fact.get_or_none(Fact.key == _KEY)
    return datetime.fromisoformat(fact.value) if fact else None


def _newest_message() -> datetime | None:
    """The time that WhatsApp put to it; what was found lost has a time of this machine's."""
    real = Inbound.select(Inbound.sent_at).where(Inbound.kind != MessageKind.LOST)
    newest = real.order_by(Inbound.id.desc()).first()
    return newest.sent_at if newest else None
