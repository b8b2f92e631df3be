"""Which received file is next, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival, later
from wabot.clock import utc_now
from wabot.conversation.files.received_files import (
    PATIENCE_SECONDS,
    ReceivedFiles,
    attachment_of,
    columns_of,
    let_go_of,
)
from wabot.conversation.inbox import Inbox
from wabot.database.models import Inbound, ReceivedFile
from wabot.whatsapp.messages import Attachment, MessageKind


@pytest.fixture
def files(database: Any) -> ReceivedFiles:
    return ReceivedFiles("shop")


def came(
    customer: int = 1,
    not_before: datetime = NOON,
    user_id: str = "shop",
    kind: MessageKind = MessageKind.AUDIO,
) -> ReceivedFile:
    """A file of one of the customers."""
    jid = f"3460000000{customer}@s.whatsapp.net"
    message = arrival("", chat=jid, phone=jid.partition("@")[0], kind=kind)
    assert Inbox(user_id).store(message, NOON)
    row = Inbound.get(Inbound.message_id == message.message_id)
    return ReceivedFile.create(user_id=user_id, message=row, kind=kind, source="{}", not_before=not_before)


def claimed(files: ReceivedFiles, now: datetime = NOON) -> int | None:
    row = files.claim(now)
    return row.id if row else None


def test_one_of_each_chat_at_a_time_and_the_oldest_first(files: ReceivedFiles) -> None:
    first, second, other = came(1), came(1), came(2)
    came(3, user_id="another")
    row = files.claim(NOON)
    assert row is not None and (row.id, row.attempts) == (first.id, 1)
    assert [claimed(files), claimed(files)] == [other.id, None]
    files.failed(row, "gone", NOON)
    assert claimed(files) is None
    files.release(row)
    assert claimed(files) == second.id


def test_a_chat_that_sends_many_keeps_no_other_waiting(files: ReceivedFiles) -> None:
    many = [came(1) for _ in range(4)]
    others = [came(2), came(3)]
    served = []
    while row := files.claim(NOON):
        served.append(row.id)
        files.understood(row, "yes", "ear", NOON)
        files.release(row)
    assert served == [many[0].id, others[0].id, others[1].id, *(row.id for row in many[1:])]


def test_a_retry_waits_and_holds_up_no_later_file(files: ReceivedFiles) -> None:
    came(1), came(1)
    row = files.claim(NOON)
    assert row is not None and files.retry(row, "503", later(10))
    files.release(row)
    assert files.next_due_at(NOON) == later(10)
    second = files.claim(NOON)
    assert second is not None and second.id != row.id
    files.understood(second, "", "ear", NOON)
    files.release(second)
    assert claimed(files, later(9)) is None
    again = files.claim(later(10))
    assert again is not None and (again.id, again.attempts, again.reason) == (row.id, 2, "503")


def test_a_time_of_before_the_clock_was_set_back_keeps_nothing_waiting(files: ReceivedFiles) -> None:
    row = came(not_before=NOON + timedelta(days=400))
    assert claimed(files) == row.id


def test_what_is_settled_forgets_where_it_came_from(files: ReceivedFiles) -> None:
    rows = [came(number) for number in (1, 2, 3, 4, 5)]
    assert files.open_numbers() == {row.id for row in rows}
    assert files.understood(rows[0], "x" * 30_000, "ear", NOON)
    assert files.keep_out(rows[1], "too long", NOON)
    assert files.failed(rows[2], "gone", NOON)
    assert files.fetched(rows[3])
    found = {
        row.id: (row.state, row.reason, row.source, row.author, len(row.text), row.settled_at)
        for row in ReceivedFile.select().order_by(ReceivedFile.id)
    }
    assert list(found.values()) == [
        ("understood", "", "", "ear", 20_000, NOON),
        ("kept out", "too long", "", "", 0, NOON),
        ("failed", "gone", "", "", 0, NOON),
        ("fetched", "", "{}", "", 0, None),
        ("pending", "", "{}", "", 0, None),
    ]
    assert files.open_numbers() == {rows[3].id, rows[4].id}
    # What is settled stays so; a picture that was fetched is described once its message is answered.
    assert not files.understood(rows[2], "late", "ear", NOON)
    assert not files.retry(rows[3], "503", NOON)
    assert files.understood(rows[3], "a pot", "eye", NOON)


def test_what_is_erased_meanwhile_is_no_trouble(files: ReceivedFiles) -> None:
    row = came()
    Inbound.delete().execute()
    assert not files.understood(row, "text", "ear", NOON)
    assert claimed(files) is None
    assert files.next_due_at(NOON) is None


def test_files_are_found_by_their_messages(files: ReceivedFiles) -> None:
    _, second = came(1), came(1)
    assert files.of_messages([second.message_id, 999]) == {second.message_id: second}


def test_an_answer_waits_for_what_is_to_be_heard_but_not_for_ever(files: ReceivedFiles) -> None:
    row = came()
    message = Inbound.get_by_id(row.message_id)
    begin = utc_now()
    assert files.seconds_to_wait([message], begin) == pytest.approx(PATIENCE_SECONDS, abs=5)
    ReceivedFile.update(seconds=60).execute()
    assert files.seconds_to_wait([message], begin) == pytest.approx(PATIENCE_SECONDS + 60, abs=5)
    assert files.seconds_to_wait([message], begin + timedelta(hours=1)) == 0
    assert files.seconds_to_wait([message], begin - timedelta(days=9)) <= PATIENCE_SECONDS + 60
    assert files.fetched(row)
    assert files.seconds_to_wait([message], begin) == 0
    assert files.seconds_to_wait([], begin) == 0


def test_a_row_says_of_its_file_what_the_message_said(files: ReceivedFiles) -> None:
    said = Attachment("audio/ogg", "../ü\\x", 2**33, 12, True, "https://a/b", "/v/1?x", "00", "11", "22")
    row = came()
    ReceivedFile.update(**columns_of(said)).execute()
    assert attachment_of(ReceivedFile.get_by_id(row.id)) == said
    files.failed(row, "gone", NOON)
    for source in (ReceivedFile.get_by_id(row.id).source, "[]", '{"path": 1}', "{}"):
        with pytest.raises(ValueError):
            attachment_of(ReceivedFile(source=source))


def test_what_became_of_them_is_counted(files: ReceivedFiles) -> None:
    rows = [came(number) for number in range(1, 5)]
    files.understood(rows[0], "yes", "ear", NOON)
    files.understood(rows[0], "again", "ear", NOON)
    files.failed(rows[1], "gone", NOON)
    files.fetched(rows[2])
    assert files.outcomes() == {"understood": 1, "failed": 1, "fetched": 1}
    assert files.pending_count() == 1


def test_where_a_picture_or_document_is_kept_is_known_until_it_is_answered(files: ReceivedFiles) -> None:
    rows = [came(kind=kind) for kind in (MessageKind.DOCUMENT, MessageKind.IMAGE, MessageKind.IMAGE)]
    assert files.understood(rows[0], "a plan", "PDF", NOON)
    assert files.failed(rows[1], "damaged", NOON)
    assert files.fetched(rows[2])
    numbers = [row.message_id for row in rows]
    assert let_go_of(numbers, "a pot", "model:m", NOON) == []
    assert [row.source for row in ReceivedFile.select()] == ["{}"] * 3
    Inbound.update(state="answered").execute()
    assert files.open_numbers() == set()
    assert let_go_of(numbers, "a pot", "model:m", NOON) == [rows[2].id]
    kept = [
        (row.state, row.text, row.author, row.source)
        for row in ReceivedFile.select().order_by(ReceivedFile.id)
    ]
    assert kept == [
        ("understood", "a plan", "PDF", ""),
        ("failed", "", "", ""),
        ("understood", "a pot", "model:m", ""),
    ]
