"""What became of every message and every reply of a soak, from the bot's database and from the customers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wabot.answers.worker import MAX_ATTEMPTS
from wabot.conversation.notices import Notice
from wabot.database.states import FileState
from wabot.emulator.people.customer import Customer
from wabot.emulator.signal.media_keys import MediaError
from wabot.trials.soak.database import SoakDatabase, Unreachable
from wabot.trials.soak.model import REFERENCE

_DOUBT = re.compile(
    r"\breply (\d+) (?:to \S+ )?"
    r"(?:may not have arrived|was leaving when|(was not confirmed)|(has arrived after all))"
)
# Nothing else keeps a message without an answer while nobody pauses a chat, and nothing is too old.
_REASONS = (
    "nothing to answer (reaction)",
    "nothing to read, told already",
    "only a person can read it",
    "cannot be opened, told already",
    # As many kills while it was being answered; the owner is told.
    f"no answer after {MAX_ATTEMPTS} attempts",
)
_NO_FILE = "its file cannot be sent"
# What the service refuses for good (soak_faults.py); anything else passes.
_FINAL_REFUSAL = re.compile(r"\b(?:400|403|404|479)\b")
REACTION = "a reaction"
"""What stands for the text of a reaction."""
SEEN_ONCE = "what is to be seen once"
"""What stands for the text of a message that WhatsApp keeps from linked devices."""
ODD_ID = "with an odd id"
"""How what stands for the text of a message begins whose id no phone makes."""
_WITH_CAPTION = ("image",)
_NEVER_READ = {"lost": "lost in the library", "spoilt": "never decrypted"}
_LOST_AGAIN = "lost; asked to repeat already"
_TEXTS = "knowledge"
"""Where no model answers and the texts know the answer: they know no reference."""
_NOT_KNOWN_AGAIN = "not known, told already"
_ENDS = {
    "sent": "answered",
    "unsure": "answered, in doubt whether that arrived",
    "dead": "answer refused by the service",
}


@dataclass
class SoakAccount:
    """How many messages ended in which way, and whatever must not be.

    Attributes:
        messages: what became of the customers' messages, by kind of end.
        replies: the same of the bot's replies.
        doubled: replies that a customer read more often than once, and that are recorded as in doubt.
        faults: sentences about each thing that must not be.
        unfinished: the same about work that a trial cut short left behind.
    """

    messages: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    doubled: int = 0
    faults: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Row:
    state: str
    reason: str
    kind: str
    reply: int | None
    file: str  # how far that came which came with it, "" for none
    why: str  # it is in that state


@dataclass(frozen=True, slots=True)
class _Reply:
    number: int
    first_part: int
    phone: str
    text: str
    state: str
    source: str
    copies: int
    error: str


def doubts_in(log: str) -> set[int]:
    """The numbers of the replies that by the bot's log may have left, and that nobody confirmed.

    A kill can come between the change of a row and its line: each kind of line counts. What arrives after a
    copy was given up may be that copy or the next, so that doubt stays.
    """
    open_doubts, lasting = set[int](), set[int]()
    for number, gave_up, arrived in _DOUBT.findall(log):
        (lasting if gave_up else open_doubts).add(int(number))
        if arrived:
            open_doubts.remove(int(number))
    return open_doubts | lasting


def draw_up(
    database: SoakDatabase,
    sent: Mapping[Customer, Mapping[str, str]],
    waiting: Iterable[str],
    doubted: Collection[int],
) -> SoakAccount:
    """Account for everything.

    Args:
        database: the bot's, which is stopped.
        sent: each customer's messages: the text of each, by id.
        waiting: ids of messages that the service still keeps for the bot.
        doubted: numbers of the replies that were recorded as in doubt.
    """
    account = SoakAccount()
    kept = set(waiting)
    rows = {
        str(message_id): _Row(*values)
        for message_id, *values in database.rows(
            "SELECT message.message_id, message.state, message.reason, message.kind, message.reply, "
            "coalesce(file.state, ''), coalesce(file.reason, '') FROM wabot_inbox AS message "
            "LEFT JOIN wabot_received_files AS file ON file.message_id = message.id"
        )
    }
    replies: dict[str, list[_Reply]] = defaultdict(list)
    for values in database.rows(
        "SELECT reply.id, coalesce(reply.first_part, reply.id), phone, reply.text, state, source, copies, "
        "reply.error FROM wabot_outbox AS reply JOIN wabot_chats AS chat ON chat.id = reply.chat_id "
        "ORDER BY reply.id"
    ):
        reply = _Reply(*values)
        replies[reply.phone].append(reply)
    for customer, messages in sent.items():
        _Books(account, customer, rows, replies[customer.phone], kept, doubted).check(messages)
    return account


def open_work(database: SoakDatabase) -> int:
    """How many messages still wait for an answer, files to be read, replies to be sent or settled.

    1 when nobody knows. What is collected for the owner is no reply, and leaves minutes later.
    """
    try:
        count: int = database.rows(
            "SELECT (SELECT count(*) FROM wabot_inbox WHERE state = 'pending') + "
            "(SELECT count(*) FROM wabot_received_files WHERE state IN ('pending', 'fetched')) + "
            "(SELECT count(*) FROM wabot_outbox WHERE state IN ('pending', 'sending', 'in_doubt') "
            f"AND source <> '{Notice.UNANSWERED}')"
        )[0][0]
    except Unreachable:
        return 1
    return count


class _Books:
    """One customer's part of an account."""

    def __init__(
        self,
        account: SoakAccount,
        customer: Customer,
        rows: Mapping[str, _Row],
        replies: Sequence[_Reply],
        kept: Collection[str],
        doubted: Collection[int],
    ) -> None:
        self._account = account
        self._customer = customer
        self._rows = rows
        self._replies = replies
        self._kept = kept
        self._doubted = doubted
        self._parts: dict[int, list[_Reply]] = defaultdict(list)
        for reply in replies:
            self._parts[reply.first_part].append(reply)

    def check(self, messages: Mapping[str, str]) -> None:
        """Account for the customer's messages, whose texts these are, and for what they read."""
        self._check_reading()
        self._check_repetition()
        for message_id, text in messages.items():
            self._account.messages[self._end_of(message_id, text)] += 1

    def _fault(self, sentence: str) -> None:
        self._account.faults.append(f"{self._customer.name}: {sentence}")

    def _unfinished(self, sentence: str) -> None:
        self._account.unfinished.append(f"{self._customer.name}: {sentence}")

    def _check_reading(self) -> None:
        """What was read has to be what was sent: never less, and more only where that is recorded."""
        seen = Counter(reply.text for reply in self._customer.replies)
        by_text: dict[str, list[_Reply]] = defaultdict(list)
        for reply in self._replies:
            by_text[reply.text].append(reply)
            self._account.replies[reply.state] += 1
        for text, same in by_text.items():
            count = seen.get(text, 0)
            once = sum(reply.copies > 0 or reply.state == "sent" for reply in same)
            certain = sum(reply.state == "sent" for reply in same)
            # A copy more than one is only in order where the first was in doubt.
            possible = once + sum(reply.copies > 1 for reply in same if reply.number in self._doubted)
            if count < certain:
                self._fault(f"{text[:60]!r} was sent and cannot be read")
            elif count > possible:
                self._fault(f"{text[:60]!r} was read {count} times")
            else:
                self._account.doubled += max(0, count - once)
        for text in set(seen) - set(by_text):
            self._fault(f"{text[:60]!r} was read, but is not in the outbox")
        for read in self._customer.replies:
            try:
                if read.file is not None:
                    read.file.open()
            except MediaError as error:
                self._fault(f"the file with {read.text[:60]!r} cannot be opened: {error}")

    def _check_repetition(self) -> None:
        """A question must not be answered by two answers."""
        answers: dict[str, set[int]] = defaultdict(set)
        for reply in self._replies:
            if reply.state not in ("dead", "withdrawn"):
                for reference in REFERENCE.findall(reply.text):
                    answers[reference].add(reply.first_part)
        for reference, numbers in answers.items():
            if len(numbers) > 1:
                self._fault(f"{reference} is in {len(numbers)} answers")

    def _end_of(self, message_id: str, text: str) -> str:
        """What became of one message, in a few words."""
        row = self._rows.get(message_id)
        if row is None and message_id in self._kept:
            self._unfinished(f"{text[:60]!r} was never taken")
            return "still kept by the service"
        if row is None and text == REACTION:
            # It carries no secret, so the library leaves no trace of it; and nobody waits for an answer.
            return "reaction lost in the library, which nobody answers anyway"
        if row is None and text == SEEN_ONCE:
            # Nothing of it came that a secret could be of; a kill at that very moment takes its event along.
            return "kept from linked devices, and lost in the library"
        if row is None and text.startswith(ODD_ID):
            # It cannot be told from a line of the library's log that somebody made up.
            return "lost in the library, with an id that no phone makes"
        if row is None:
            self._fault(f"{text[:60]!r} ({message_id}) was lost silently")
            return "LOST SILENTLY"
        if row.state == "pending":
            self._unfinished(f"{text[:60]!r} still waits for an answer")
            return "still to answer"
        if row.file in (FileState.PENDING, FileState.FETCHED):
            self._unfinished(f"the file with {text[:60]!r} is {row.file}")
            return "file still to be read"
        if row.kind in _NEVER_READ and row.reason == _LOST_AGAIN:
            return self._end_of_lost_again(text)
        if row.reason == _NOT_KNOWN_AGAIN:
            return self._end_of_not_known_again(text)
        if row.state != "answered":
            if row.reason not in _REASONS:
                self._fault(f"{text[:60]!r} is {row.state}: {row.reason or 'nobody says why'}")
            return f"not answered: {row.reason}"
        return self._end_of_answered(row, text)

    def _end_of_lost_again(self, text: str) -> str:
        asked = [reply for reply in self._replies if reply.source == Notice.ASK_TO_REPEAT]
        if not any(reply.state in ("sent", "unsure") for reply in asked):
            self._fault(f"{text[:60]!r} was lost, and nobody was asked to repeat it")
        return "lost in the library, customer asked to repeat for another one"

    def _end_of_not_known_again(self, text: str) -> str:
        """A model that says nothing to a text is not asked again; the owner is told of it."""
        told = [reply for reply in self._replies if reply.source == Notice.APOLOGY]
        if not any(reply.state in ("sent", "unsure") for reply in told):
            self._fault(f"{text[:60]!r} has no answer, and the customer was never told that a person will")
        return "a model says nothing to it, customer told before, left to the owner"

    def _end_of_answered(self, row: _Row, text: str) -> str:
        all_parts = self._parts.get(row.reply or 0, [])
        parts = [part for part in all_parts if not part.error.startswith(_NO_FILE)]
        states = {part.state for part in parts}
        if states & {"pending", "sending", "in_doubt"}:
            self._unfinished(f"the answer to {text[:60]!r} is {', '.join(sorted(states))}")
            return "answer still to send"
        if not parts or not states <= set(_ENDS):
            self._fault(f"the answer to {text[:60]!r} is {', '.join(sorted(states)) or 'missing'}")
            return "ANSWER NOT SENT"
        for part in parts:
            if part.state == "dead" and not _FINAL_REFUSAL.search(part.error):
                self._fault(f"the answer to {text[:60]!r} is dead: {part.error or 'nobody says why'}")
        if row.kind in _NEVER_READ:
            if parts[0].source != Notice.ASK_TO_REPEAT:
                self._fault(f"{text[:60]!r} was {row.kind}, and is answered by {parts[0].source}")
            return f"{_NEVER_READ[row.kind]}, customer asked to repeat"
        if row.kind == "withheld":
            if parts[0].source != Notice.CANNOT_OPEN:
                self._fault(f"{text[:60]!r} was withheld, and is answered by {parts[0].source}")
            return "kept from linked devices, customer told"
        if row.file in (FileState.KEPT_OUT, FileState.FAILED) and row.kind not in _WITH_CAPTION:
            return f"answered without what is in the {row.kind}: {row.why or 'nobody says why'}"
        if parts[0].source == Notice.TO_CHECK:
            return "beside what may be a payment, customer told that a person checks it"
        if parts[0].source == _TEXTS:
            return "no model answered, the texts did"
        for reference in REFERENCE.findall(text):
            if not any(reference in part.text for part in parts):
                self._fault(f"{reference} is not in its answer")
                return "ANSWER IS ANOTHER'S"
        end = next(end for state, end in reversed(_ENDS.items()) if state in states)
        return end if len(parts) == len(all_parts) else f"{end}, without a file that could not be sent"
