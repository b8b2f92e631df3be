"""What a soak says of every message and every reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wabot.clock import utc_now
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile
from wabot.emulator.people.attachments import fetch, put_up, sample
from wabot.emulator.world.media import Media
from wabot.trials.soak.account import ODD_ID, REACTION, SEEN_ONCE, SoakAccount, doubts_in, draw_up, open_work
from wabot.trials.soak.database import SqliteFile


@dataclass
class Books:
    """A bot's database, and one customer."""

    database: SqliteFile
    chat: Chat
    customer: Any
    count: int = 0
    doubted: set[int] = field(default_factory=set)

    def answer(
        self,
        text: str,
        *,
        state: str = "sent",
        copies: int = 1,
        read: int = 1,
        source: str = "model:test",
        in_doubt: bool = False,
    ) -> int:
        """A reply, and how often the customer reads it."""
        now = utc_now()
        row = Outbound.create(
            user_id="shop", chat=self.chat, text=text, source=source, state=state, copies=copies,
            secret=b"", created_at=now, not_before=now,
        )  # fmt: skip
        self.customer.replies += [SimpleNamespace(text=text, file=None)] * read
        self.doubted |= {row.id} if in_doubt else set()
        return int(row.id)

    def message(
        self, state: str = "answered", reason: str = "", kind: str = "text", reply: int = 0, file: str = ""
    ) -> str:
        """A message in the inbox, with how far its file came."""
        self.count += 1
        now = utc_now()
        row = Inbound.create(
            user_id="shop", chat=self.chat, jid="a@lid", message_id=f"M{self.count}", sender="a@lid",
            kind=kind, text="", sent_at=now, received_at=now, state=state, reason=reason, reply=reply or None,
        )  # fmt: skip
        if file:
            ReceivedFile.create(
                user_id="shop", message=row, kind=kind, state=file, reason="no room", not_before=now
            )
        return f"M{self.count}"

    def account(self, messages: dict[str, str], waiting: tuple[str, ...] = ()) -> SoakAccount:
        """What became of these messages."""
        return draw_up(self.database, {self.customer: messages}, waiting, self.doubted)


class Reader(SimpleNamespace):
    __hash__ = object.__hash__


@pytest.fixture
def books(tmp_path: Path) -> Any:
    path = tmp_path / "wabot.db"
    database = open_database(f"sqlite:///{path}")
    migrate(database)
    chat = Chat.create(user_id="shop", contact="a", jid="a@lid", phone="34600", created_at=utc_now())
    yield Books(SqliteFile(path), chat, Reader(name="Ana", phone="34600", replies=[]))
    database.close()


def test_an_answered_message_is_in_order(books: Books) -> None:
    account = books.account({books.message(reply=books.answer("Sí: R1-1.")): "R1-1?"})
    assert (account.messages, account.faults, account.doubled) == ({"answered": 1}, [], 0)


def test_a_recorded_reason_is_in_order(books: Books) -> None:
    account = books.account({books.message("ignored", "nothing to answer (reaction)"): "a reaction"})
    assert (account.messages, account.faults) == ({"not answered: nothing to answer (reaction)": 1}, [])


def test_a_message_that_was_lost_and_asked_for_is_in_order(books: Books) -> None:
    ask_to_repeat = books.answer("¿Otra vez?", source="ask-to-repeat")
    account = books.account(
        {
            books.message(kind="lost", reply=ask_to_repeat): "R1-1?",
            books.message("ignored", "lost; asked to repeat already", "lost"): "R1-2?",
        }
    )
    assert sum(account.messages.values()) == 2
    assert all(end.startswith("lost in the library, customer asked") for end in account.messages)
    assert account.faults == []


def test_what_a_model_says_nothing_to_is_in_order_where_its_customer_was_told_before(books: Books) -> None:
    books.answer("No lo sé", source="apology")
    account = books.account({books.message("ignored", "not known, told already"): "R1-2?"})
    assert (account.messages.total(), account.faults) == (1, [])


@pytest.mark.parametrize("source", ["to-check", "knowledge"])
def test_what_needs_no_reference_in_its_answer(books: Books, source: str) -> None:
    account = books.account({books.message(reply=books.answer("Una maceta.", source=source)): "R1-2?"})
    assert (account.messages.total(), account.faults) == (1, [])


def test_what_could_not_be_read_is_in_order_where_its_customer_was_told(books: Books) -> None:
    ask_to_repeat = books.answer("¿Otra vez?", source="ask-to-repeat")
    cannot_open = books.answer("No puedo abrirlo", source="cannot-open")
    account = books.account(
        {
            books.message(kind="spoilt", reply=ask_to_repeat): "R1-1?",
            books.message("ignored", "lost; asked to repeat already", "spoilt"): "R1-2?",
            books.message(kind="withheld", reply=cannot_open): "what is to be seen once",
            "1 from 34600@s.whatsapp.net: old counter": f"{ODD_ID}: R1-3?",
        }
    )
    assert account.messages.total() == 4
    assert account.faults == []


def test_what_a_file_says_need_not_be_answered_where_nobody_could_read_it(books: Books) -> None:
    answer = books.answer("Por favor, escríbalo.")
    account = books.account(
        {
            books.message(kind="audio", reply=answer, file="failed"): "R1-1?",
            books.message(kind="audio", reply=books.answer("R1-2."), file="understood"): "R1-2?",
            books.message(kind="image", reply=books.answer("R1-3."), file="kept out"): "R1-3?",
        }
    )
    assert account.messages == {"answered without what is in the audio: no room": 1, "answered": 2}
    assert account.faults == []


def test_a_file_that_cannot_be_sent_is_recorded(books: Books) -> None:
    answer = books.answer("R1-1.")
    lost = books.answer("A pot", state="dead", copies=0, read=0)
    Outbound.update(first_part=answer, error="its file cannot be sent: no room").where(
        Outbound.id == lost
    ).execute()
    account = books.account({books.message(reply=answer): "R1-1?"})
    assert account.messages == {"answered, without a file that could not be sent": 1}
    assert account.faults == []


def test_a_file_that_a_customer_cannot_open_is_found(books: Books) -> None:
    media = Media()
    said = put_up(media, "image", sample("image"))
    files = [fetch(media, said)]
    media.forget(said.direct_path)
    files.append(fetch(media, said))
    for file in files:
        books.answer("A pot", read=0)
        books.customer.replies.append(SimpleNamespace(text="A pot", file=file))
    (fault,) = books.account({}).faults
    assert "the file with 'A pot' cannot be opened: there is no file where the message says" in fault


def test_a_reply_read_twice_is_in_order_where_it_was_in_doubt(books: Books) -> None:
    reply = books.answer("R1-1.", copies=2, read=2, in_doubt=True)
    account = books.account({books.message(reply=reply): "R1-1?"})
    assert (account.doubled, account.faults) == (1, [])


def test_a_reply_in_doubt_may_be_missing(books: Books) -> None:
    account = books.account({books.message(reply=books.answer("R1-1.", state="unsure", read=0)): "R1-1?"})
    assert (account.messages, account.faults) == ({"answered, in doubt whether that arrived": 1}, [])


def test_what_leaves_no_trace_when_it_is_lost_is_counted(books: Books) -> None:
    assert books.account({"M8": SEEN_ONCE}).faults == []
    account = books.account({"M9": REACTION})
    assert (account.messages.total(), account.faults) == (1, [])
    assert next(iter(account.messages)).startswith("reaction lost")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda books: "NEVER", "lost silently"),
        (lambda books: books.message("ignored", "too old"), "is ignored: too old"),
        (lambda books: books.message("failed"), "nobody says why"),
        (lambda books: books.message("ignored", "lost; asked to repeat already", "lost"), "nobody was asked"),
        (lambda books: books.message("ignored", "not known, told already"), "was never told that a person"),
        (lambda books: books.message(kind="lost", reply=books.answer("R1-1.")), "is answered by model:test"),
        (
            lambda books: books.message(kind="spoilt", reply=books.answer("R1-1.")),
            "is answered by model:test",
        ),
        (lambda books: books.message(kind="withheld", reply=books.answer("R1-1.")), "is answered by model"),
        (lambda books: books.message(), "is missing"),
        (lambda books: books.message(reply=books.answer("R1-1.", state="withdrawn", read=0)), "is withdrawn"),
        (lambda books: books.message(reply=books.answer("R1-1.", state="dead", read=0)), "is dead"),
        (lambda books: books.message(reply=books.answer("R1-1.", read=0)), "cannot be read"),
        (lambda books: books.message(reply=books.answer("R1-1.", read=2)), "read 2 times"),
        (lambda books: books.message(reply=books.answer("R1-1.", copies=2, read=2)), "read 2 times"),
        (
            lambda books: books.message(reply=books.answer("R1-1.", copies=2, read=3, in_doubt=True)),
            "read 3 times",
        ),
        (lambda books: books.message(reply=books.answer("R1-2.")), "not in its answer"),
        (
            lambda books: books.message(kind="audio", reply=books.answer("R1-2."), file="understood"),
            "not in its answer",
        ),
        (
            lambda books: books.message(kind="image", reply=books.answer("R1-2."), file="failed"),
            "not in its answer",
        ),
        (lambda books: books.message(reply=books.answer("R1-1.") and books.answer("R1-1!")), "in 2 answers"),
    ],
)
def test_what_must_not_be_is_found(books: Books, spoil: Callable[[Books], str], sentence: str) -> None:
    account = books.account({spoil(books): "R1-1?"})
    assert len(account.faults) == 1
    assert sentence in account.faults[0]


def test_what_nobody_has_finished_is_told_apart_from_what_is_lost(books: Books) -> None:
    answer = books.answer("R1-1.", state="pending", copies=0, read=0)
    messages = {"M9": "R1-3?", books.message("pending"): "R1-2?", books.message(reply=answer): "R1-1?"}
    messages[books.message(file="fetched")] = "R1-4?"
    account = books.account(messages, waiting=("M9",))
    assert account.messages == {
        "still kept by the service": 1,
        "file still to be read": 1,
        "still to answer": 1,
        "answer still to send": 1,
    }
    assert len(account.unfinished) == 4
    assert account.faults == []


def test_a_reply_that_nobody_sent_is_found(books: Books) -> None:
    books.customer.replies.append(SimpleNamespace(text="who said that?", file=None))
    assert "not in the outbox" in books.account({}).faults[0]


def test_doubts_are_read_from_the_log() -> None:
    log = """
        INFO reply 1 to +34…29 may not have arrived (timed out)
        INFO reply 2 was leaving when the last process ended
        INFO reply 12 to +34…29 was not confirmed by the customer's phone; now pending
        INFO reply 3 to +34…29 may not have arrived (timed out)
        INFO reply 3 to +34…29 has arrived after all
        INFO reply 4 to a group never left; it is sent now
        INFO reply 5 to +34…29 was not confirmed by the customer's phone; now pending
        INFO reply 5 to +34…29 may not have arrived (timed out)
        INFO reply 5 to +34…29 has arrived after all"""
    assert doubts_in(log) == {1, 2, 5, 12}


def test_open_work_is_counted(books: Books, tmp_path: Path) -> None:
    assert open_work(books.database) == 0
    books.message("pending")
    books.answer("R1-1.", state="in_doubt")
    books.answer("Ana waits", state="pending", source="unanswered")
    books.message(file="pending")
    books.message(file="understood")
    assert open_work(books.database) == 3
    assert open_work(SqliteFile(tmp_path / "missing" / "wabot.db")) == 1
