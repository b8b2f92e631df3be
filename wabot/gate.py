"""Decides whether a message is answered, and says why when it is not. Pure: it is told everything.

The order of the rules is the order of `_RULES`; the first that has an objection decides.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from wabot.messages import GROUP_SERVER, USER_SERVERS, Kind
from wabot.settings import Settings


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the gate looks at: one stored message and its chat.

    Attributes:
        jid: the chat as WhatsApp addressed it.
        phone: digits of the customer's number, or "".
        lid: digits of the customer's hidden id, or "".
        kind: what the message carries.
        text: its text.
        sent_at: WhatsApp's time of sending, naive UTC.
        mentions_account: the account was mentioned (groups).
    """

    jid: str
    phone: str
    lid: str
    kind: str
    text: str
    sent_at: datetime
    mentions_account: bool = False


def objection(candidate: Candidate, settings: Settings, now: datetime) -> str:
    """Why this message is not to be answered, or "" when it is.

    Args:
        candidate: the message.
        settings: the configuration.
        now: naive UTC.
    """
    for rule in _RULES:
        reason = rule(candidate, settings, now)
        if reason:
            return reason
    return ""


def _not_a_conversation(candidate: Candidate, settings: Settings, now: datetime) -> str:
    server = candidate.jid.rpartition("@")[2]
    if server not in USER_SERVERS and server != GROUP_SERVER:
        return "not a conversation"
    return "nothing said" if candidate.kind in (Kind.OTHER, Kind.REACTION, Kind.PROTOCOL) else ""


def _group(candidate: Candidate, settings: Settings, now: datetime) -> str:
    if not candidate.jid.endswith("@" + GROUP_SERVER) or settings.chats.groups == "all":
        return ""
    if settings.chats.groups == "mention":
        return "" if candidate.mentions_account else "group, not mentioned"
    return "group"


def _denied(candidate: Candidate, settings: Settings, now: datetime) -> str:
    return "denied" if _matches(candidate, settings.chats.deny) else ""


def _not_allowed(candidate: Candidate, settings: Settings, now: datetime) -> str:
    if settings.chats.allow and not _matches(candidate, settings.chats.allow):
        return "not on the allow list"
    return ""


def _too_old(candidate: Candidate, settings: Settings, now: datetime) -> str:
    return "too old" if (now - candidate.sent_at).total_seconds() > settings.replies.max_age else ""


_RULES: tuple[Callable[[Candidate, Settings, datetime], str], ...] = (
    _not_a_conversation,
    _group,
    _denied,
    _not_allowed,
    _too_old,
)


def _matches(candidate: Candidate, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern names the customer by phone number, by LID or by JID.

    The same customer is addressed by either, so both are tried.
    """
    user = candidate.jid.partition("@")[0]
    names = {name for name in (candidate.phone, candidate.lid, user, candidate.jid) if name}
    return any(
        fnmatch.fnmatchcase(name, pattern.removeprefix("+").replace(" ", ""))
        for pattern in patterns
        for name in names
    )
