"""Remembers from one process to the next up to where the messages of a session are accounted for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from wabot.database.models import Fact


@dataclass(frozen=True, slots=True)
class IntakeMark:
    """Where the last look at the client library's store ended.

    Attributes:
        device: JID of the account the store was linked to, or "".
        position: everything up to here in the store is accounted for.
        at: when that was found, naive UTC.
        in_order: the process that made the mark has ended in order: it left nothing behind.
    """

    device: str
    position: int
    at: datetime
    in_order: bool = False


def load_mark(user_id: str) -> IntakeMark | None:
    """The mark of this user's session, if there is one that can be understood."""
    fact = Fact.get_or_none(Fact.key == _key(user_id))
    if fact is None:
        return None
    try:
        kept = json.loads(fact.value)
        at = datetime.fromisoformat(kept["at"])
        return IntakeMark(str(kept["device"]), int(kept["position"]), at, kept["in_order"] is True)
    except (ValueError, KeyError, TypeError):
        return None


def save_mark(user_id: str, mark: IntakeMark) -> None:
    """Keep a mark in place of the last."""
    value = json.dumps({**asdict(mark), "at": mark.at.isoformat()})
    Fact.insert(key=_key(user_id), value=value).on_conflict(
        conflict_target=[Fact.key], update={Fact.value: value}
    ).execute()


def _key(user_id: str) -> str:
    return f"intake:{user_id}"
