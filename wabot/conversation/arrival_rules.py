"""The gate's rules about a message that arrives; `gate.py` has their order. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from wabot.config.chat_address import GROUP_SERVER
from wabot.config.phrases import is_phrase
from wabot.config.settings import Settings
from wabot.conversation.decisions import Action, Decision, ignore
from wabot.conversation.ends import What, what_is
from wabot.whatsapp.messages import USER_SERVERS, Kind

_WHATSAPP_ITSELF = ("", "0")
_SAYS_NOTHING = frozenset({What.MARK, What.DELETION, What.KEYS})

OWNERS_COMMAND = "the owner's command"
"""Why a message of the owner's is not answered that was an order to the bot."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the gate looks at when a message arrives.

    Attributes:
        jid: the chat as WhatsApp addressed it.
        addresses: every JID, phone number (digits) and hidden id the other side is known by.
        kind: what the message carries.
        text: its text.
        sent_at: WhatsApp's time of sending, naive UTC.
        from_me: sent from this account.
        to_self: the owner's chat with themselves.
        own_echo: wabot itself sent it.
        mentions_account: the account was mentioned (groups).
        opted_out: the customer asked not to be written to.
    """

    jid: str
    addresses: frozenset[str]
    kind: str
    text: str = field(repr=False)
    sent_at: datetime
    from_me: bool = False
    to_self: bool = False
    own_echo: bool = False
    mentions_account: bool = False
    opted_out: bool = False

    @property
    def is_group(self) -> bool:
        """Whether it came from a group."""
        return self.jid.endswith("@" + GROUP_SERVER)


def own_echo(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """What wabot itself sent is not a message to wabot."""
    return ignore("own echo") if candidate.own_echo else None


def not_a_conversation(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Status posts, broadcast lists and channels are not answered."""
    user, _, server = candidate.jid.rpartition("@")
    if candidate.is_group or (server in USER_SERVERS and user not in _WHATSAPP_ITSELF):
        return None
    return ignore("not a conversation", keeps_text=False)


def owner_command(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """The owner's `#bot off`, `#bot on` and `#bot status` are carried out."""
    if not candidate.from_me or candidate.kind not in (Kind.TEXT, Kind.EDIT):
        return None
    commands = (
        (settings.chats.pause_words, Action.PAUSE),
        (settings.chats.resume_words, Action.RESUME),
        (settings.chats.status_words, Action.TELL_STATUS),
    )
    for phrases, action in commands:
        if is_phrase(candidate.text, phrases):
            return Decision(Action.TELL_STATUS if candidate.to_self else action, OWNERS_COMMAND)
    return None


def note_to_self(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """What the owner writes to themselves is nobody's business."""
    return ignore("the owner's own notes", keeps_text=False) if candidate.to_self else None


def group(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Groups are not answered, or only a message that mentions the account (`groups`)."""
    if not candidate.is_group or settings.chats.groups == "all":
        return None
    if settings.chats.groups == "mention":
        return None if candidate.mentions_account else ignore("group, not mentioned")
    return ignore("group", keeps_text=False)


def denied(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Who is on the list `deny` is not answered, whether by phone number or by hidden id."""
    return ignore("denied", keeps_text=False) if _is_named(candidate, settings.chats.deny) else None


def not_allowed(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Where there is a list `allow`, nobody else is answered."""
    allowed = settings.chats.allow
    return (
        ignore("not on the allow list", keeps_text=False)
        if allowed and not _is_named(candidate, allowed)
        else None
    )


def says_nothing(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Reactions, votes, pins, deletions and the owner's edits say nothing that could be answered."""
    what = what_is(candidate.kind, candidate.text)
    if what in _SAYS_NOTHING or (what is What.CHANGE and candidate.from_me):
        return ignore(f"nothing to answer ({candidate.kind})")
    return None


def owner_wrote(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Where the owner writes, the bot is quiet for `handover_pause`; what was about to leave is withdrawn."""
    return Decision(Action.HAND_OVER, "the owner wrote") if candidate.from_me else None


def opt_in(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Who had opted out and sends just one of `opt_in_words` is written to again."""
    if candidate.opted_out and is_phrase(candidate.text, settings.chats.opt_in_words):
        return Decision(Action.OPT_IN, "opted in")
    return None


def opted_out(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Who has opted out is not written to, whatever they send."""
    return ignore("opted out") if candidate.opted_out else None


def opt_out(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """Who sends just one of `opt_out_words` opts out, is told so once, and gets nothing more."""
    if not candidate.is_group and is_phrase(candidate.text, settings.chats.opt_out_words):
        return Decision(Action.OPT_OUT, "opted out")
    return None


def edit(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """An edit is not answered by itself: its message is answered as it now reads."""
    return ignore(f"nothing to answer ({candidate.kind})") if candidate.kind == Kind.EDIT else None


def too_old(candidate: Candidate, settings: Settings, now: datetime) -> Decision | None:
    """What is older than `max_age` is left to the owner, who is told; a backlog's rest gets one answer."""
    missed = is_too_old(candidate.sent_at, settings, now)
    return Decision(Action.MISSED, "too old") if missed else None


def is_too_old(sent_at: datetime, settings: Settings, now: datetime) -> bool:
    """Whether nobody waits for an answer to this any more."""
    return (now - sent_at).total_seconds() > settings.replies.max_age


def _is_named(candidate: Candidate, patterns: Iterable[str]) -> bool:
    """Whether a pattern names the other side by any of its addresses; WhatsApp uses now one, now another."""
    for pattern in patterns:
        wanted = pattern.removeprefix("+").replace(" ", "")
        if wanted in candidate.addresses:
            return True
        if "*" in wanted and any(map(_with_wildcards(wanted).fullmatch, candidate.addresses)):
            return True
    return False


@lru_cache(maxsize=1000)
def _with_wildcards(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))))
