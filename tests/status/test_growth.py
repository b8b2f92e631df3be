"""What is asked again and again takes no more work with years of messages: the work is counted, not timed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import peewee
import pytest

from wabot.alerts.checks import look_at_replies
from wabot.clock import utc_now
from wabot.config.phone_numbers import ChatAddress
from wabot.config.settings import AccountSettings, PathSettings, Settings
from wabot.conversation import history
from wabot.conversation.chats import find_chats, others_with
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.owner_chat import lines_about
from wabot.conversation.pauses import paused_chats
from wabot.conversation.send_queue import SendQueue
from wabot.database.engine import open_database
from wabot.inbound.reception import reception_of
from wabot.outbound.pacing import rates_so_far
from wabot.privacy.export import export
from wabot.status.metrics_file import ReplyLatency
from wabot.status.record import count_backlog
from wabot.status.sessions import session_status
from wabot.trials.bench.size_filling import CUSTOMER_PHONE, USER_ID, fill
from wabot.whatsapp.messages import IncomingMessage, MessageKind

MESSAGES, CHATS = 10_000, 2_500
# A day has a hundred messages, a chat four; whoever looks through a table finds ten thousand.
MOST_ROWS = 1000

_READ = """
SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0) FROM pg_class
WHERE relkind IN ('r', 'i') AND left(relname, 6) = 'wabot_'
"""
_numbers = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A database with many messages."""
    state = tmp_path_factory.mktemp("state")
    url = f"sqlite:///{state}/wabot.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        server.execute("CREATE DATABASE test_growth")
        url = server.url("test_growth")
    fill(url, MESSAGES, CHATS)
    database = open_database(url)
    yield database
    database.close()


def work(database: Any, action: Callable[[], object]) -> int:
    """How many rows and index entries an action reads, or how many dozen steps it takes in SQLite."""
    if isinstance(database, peewee.SqliteDatabase):
        hundreds = itertools.count()
        connection = database.connection()
        connection.set_progress_handler(lambda: next(hundreds) < 0, 12)
        try:
            action()
        finally:
            connection.set_progress_handler(None, 0)
        return next(hundreds)
    with database.atomic():
        before = database.execute_sql(_READ).fetchone()[0]
        action()
        return int(database.execute_sql(_READ).fetchone()[0] - before)


def a_message() -> IncomingMessage:
    jid = f"{CUSTOMER_PHONE}@s.whatsapp.net"
    return IncomingMessage(
        chat=jid,
        message_id=f"new{next(_numbers)}",
        sender=jid,
        phone=CUSTOMER_PHONE,
        lid="",
        from_me=False,
        kind=MessageKind.TEXT,
        text="What are your opening hours?",
        sent_at=utc_now(),
    )


def the_way_of_a_message(settings: Settings) -> None:
    inbox, outbox, send_queue = Inbox(USER_ID), Outbox(USER_ID), SendQueue(USER_ID)
    message = a_message()
    chat_id = reception_of(settings, inbox, outbox).receive(message, utc_now())
    assert chat_id is not None
    rows = inbox.pending(chat_id)
    history.past_of(chat_id, rows[0].id, utc_now() - timedelta(days=1), 20)
    history.answers_since(chat_id, message.text, utc_now() - timedelta(hours=1), 30)
    history.was_told(chat_id, "apology", utc_now() - timedelta(hours=1))
    history.was_asked_to_repeat(chat_id, utc_now() - timedelta(hours=1))
    history.missed_count(chat_id, utc_now() - timedelta(hours=1))
    assert outbox.put(chat_id, [Part("From nine to five.", utc_now())], "knowledge", rows, utc_now())
    reply, _ = send_queue.next(utc_now())
    assert reply is not None and send_queue.begin(reply, utc_now())
    send_queue.mark_sent(reply, f"out{message.message_id}", utc_now())
    send_queue.confirm([f"out{message.message_id}"], utc_now())


def a_second_look_at_latency(_: Settings) -> None:
    latency = ReplyLatency(USER_ID)
    list(latency.look())
    list(latency.look())


ADDRESS = ChatAddress(phone=CUSTOMER_PHONE)
QUESTIONS: dict[str, Callable[[Settings], object]] = {
    "a message": the_way_of_a_message,
    "status": lambda settings: session_status(settings, "shop"),
    "the status line": lambda _: count_backlog(USER_ID, datetime.now(UTC)),
    "alerts": lambda _: look_at_replies(USER_ID, True, 60, utc_now() + timedelta(days=1)),
    "latency": a_second_look_at_latency,
    "the rates at a start": lambda settings: rates_so_far(
        settings.account.user_id, settings.replies, utc_now()
    ),
    "messages to answer at a start": lambda _: Inbox(USER_ID).waiting(),
    "known messages": lambda _: Inbox(USER_ID).known([f"IN7919x{n}" for n in range(100)]),
    "replies in doubt": lambda _: SendQueue(USER_ID).unsettled(),
    "replies that are too old": lambda _: Outbox(USER_ID).expire(utc_now() - timedelta(days=1)),
    "a reply that cannot be read": lambda _: SendQueue(USER_ID).send_again("OUT7919x1", True, utc_now()),
    "the chats of a person": lambda _: find_chats(USER_ID, ADDRESS),
    "the chats of a person elsewhere": lambda _: others_with("other", ADDRESS),
    "paused chats": lambda _: paused_chats(USER_ID, utc_now()),
    "what the owner was told": lambda _: lines_about(find_chats(USER_ID, ADDRESS)),
    "export": lambda settings: export(settings, ADDRESS),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_reads_what_it_asks_for_and_not_the_whole_table(
    full: Any, tmp_path: Path, question: Callable[[Settings], object]
) -> None:
    settings = Settings(account=AccountSettings(user_id=USER_ID), paths=PathSettings(state=tmp_path))
    question(settings)  # what is asked once for each process
    assert work(full, lambda: question(settings)) < MOST_ROWS
