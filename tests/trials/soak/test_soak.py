from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import REPOSITORY
from wabot.clock import utc_now
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile
from wabot.emulator.people.attachments import fetch, put_up, sample
from wabot.emulator.signal.message_kinds import KINDS
from wabot.emulator.world.media import Media
from wabot.trials.peers.model_server import ModelServer
from wabot.trials.soak.account import ODD_ID, REACTION, SoakAccount, doubts_in, draw_up, open_work
from wabot.trials.soak.command import main
from wabot.trials.soak.database import SqliteFile
from wabot.trials.soak.model import PICTURE, answer_references, misbehaviours
from wabot.trials.soak.plan import FAULTS, plan_deeds, plan_troubles
from wabot.trials.soak.report import report

# The plan


def test_the_same_seed_plans_the_same() -> None:
    assert plan_deeds(1, 60, 20) == plan_deeds(1, 60, 20) != plan_deeds(2, 60, 20)
    assert plan_troubles(1, 60, tuple(FAULTS)) == plan_troubles(1, 60, tuple(FAULTS))
    assert plan_troubles(1, 60, tuple(FAULTS)) != plan_troubles(2, 60, tuple(FAULTS))


def test_customers_write_in_order_of_time_and_each_question_has_its_own_reference() -> None:
    deeds = plan_deeds(1, 600, 30)
    assert [deed.at_seconds for deed in deeds] == sorted(deed.at_seconds for deed in deeds)
    assert {deed.customer for deed in deeds} == set(range(1, 31))
    texts = [deed.text for deed in deeds if deed.what == "text"]
    assert len(set(texts)) == len(texts) > 500
    assert max(map(len, texts)) > 1000
    assert {deed.what for deed in deeds} == {
        *("text", "voice", "image", "document", "kind", "reaction", "repeat", "resend")
    }


def test_every_kind_of_message_is_one_that_can_be_made() -> None:
    named = {deed.text for deed in plan_deeds(1, 3600, 60) if deed.what == "kind"}
    assert len(named) > 15
    assert named < set(KINDS)


def test_every_fault_has_its_turn() -> None:
    troubles = plan_troubles(1, 600, tuple(FAULTS))
    assert len(troubles) > 100
    first_round = [trouble.fault for trouble in troubles[: len(FAULTS)]]
    assert sorted(first_round) == sorted(FAULTS)
    assert plan_troubles(1, 600, ()) == []


# The model


@pytest.fixture
def model() -> Any:
    with ModelServer(answer_references(1)) as running:
        yield running


def ask(model: ModelServer, *contents: str, system: str = "system") -> str:
    roles = ("user", "assistant")
    messages = [{"role": roles[content.startswith("Sí")], "content": content} for content in contents]
    messages.insert(0, {"role": "system", "content": system})
    request = urllib.request.Request(
        model.base_url + "/chat/completions", json.dumps({"messages": messages}).encode()
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def test_the_model_repeats_the_references_nobody_has_answered(model: ModelServer) -> None:
    answer = ask(model, "R1-1?", "Sí, claro: R1-1.", "[👍] > Sí, claro: R1-1.\nhi R1-2", "and R1-3")
    assert answer == "Sí, claro: R1-2.\nSí, claro: R1-3."


def test_the_model_sends_a_picture_that_it_is_offered_and_asked_for(model: ModelServer) -> None:
    asked = f"R1-1? Y {PICTURE}."
    assert ask(model, asked, system="[FILE_1: A pot]") == "Sí, claro: R1-1.\nFILE_1"
    assert ask(model, asked) == ask(model, "R1-1?", system="[FILE_1: A pot]") == "Sí, claro: R1-1."


@pytest.mark.parametrize("number", range(len(misbehaviours(answer_references(1)))))
def test_a_misbehaving_model_gives_no_answer_in_time(model: ModelServer, number: int) -> None:
    model.default = misbehaviours(answer_references(1))[number]
    body = json.dumps({"messages": [{"role": "user", "content": "R1-1?"}]}).encode()
    host, port = model.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    heard = b""
    with closing(socket.create_connection((host, int(port)), timeout=0.7)) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body))
        connection.sendall(body)
        with suppress(TimeoutError):
            heard = connection.recv(65_536) + connection.recv(65_536)
    assert b"R1-1" not in heard


# The account


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


def test_a_reaction_that_was_lost_is_counted(books: Books) -> None:
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


# The report


def test_the_verdict_says_what_was_found() -> None:
    account = SoakAccount(Counter(answered=2), Counter(sent=2), doubled=1)
    passed = report(account, {"kill": 3}, {0: 1, -9: 3}, None)
    assert "3    kill -9, and a new start" in passed
    assert "3    by signal 9" in passed
    assert passed.endswith("PASSED: 0 lost silently, 0 doubled beyond the 1 counted as in doubt")
    account.unfinished.append("Ana: 'R1-1?' still waits for an answer")
    assert "INTERRUPTED after 5 s" in (cut_short := report(account, {}, {}, 5.0))
    assert cut_short.endswith("1 left unfinished")
    account.faults += [f"fault {number}" for number in range(50)]
    failed = report(account, {}, {}, 5.0)
    assert "fault 39\n… and 10 more" in failed
    assert failed.endswith("FAILED: 50 things that must not be")


# The command


@pytest.mark.parametrize(
    "arguments",
    [
        ["--faults", "earthquake"],
        ["--faults", "database-restart", "--database", "sqlite"],
        ["--minutes", "long"],
        ["--minutes", "0"],
        ["--minutes", "nan"],
        ["--seed", "x"],
        ["--customers", "0"],
        ["--database", "mysql"],
        ["--keep", "/proc/version"],
        ["--keep", "/usr"],
        ["everything"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 64
    assert capsys.readouterr().err.count("\n") == 1


def test_the_help_names_every_fault() -> None:
    script = REPOSITORY / "scripts" / "soak"
    told = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
    listed = (
        told.partition("Faults:")[2]
        .partition("\n\n")[0]
        .replace(" (PostgreSQL only)", "")
        .replace(" (root only)", "")
    )
    assert [each.strip() for each in listed.split(",")] == list(FAULTS)
