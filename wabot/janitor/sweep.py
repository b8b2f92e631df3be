"""What every sweep of the janitor is given, and how it tells what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wabot.application.connections import ConnectionTable
from wabot.application.users import Users
from wabot.config.settings import Settings
from wabot.session.directories import SessionDirectories
from wabot.system.terminal import printable


class ActionKind(StrEnum):
    """What the janitor can do; in the words for what it did."""

    ROW_DELETED = "deleted row"
    ROW_CORRECTED = "corrected row"
    DIRECTORY_MOVED = "moved to quarantine"
    DIRECTORY_DELETED = "deleted from quarantine"
    HISTORY_DELETED = "deleted history"
    FILES_DELETED = "deleted"
    SPACE_FREED = "freed space"
    LEFT_ALONE = "left alone"

    def said(self, *, done: bool) -> str:
        """In the words for what was done, or would be."""
        return self if done else _INTENTIONS[self]


_INTENTIONS = {
    ActionKind.ROW_DELETED: "would delete row",
    ActionKind.ROW_CORRECTED: "would correct row",
    ActionKind.DIRECTORY_MOVED: "would move to quarantine",
    ActionKind.DIRECTORY_DELETED: "would delete from quarantine",
    ActionKind.HISTORY_DELETED: "would delete history",
    ActionKind.FILES_DELETED: "would delete",
    ActionKind.SPACE_FREED: "would free space",
    ActionKind.LEFT_ALONE: "left alone",
}


@dataclass(frozen=True, slots=True)
class Cleanup:
    """One thing the janitor did, or would do.

    Attributes:
        kind: what.
        target: to which row or directory.
        user_id: whose; "" for what belongs to nobody in particular.
        reason: why.
        done: False in a dry run.
    """

    kind: ActionKind
    target: str
    user_id: str
    reason: str
    done: bool

    def __str__(self) -> str:
        words = self.kind.said(done=self.done)
        whose = f" of user {self.user_id}" if self.user_id else ""
        return printable(f"{words} {self.target}{whose}: {self.reason}")

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "deed": self.kind,
            "target": self.target,
            "user_id": self.user_id,
            "reason": self.reason,
            "done": self.done,
        }


@dataclass(frozen=True, slots=True)
class Sweep:
    """One run of the janitor.

    Attributes:
        settings: of the configuration in use.
        database: open.
        users: the application's users; not empty.
        connections: the application's table of connections, None where there is none.
        sessions: every place where a session of this database may live.
        protected: users whose directories are not this database's to judge.
        configured: users that a configuration on this machine is for.
        own: users that this machine has, or had, a session or a configuration for.
        may_move_unknown: whether a directory of an unknown user may be moved at all.
        now: naive UTC.
        apply: False for a dry run.
        tell: takes every action as it happens.
    """

    settings: Settings
    database: Any
    users: Users
    connections: ConnectionTable | None
    sessions: SessionDirectories
    protected: frozenset[str]
    configured: frozenset[str]
    own: frozenset[str]
    may_move_unknown: bool
    now: datetime
    apply: bool
    tell: Callable[[Cleanup], None]

    def report(self, kind: ActionKind, target: str, user_id: str, reason: str) -> None:
        """Tell of one thing that was done, or would be."""
        self.tell(Cleanup(kind, target, user_id, reason, self.apply))
