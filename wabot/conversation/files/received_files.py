"""The files that came with messages as a queue: which is to be fetched next, and what became of it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from wabot.clock import utc_now
from wabot.database.models import Chat, Inbound, ReceivedFile, database
from wabot.database.states import FileState, InboundState, KeptOut, Reason
from wabot.system.files import read_json
from wabot.whatsapp.messages import Attachment, MessageKind

_LONGEST_WAIT = timedelta(hours=1)
"""No wait between two attempts is so long: what is to wait longer was stored before a clock was set back."""
PATIENCE_SECONDS = 300.0
"""How long an answer waits for a file, and as long as a note plays on top of that."""
_LONGEST_SOUND_SECONDS = 600
_READ_KINDS = frozenset({MessageKind.AUDIO, MessageKind.IMAGE, MessageKind.DOCUMENT})
_CHATS_LOOKED_AT = 200
_MAX_TEXT_CHARACTERS = 20_000
_MAX_REASON_CHARACTERS = 500
PASSED_ON_KINDS = frozenset({MessageKind.IMAGE, MessageKind.DOCUMENT})
"""What the owner may be handed as it came: where it is, is known until its message is answered."""
_BY_A_RULE = frozenset(KeptOut)
_OPEN = (FileState.PENDING, FileState.FETCHED)
_SOURCE = ("address", "path", "key", "file_sha256", "encrypted_sha256")
_DESCRIPTION = ("mimetype", "file_name", "size_bytes", "seconds", "is_voice")


def columns_of(attachment: Attachment) -> dict[str, Any]:
    """What stands of a file in its row: how its sender describes it, and where it can be fetched."""
    source = json.dumps({name: getattr(attachment, name) for name in _SOURCE}, separators=(",", ":"))
    return {**{name: getattr(attachment, name) for name in _DESCRIPTION}, "source": source}


def attachment_of(row: ReceivedFile) -> Attachment:
    """The file of a row as its message had it; raises ValueError where the row no longer says that."""
    fields: dict[str, Any] = read_json(row.source, lambda known: {name: str(known[name]) for name in _SOURCE})
    return Attachment(**{name: getattr(row, name) for name in _DESCRIPTION}, **fields)


def files_with(message_ids: Iterable[int]) -> dict[int, ReceivedFile]:
    """The files that came with these messages, by the number of the message."""
    found = ReceivedFile.select().where(ReceivedFile.message.in_(list(message_ids)))
    return {row.message_id: row for row in found}


def let_go_of(message_ids: Iterable[int], note: str, author: str, now: datetime) -> list[int]:
    """Forget what was only kept until messages were answered, of those that are.

    Args:
        message_ids: the numbers of the messages.
        note: what their pictures are said to show; it stands with the last.
        author: who says so.
        now: naive UTC.

    Returns:
        The numbers of the files that need not lie on this machine any longer.
    """
    with database.atomic():
        settled = Inbound.select(Inbound.id).where(
            Inbound.id.in_(list(message_ids)), Inbound.state != InboundState.PENDING
        )
        of_settled = ReceivedFile.message.in_(settled)
        shown = ReceivedFile.select(ReceivedFile.id).where(
            of_settled, ReceivedFile.state == FileState.FETCHED
        )
        numbers = [row.id for row in shown.order_by(ReceivedFile.id)]
        seen: dict[str, Any] = {"state": FileState.UNDERSTOOD, "author": author, "settled_at": now}
        ReceivedFile.update(**seen).where(ReceivedFile.id.in_(numbers)).execute()
        ReceivedFile.update(text=note[:_MAX_TEXT_CHARACTERS]).where(
            ReceivedFile.id.in_(numbers[-1:])
        ).execute()
        kept = (ReceivedFile.source != "") & (ReceivedFile.state != FileState.PENDING)
        ReceivedFile.update(source="").where(of_settled, kept).execute()
    return numbers


def withdraw_file_of(message_id: int, now: datetime) -> None:
    """Forget a file whose message was taken back, and what was understood of it.

    Args:
        message_id: the number of the message's row.
        now: naive UTC.
    """
    ReceivedFile.update(
        state=FileState.KEPT_OUT, reason=Reason.TAKEN_BACK, source="", text="", settled_at=now
    ).where(ReceivedFile.message == message_id).execute()


class ReceivedFiles:
    """The files of one account. Safe to share by threads; a row is claimed by one of them at a time.

    Who has claimed a row is known to this process alone: after its end everything is as before, but for the
    count of attempts.

    Args:
        user_id: whose account.

    Attributes:
        wakeup: set when a file may be due; whoever fetches waits for it.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._lock = threading.Lock()
        # The chats that a file is claimed of, and in which turn each chat was last served.
        self._claimed: dict[int, int] = {}
        self._turns: dict[int, int] = {}
        self._turn = 0
        self._outcomes: Counter[FileState] = Counter()
        self._began_at = utc_now()
        self.wakeup = threading.Event()

    def add(
        self, message_id: int, kind: MessageKind, attachment: Attachment, kept_out: str, now: datetime
    ) -> None:
        """Write down the file that came with a message, in the transaction that stores it; once.

        Args:
            message_id: the number of the message's row.
            kind: as what it came.
            attachment: what the message says of it.
            kept_out: why it is not fetched; "" where it is.
            now: naive UTC.
        """
        settled = {"state": FileState.KEPT_OUT, "reason": kept_out, "settled_at": now}
        if kept_out not in _BY_A_RULE or kind not in PASSED_ON_KINDS:
            settled["source"] = ""
        ReceivedFile.insert(
            user_id=self._user_id,
            message=message_id,
            kind=kind,
            not_before=now,
            **columns_of(attachment) | (settled if kept_out else {}),
        ).on_conflict_ignore().execute()
        database.after_commit(lambda: self._count(FileState.KEPT_OUT) if kept_out else self.wakeup.set())

    def outcomes(self) -> dict[FileState, int]:
        """How many files of this process came to each state but PENDING."""
        with self._lock:
            return dict(self._outcomes)

    def pending_count(self) -> int:
        """How many files are still to be fetched."""
        count: int = ReceivedFile.select().where(*self._waiting).count()
        return count

    def claim(self, now: datetime) -> ReceivedFile | None:
        """Take the next file that is due, and count the attempt; None when there is none.

        Of each chat one at a time, the oldest first; and the chats in turn, so that one which sends very many
        keeps no other waiting.

        Args:
            now: naive UTC.
        """
        with self._lock:
            for row in self._heads(now):
                self._turn += 1
                self._turns[row.message.chat_id] = self._turn
                counted = (
                    ReceivedFile.update(attempts=ReceivedFile.attempts + 1)
                    .where(ReceivedFile.id == row.id, ReceivedFile.state == FileState.PENDING)
                    .execute()
                )
                if counted:
                    row.attempts += 1
                    self._claimed[row.id] = row.message.chat_id
                    return row
        return None

    def release(self, row: ReceivedFile) -> None:
        """Give back what was claimed, whatever became of it."""
        with self._lock:
            self._claimed.pop(row.id, None)

    def has_waiting(self) -> bool:
        """Whether there is a file to be fetched, now or later."""
        return bool(ReceivedFile.select().where(*self._waiting).exists())

    def next_due_at(self, now: datetime) -> datetime | None:
        """When the first file is due that is not due yet; None when there is none."""
        at: datetime | None = (
            ReceivedFile.select(fn.MIN(ReceivedFile.not_before))
            .where(*self._waiting, ReceivedFile.not_before > now)
            .scalar()
        )
        return at

    def of_messages(self, message_ids: Iterable[int]) -> dict[int, ReceivedFile]:
        """The files that came with these messages, by the number of the message."""
        return files_with(message_ids)

    def seconds_to_wait(self, messages: Iterable[Inbound], now: datetime) -> float:
        """For how long an answer to messages waits for what is in their files; 0 where for none.

        From when they came, or this process began: it does anew what the last one did not finish.

        Args:
            messages: of one chat.
            now: naive UTC.
        """
        came = {message.id: message.received_at for message in messages if message.kind in _READ_KINDS}
        if not came:
            return 0.0
        waiting = ReceivedFile.select().where(*self._waiting, ReceivedFile.message.in_(list(came)))
        left = [
            PATIENCE_SECONDS
            + min(max(row.seconds, 0), _LONGEST_SOUND_SECONDS)
            # A clock that was set back meanwhile prolongs nothing beyond once more.
            - max((now - max(came[row.message_id], self._began_at)).total_seconds(), 0.0)
            for row in waiting
        ]
        return float(max([*left, 0.0]))

    def open_numbers(self) -> set[int]:
        """The numbers of the rows whose file is still needed on this machine, or will be."""
        waits = (ReceivedFile.state == FileState.PENDING) | (Inbound.state == InboundState.PENDING)
        rows = (
            ReceivedFile.select(ReceivedFile.id)
            .join(Inbound)
            .where(ReceivedFile.user_id == self._user_id, ReceivedFile.state.in_(_OPEN), waits)
        )
        return {row.id for row in rows}

    def count_in_chat(self, chat_id: int, since: datetime, most: int) -> int:
        """How many files came in a chat and were not kept out; no more than `most` are counted.

        Args:
            chat_id: the chat.
            since: naive UTC.
            most: enough is known with so many.
        """
        # By time: among very many that were kept out, those that were not are the first.
        admitted = (
            ReceivedFile.select(ReceivedFile.id)
            .join(Inbound)
            .where(
                Inbound.chat == chat_id,
                Inbound.received_at >= since,
                ReceivedFile.state != FileState.KEPT_OUT,
            )
            .order_by(Inbound.received_at)
            .limit(most)
        )
        return len(admitted)

    def retry(self, row: ReceivedFile, reason: str, not_before: datetime) -> bool:
        """Try again at a time, naive UTC; whether it was still to be fetched."""
        return self._change(
            row, (FileState.PENDING,), reason=reason[:_MAX_REASON_CHARACTERS], not_before=not_before
        )

    def fetched(self, row: ReceivedFile) -> bool:
        """Write down that the file lies here until its message is answered; whether that was awaited."""
        return self._change(row, (FileState.PENDING,), state=FileState.FETCHED, reason="")

    def understood(self, row: ReceivedFile, text: str, author: str, now: datetime) -> bool:
        """Keep what was heard, seen or read in it, and forget where it came from.

        Args:
            row: the file.
            text: what; may be "": nothing.
            author: what understood it, as the name of a transcriber.
            now: naive UTC.

        Returns:
            Whether that was still awaited; it is not where its message was deleted meanwhile.
        """
        kept = text[:_MAX_TEXT_CHARACTERS]
        return self._settle(row, FileState.UNDERSTOOD, now, text=kept, author=author, reason="")

    def keep_out(self, row: ReceivedFile, reason: str, now: datetime) -> bool:
        """Fetch a file never, by a rule, and forget where it is; whether it was still to be fetched."""
        return self._settle(row, FileState.KEPT_OUT, now, reason=reason[:_MAX_REASON_CHARACTERS])

    def failed(self, row: ReceivedFile, reason: str, now: datetime) -> bool:
        """Give a file up, and forget where it came from; whether it was still wanted."""
        return self._settle(row, FileState.FAILED, now, reason=reason[:_MAX_REASON_CHARACTERS])

    @property
    def _waiting(self) -> tuple[Any, ...]:
        return ReceivedFile.user_id == self._user_id, ReceivedFile.state == FileState.PENDING

    def _heads(self, now: datetime) -> list[ReceivedFile]:
        """The oldest due file of each chat that none is claimed of, the chat first that waits longest."""
        is_due = (ReceivedFile.not_before <= now) | (ReceivedFile.not_before > now + _LONGEST_WAIT)
        busy = list(self._claimed.values())
        oldest = (
            ReceivedFile.select(fn.MIN(ReceivedFile.id))
            .join(Inbound)
            .where(*self._waiting, is_due, Inbound.chat.not_in(busy))
            .group_by(Inbound.chat)
        )
        rows = (
            ReceivedFile.select(ReceivedFile, Inbound, Chat)
            .join(Inbound)
            .join(Chat)
            .where(ReceivedFile.id.in_(oldest))
            .order_by(ReceivedFile.id)
            .limit(_CHATS_LOOKED_AT)
        )
        heads = list(rows)
        waiting = {*busy, *(row.message.chat_id for row in heads)}
        self._turns = {chat: turn for chat, turn in self._turns.items() if chat in waiting}
        return sorted(heads, key=lambda row: self._turns.get(row.message.chat_id, 0))

    def _settle(self, row: ReceivedFile, state: FileState, now: datetime, **changes: Any) -> bool:
        if row.kind not in PASSED_ON_KINDS:
            changes["source"] = ""
        return self._change(row, _OPEN, state=state, settled_at=now, **changes)

    def _change(self, row: ReceivedFile, states: tuple[FileState, ...], **changes: Any) -> bool:
        changed: int = (
            ReceivedFile.update(**changes)
            .where(ReceivedFile.id == row.id, ReceivedFile.state.in_(states))
            .execute()
        )
        if changed and "state" in changes:
            database.after_commit(lambda: self._count(changes["state"]))
        return bool(changed)

    def _count(self, state: FileState) -> None:
        with self._lock:
            self._outcomes[state] += 1
