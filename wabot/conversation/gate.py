"""Decides what becomes of a message, and says why when it is not answered. Pure: it is told everything.

It is asked twice. When a message arrives, about that message alone: these rules need little more than the
message, and some cannot wait until its chat falls silent. Then, before a chat is answered, about all its open
messages together. Each time the rules are asked in the order below, and the first that has something to say
decides. What each of them says is its docstring, which the handbook quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from wabot.config.business_hours import OpenSpan, away_since, parse_span
from wabot.config.phone_numbers import GROUP_SERVER
from wabot.config.phrases import has_phrase, is_phrase, is_triggered
from wabot.config.settings import AccountSettings, AiSettings, ChatSettings, ReplySettings
from wabot.conversation.ends import Arrival, what_is
from wabot.database.states import Reason, because_paused
from wabot.whatsapp.messages import USER_SERVERS, MessageKind


class Verdict(StrEnum):
    """What is to be done about a message, or about a chat."""

    ANSWER = "answer"
    IGNORE = "ignore"
    MISSED = "missed"
    HAND_OVER = "hand over"
    PAUSE = "pause"
    RESUME = "resume"
    TELL_STATUS = "tell status"
    TELL_PAUSED = "tell which chats are paused"
    OPT_OUT = "opt out"
    OPT_IN = "opt in"
    ESCALATE = "escalate"
    REST = "rest"
    SAY_AWAY = "say away"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, and why in a few words; whether the text is any business of wabot's."""

    action: Verdict
    reason: str = ""
    keeps_text: bool = True


ANSWER = Decision(Verdict.ANSWER)


def ignore(reason: str, *, keeps_text: bool = True) -> Decision:
    """Not to be answered; of what will never be answered, the text is not even kept."""
    return Decision(Verdict.IGNORE, reason, keeps_text)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rules need of the configuration; made once, because each message is held against them.

    Attributes:
        chats: whom the bot answers.
        max_age_seconds: what is older when it is to be answered, is not.
        calls_per_chat_per_hour: of models; 0 = no limit.
        open_spans: when the bot answers; none means always.
        zone: the time zone of these; None is the machine's own.
    """

    chats: ChatSettings
    max_age_seconds: float
    calls_per_chat_per_hour: int
    open_spans: tuple[OpenSpan, ...]
    zone: ZoneInfo | None

    @classmethod
    def of(
        cls, account: AccountSettings, ai: AiSettings, replies: ReplySettings, chats: ChatSettings
    ) -> Rules:
        """The rules of one account."""
        return cls(
            chats,
            replies.max_age_seconds,
            ai.calls_per_chat_per_hour,
            tuple(map(parse_span, chats.business_hours)),
            account.zone,
        )


_WHATSAPP_ITSELF = ("", "0")
_SAYS_NOTHING = frozenset({Arrival.MARK, Arrival.DELETION, Arrival.KEYS})


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


def own_echo(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """What wabot itself sent is not a message to wabot."""
    return ignore(Reason.OWN_ECHO) if candidate.own_echo else None


def not_a_conversation(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Status posts, broadcast lists and channels are not answered."""
    user, _, server = candidate.jid.rpartition("@")
    if candidate.is_group or (server in USER_SERVERS and user not in _WHATSAPP_ITSELF):
        return None
    return ignore(Reason.NO_CONVERSATION, keeps_text=False)


def owner_command(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """The owner's `#bot off`, `#bot on` and `#bot status` are carried out."""
    if not candidate.from_me or candidate.kind not in (MessageKind.TEXT, MessageKind.EDIT):
        return None
    commands = (
        (rules.chats.pause_words, Verdict.PAUSE),
        (rules.chats.resume_words, Verdict.RESUME),
        (rules.chats.status_words, Verdict.TELL_STATUS),
    )
    for phrases, action in commands:
        if is_phrase(candidate.text, phrases):
            return Decision(Verdict.TELL_PAUSED if candidate.to_self else action, Reason.OWNERS_COMMAND)
    return None


def note_to_self(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """What the owner writes to themselves is nobody's business."""
    return ignore(Reason.OWN_NOTES, keeps_text=False) if candidate.to_self else None


def group(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Groups are not answered, or only a message that mentions the account (`groups`)."""
    if not candidate.is_group or rules.chats.groups == "all":
        return None
    if rules.chats.groups == "mention":
        return None if candidate.mentions_account else ignore(Reason.NOT_MENTIONED)
    return ignore(Reason.GROUP, keeps_text=False)


def denied(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Who is on the list `deny` is not answered, whether by phone number or by hidden id."""
    return ignore(Reason.DENIED, keeps_text=False) if _is_named(candidate, rules.chats.deny) else None


def not_allowed(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Where there is a list `allow`, nobody else is answered."""
    allowed = rules.chats.allow
    return (
        ignore(Reason.NOT_ALLOWED, keeps_text=False)
        if allowed and not _is_named(candidate, allowed)
        else None
    )


def says_nothing(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Reactions, votes, pins, deletions and the owner's edits say nothing that could be answered."""
    what = what_is(candidate.kind, candidate.text)
    if what in _SAYS_NOTHING or (what is Arrival.CHANGE and candidate.from_me):
        return ignore(f"nothing to answer ({candidate.kind})")
    return None


def owner_wrote(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Where the owner writes, the bot is quiet for `handover_pause`; what was about to leave is withdrawn."""
    return Decision(Verdict.HAND_OVER, Reason.OWNER_WROTE) if candidate.from_me else None


def opt_in(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Who had opted out and sends just one of `opt_in_words` is written to again."""
    if candidate.opted_out and is_phrase(candidate.text, rules.chats.opt_in_words):
        return Decision(Verdict.OPT_IN, Reason.OPTED_IN)
    return None


def opted_out(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Who has opted out is not written to, whatever they send."""
    return ignore(Reason.OPTED_OUT) if candidate.opted_out else None


def opt_out(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """Who sends just one of `opt_out_words` opts out, is told so once, and gets nothing more."""
    if not candidate.is_group and is_phrase(candidate.text, rules.chats.opt_out_words):
        return Decision(Verdict.OPT_OUT, Reason.OPTED_OUT)
    return None


def edit(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """An edit is not answered by itself: its message is answered as it now reads."""
    return ignore(f"nothing to answer ({candidate.kind})") if candidate.kind == MessageKind.EDIT else None


def too_old(candidate: Candidate, rules: Rules, now: datetime) -> Decision | None:
    """What is older than `max_age` is left to the owner, who is told; a backlog's rest gets one answer."""
    missed = is_too_old(candidate.sent_at, rules.max_age_seconds, now)
    return Decision(Verdict.MISSED, Reason.TOO_OLD) if missed else None


def is_too_old(sent_at: datetime, max_age_seconds: float, now: datetime) -> bool:
    """Whether nobody waits any more for an answer to what was sent then."""
    return (now - sent_at).total_seconds() > max_age_seconds


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


@dataclass(frozen=True, slots=True)
class Burst:
    """What the gate looks at before a chat is answered.

    Attributes:
        texts: of the messages to answer, oldest first.
        opted_out: the customer asked not to be written to.
        pause: why the chat is paused now, or "".
        last_answer_at: naive UTC, or None when there is none the gate could need.
        answers: how many the chat got within the last hour, as far as the gate could need them.
        repetitions: how many of these were to the very text that is to be answered now.
        calls: of models that were made for it within the last hour.
        away_at: when the customer was last told that nobody is there.
    """

    texts: tuple[str, ...] = field(repr=False)
    opted_out: bool = False
    pause: str = ""
    last_answer_at: datetime | None = None
    answers: int = 0
    repetitions: int = 0
    calls: int = 0
    away_at: datetime | None = None


def still_opted_out(burst: Burst, rules: Rules, now: datetime) -> Decision | None:
    """Who has opted out is not written to."""
    return ignore(Reason.OPTED_OUT) if burst.opted_out else None


def paused(burst: Burst, rules: Rules, now: datetime) -> Decision | None:
    """A paused chat is left to the owner."""
    return ignore(because_paused(burst.pause)) if burst.pause else None


def not_begun(burst: Burst, rules: Rules, now: datetime) -> Decision | None:
    """A chat has to be begun as `trigger_type` says, and goes on until it rested for `expire`."""
    chats = rules.chats
    if burst.last_answer_at and (now - burst.last_answer_at).total_seconds() < chats.expire_seconds:
        return None
    for text in burst.texts:
        if is_triggered(text, chats.trigger_type, chats.trigger_operator, chats.trigger_values):
            return None
    return ignore(Reason.NOT_BEGUN)


def escalation(burst: Burst, rules: Rules, now: datetime) -> Decision | None:
    """A message with one of `escalation_words` is left to a person: the customer is told, the chat paused."""
    if any(has_phrase(text, rules.chats.escalation_words) for text in burst.texts):
        return Decision(Verdict.ESCALATE, Reason.PERSON_WANTED)
    return None


def ceiling(burst: Burst, rules: Rules, now: datetime) -> Decision | None:
    """Who got `loop_ceiling` answers within an hour is taken for another bot; the chat rests for an hour."""
    ceiling = rules.chats.loop_ceiling
    if ceiling and burst.answers >= ceiling:
        return Decision(Verdict.REST, f"{ceiling} answers within an hour")
    return None


def repetition(burst: Burst, rules: Rules, now: datetime) -> Decision | None:
    """So is who sends again what has got `loop_repetitions` answers in a row within an hour."""
    most = rules.chats.loop_repetitions if rules.chats.loop_ceiling else 0
    if most and burst.repetitions >= most:
        return Decision(Verdict.REST, f"the same message {most + 1} times within an hour")
    return None


def calls(burst: Burst, rules: Rules, now: datetime) -> Decision | None:
    """So is who made models be asked `ai.calls_per_chat_per_hour` times within an hour, answered or not."""
    most = rules.calls_per_chat_per_hour
    if most and burst.calls >= most:
        return Decision(Verdict.REST, f"{most} calls of models within an hour")
    return None


def closed(burst: Burst, rules: Rules, now: datetime) -> Decision | None:
    """Outside `business_hours` a customer is told once that nobody is there, and not answered."""
    since = away_since(rules.open_spans, rules.zone, now)
    if since is None:
        return None
    told = burst.away_at is not None and since <= burst.away_at <= now
    return ignore(Reason.CLOSED) if told else Decision(Verdict.SAY_AWAY, Reason.CLOSED)


ArrivalRule = Callable[[Candidate, Rules, datetime], Decision | None]
AnswerRule = Callable[[Burst, Rules, datetime], Decision | None]

ARRIVAL_RULES: tuple[ArrivalRule, ...] = (
    own_echo,
    not_a_conversation,
    owner_command,
    note_to_self,
    group,
    denied,
    not_allowed,
    says_nothing,
    owner_wrote,
    opt_in,
    opted_out,
    opt_out,
    edit,
    too_old,
)
ANSWER_RULES: tuple[AnswerRule, ...] = (
    still_opted_out,
    paused,
    not_begun,
    escalation,
    ceiling,
    repetition,
    calls,
    closed,
)


def on_arrival(candidate: Candidate, rules: Rules, now: datetime) -> Decision:
    """What becomes of a message; ANSWER means that its chat is answered once it falls silent.

    Args:
        candidate: the message.
        rules: what the configuration says.
        now: naive UTC.
    """
    return next(filter(None, (rule(candidate, rules, now) for rule in ARRIVAL_RULES)), ANSWER)


def before_answering(burst: Burst, rules: Rules, now: datetime) -> Decision:
    """What becomes of a chat whose customer fell silent.

    Args:
        burst: its open messages, none of them too old, and what is known of the chat.
        rules: what the configuration says.
        now: naive UTC.
    """
    return next(filter(None, (rule(burst, rules, now) for rule in ANSWER_RULES)), ANSWER)
