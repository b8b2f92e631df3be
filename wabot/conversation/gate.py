"""Decides what becomes of a message, and says why when it is not answered. Pure: it is told everything.

It is asked twice. When a message arrives, about that message alone: these rules need little more than the
message, and some cannot wait until its chat falls silent. Then, before a chat is answered, about all its open
messages together. Each time the rules are asked in the order below, and the first that has something to say
decides. What each of them says is its docstring, which the README quotes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from wabot.config.settings import Settings
from wabot.conversation import answer_rules, arrival_rules
from wabot.conversation.answer_rules import Burst
from wabot.conversation.arrival_rules import Candidate
from wabot.conversation.decisions import ANSWER, Decision

ArrivalRule = Callable[[Candidate, Settings, datetime], Decision | None]
AnswerRule = Callable[[Burst, Settings, datetime], Decision | None]

ARRIVAL_RULES: tuple[ArrivalRule, ...] = (
    arrival_rules.own_echo,
    arrival_rules.not_a_conversation,
    arrival_rules.owner_command,
    arrival_rules.note_to_self,
    arrival_rules.group,
    arrival_rules.denied,
    arrival_rules.not_allowed,
    arrival_rules.says_nothing,
    arrival_rules.owner_wrote,
    arrival_rules.opt_in,
    arrival_rules.opted_out,
    arrival_rules.opt_out,
    arrival_rules.edit,
    arrival_rules.too_old,
)
ANSWER_RULES: tuple[AnswerRule, ...] = (
    answer_rules.opted_out,
    answer_rules.paused,
    answer_rules.not_begun,
    answer_rules.escalation,
    answer_rules.ceiling,
    answer_rules.repetition,
    answer_rules.calls,
    answer_rules.closed,
)


def on_arrival(candidate: Candidate, settings: Settings, now: datetime) -> Decision:
    """What becomes of a message; ANSWER means that its chat is answered once it falls silent.

    Args:
        candidate: the message.
        settings: the configuration.
        now: naive UTC.
    """
    return next(filter(None, (rule(candidate, settings, now) for rule in ARRIVAL_RULES)), ANSWER)


def before_answering(burst: Burst, settings: Settings, now: datetime) -> Decision:
    """What becomes of a chat whose customer fell silent.

    Args:
        burst: its open messages, none of them too old, and what is known of the chat.
        settings: the configuration.
        now: naive UTC.
    """
    return next(filter(None, (rule(burst, settings, now) for rule in ANSWER_RULES)), ANSWER)
