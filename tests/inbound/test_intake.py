from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import peewee
import pytest

from tests.support.arrivals import NOON, arrival
from tests.support.threads import Beats
from wabot.clock import utc_now
from wabot.config.settings import Settings
from wabot.conversation.files.albums import BETWEEN_SECONDS
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.schedule import ChatSchedule
from wabot.database.models import Chat, Inbound
from wabot.inbound.drain import SpoolDrain
from wabot.inbound.intake import Intake
from wabot.inbound.reception import reception_of
from wabot.inbound.spool import SET_ASIDE, Spool, Spooled
from wabot.whatsapp.messages import IncomingMessage, MessageKind

BEN, BEN_LID = "34600333444@s.whatsapp.net", "299000333444@lid"
TO_BEN = {"chat": BEN, "phone": "34600333444"}


class Record:
    """Takes the place of the session's record."""

    def update(self, **_fields: Any) -> None:
        """Nobody looks."""


class Bot:
    """The way in, with a database that is away whenever the test says so."""

    def __init__(self, file: Path, most_messages: int = 1000) -> None:
        self.is_away = False
        self.woken = threading.Event()
        self.drain_beats, self.intake_beats = Beats(), Beats()
        self.touched: list[int] = []
        self.schedule = ChatSchedule(0.0)
        self.reception = reception_of(Settings(), Inbox("shop"), Outbox("shop"))
        self._receive, self.reception.receive = self.reception.receive, self.receive  # type: ignore[method-assign]
        self.schedule.touch = lambda chat_id, waited=0.0: self.touched.append(chat_id)  # type: ignore[method-assign]
        self.spool = Spool(file, most_messages)
        self.drain = SpoolDrain(
            self.spool,
            self.reception,
            self.schedule,
            self.woken,
            self.drain_beats,
        )
        self.intake = Intake(
            self.reception,
            self.schedule,
            Record(),  # type: ignore[arg-type]
            self.drain,
            self.intake_beats,
        )

    def receive(self, message: IncomingMessage, now: Any) -> int | None:
        if self.is_away:
            raise peewee.OperationalError("server closed the connection unexpectedly")
        return self._receive(message, now)

    def wait_until_stored(self) -> None:
        wait_until(lambda: not self.drain.is_behind and not self.drain.outage.lasts)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def bot(database: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    monkeypatch.setattr("wabot.inbound.drain._RETRY_SECONDS", 0.05)
    monkeypatch.setattr("wabot.inbound.intake._RETRY_SECONDS", 0.05)
    made = Bot(file)
    yield made
    made.drain.stop(5)


def fresh(text: str, **changes: Any) -> IncomingMessage:
    """A message that has just been written."""
    return arrival(text, sent_at=utc_now(), **changes)


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def stored() -> list[str]:
    return [row.text for row in Inbound.select().order_by(Inbound.id)]


def test_messages_go_straight_into_the_database(bot: Bot, file: Path) -> None:
    bot.drain.start()
    bot.intake.take(fresh("one"))
    assert stored() == ["one"]
    assert len(bot.touched) == 1
    assert bot.intake_beats.told[-1] == 0
    assert bot.drain.trouble == ""
    assert not file.exists()


def test_during_an_outage_messages_are_kept_on_disk_and_stored_in_order_afterwards(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bot.drain.start()
    bot.intake.take(fresh("before"))
    bot.is_away = True
    for number in range(250):
        bot.intake.take(fresh(f"during {number}", **(TO_BEN if number % 2 else {})))
    assert stored() == ["before"]
    assert bot.drain.trouble.startswith("database away since ")
    assert bot.drain.trouble.endswith(", 250 messages kept on disk")
    assert not bot.woken.is_set()
    bot.is_away = False
    bot.intake.take(fresh("after"))
    bot.wait_until_stored()
    assert stored() == ["before", *(f"during {number}" for number in range(250)), "after"]
    assert len(bot.touched) == 252
    assert bot.woken.is_set()
    assert bot.drain.trouble == ""
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [
        "messages cannot be stored (server closed the connection unexpectedly); "
        "until they can they are kept on disk"
    ]
    assert "251 had been kept on disk" in caplog.text


@pytest.mark.parametrize("is_away", [False, True])
def test_a_burst_is_known_wherever_its_messages_went(
    bot: Bot, is_away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long a busy machine takes to store them.
    monkeypatch.setattr("wabot.inbound.intake.time", SimpleNamespace(monotonic=lambda: 1000.0))
    bot.is_away = is_away
    for _ in range(2):
        # Under the address the reply will go to, which need not be the phone number that is shown.
        bot.intake.take(fresh("again", chat=BEN_LID, phone="34600333444"))
        bot.intake.take(fresh("the owner's", from_me=True))
    bursts = bot.intake.bursts
    assert bursts.seconds_to_hold(BEN_LID, 1000.0) > 0
    assert bursts.seconds_to_hold(fresh("").chat, 1000.0) == 0


def test_a_burst_is_known_whichever_address_each_of_its_messages_came_from(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wabot.inbound.intake.time", SimpleNamespace(monotonic=lambda: 1000.0))
    for number, chat in enumerate((BEN_LID, BEN)):
        bot.intake.take(fresh(f"{number}", chat=chat, phone="34600333444"))
    assert bot.intake.bursts.seconds_to_hold(BEN, 1000.0) > 0


def test_none_overtakes_another_while_some_are_on_the_disk(bot: Bot) -> None:
    bot.is_away = True
    bot.intake.take(fresh("first"))
    bot.is_away = False
    # Nobody has brought the first one there yet.
    bot.intake.take(fresh("second"))
    assert stored() == []
    assert bot.drain.is_behind
    bot.drain.start()
    bot.wait_until_stored()
    assert stored() == ["first", "second"]
    wait_until(lambda: bot.drain_beats.told[-1] == 0)
    assert bot.drain_beats.told[-2] == 60, "what hangs is noticed"


def test_edits_deletions_and_the_owners_messages_keep_their_place(bot: Bot) -> None:
    question, wrong = fresh("how much is it?"), fresh("wrong chat")
    bot.is_away = True
    bot.intake.take(question)
    bot.intake.take(wrong)
    bot.intake.take(fresh("how much are two?", kind=MessageKind.EDIT, target_id=question.message_id))
    bot.intake.take(fresh("", kind=MessageKind.REVOKE, target_id=wrong.message_id))
    bot.intake.take(fresh("BAJA", **TO_BEN))
    bot.is_away = False
    bot.drain.start()
    bot.wait_until_stored()
    rows = {row.message_id: row for row in Inbound.select()}
    assert (rows[question.message_id].text, rows[question.message_id].state) == (
        "how much are two?",
        "pending",
    )
    assert (rows[wrong.message_id].text, rows[wrong.message_id].state) == ("", "ignored")
    assert Chat.get(Chat.jid == BEN).opted_out_at is not None


def test_what_an_earlier_process_left_is_stored_at_the_start(
    database: Any, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Bot(file)
    first.is_away = True
    for text in ("one", "two"):
        first.intake.take(fresh(text))
    second = Bot(file)
    assert second.drain.trouble == "database back, 2 messages kept on disk still to be stored"
    second.drain.start()
    second.wait_until_stored()
    second.drain.stop(5)
    assert stored() == ["one", "two"]
    assert "2 messages on disk are still to be stored" in caplog.text


def test_killed_after_storing_and_before_removing_doubles_nothing(
    database: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Bot(file)
    first.is_away = True
    first.intake.take(fresh("BAJA"))
    first.intake.take(fresh("how are you?"))
    left = file.read_bytes()
    first.is_away = False
    first.drain.start()
    first.wait_until_stored()
    first.drain.stop(5)
    replies = Outbox("shop").count(("pending",))
    file.write_bytes(left)
    second = Bot(file)
    second.drain.start()
    second.wait_until_stored()
    second.drain.stop(5)
    assert stored() == ["BAJA", "how are you?"]
    assert (Outbox("shop").count(("pending",)), second.touched) == (replies, [])
    assert replies == 1


def test_a_message_that_was_stored_by_a_database_that_went_before_it_said_so_is_answered(bot: Bot) -> None:
    through, calls = bot.receive, []

    def go_away_after_the_first(message: IncomingMessage, now: Any) -> int | None:
        calls.append(message.text)
        chat_id = through(message, now)
        if len(calls) == 1:
            raise peewee.OperationalError("server closed the connection unexpectedly")
        return chat_id

    bot.reception.receive = go_away_after_the_first  # type: ignore[method-assign]
    bot.intake.take(fresh("hello"))
    assert (stored(), bot.touched) == (["hello"], [])
    bot.drain.start()
    bot.wait_until_stored()
    assert (calls, stored()) == (["hello", "hello"], ["hello"])
    assert bot.touched == [Chat.get().id]


def test_a_database_that_goes_again_in_the_middle_loses_nothing(bot: Bot) -> None:
    """All or none of a batch: what was half stored comes once more."""
    bot.is_away = True
    for number in range(5):
        bot.intake.take(
            fresh(str(number), chat=f"3460000000{number}@s.whatsapp.net", phone=f"3460000000{number}")
        )
    bot.is_away = False
    through, calls = bot.receive, []

    def break_at_third(message: IncomingMessage, now: Any) -> int | None:
        calls.append(message.text)
        if len(calls) == 3:
            raise peewee.InternalError("cannot execute INSERT in a read-only transaction")
        return through(message, now)

    bot.reception.receive = break_at_third  # type: ignore[method-assign]
    bot.drain.start()
    bot.wait_until_stored()
    assert calls == ["0", "1", "2", "0", "1", "2", "3", "4"]
    assert stored() == ["0", "1", "2", "3", "4"]


def test_a_message_no_database_takes_is_set_aside_and_the_others_are_stored(
    bot: Bot, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = fresh("bad")
    through = bot.receive

    def refuse(message: IncomingMessage, now: Any) -> int | None:
        if message == bad and not bot.is_away:
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")
        return through(message, now)

    bot.reception.receive = refuse  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="NUL"):
        bot.intake.take(bad)
    bot.is_away = True
    for message in (fresh("one"), bad, fresh("two")):
        bot.intake.take(message)
    bot.is_away = False
    bot.drain.start()
    bot.wait_until_stored()
    assert stored() == ["one", "two"]
    kept = file.with_name(file.name + SET_ASIDE).read_text().splitlines()
    assert len(kept) == 2
    assert all(bad.message_id in line for line in kept)
    assert "a message kept on disk cannot be stored" in caplog.text


def test_beyond_the_bound_the_library_waits_and_nothing_is_lost(
    database: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wabot.inbound.drain._RETRY_SECONDS", 0.05)
    monkeypatch.setattr("wabot.inbound.intake._RETRY_SECONDS", 0.05)
    bot = Bot(file, most_messages=2)
    bot.drain.start()
    bot.is_away = True
    for text in ("one", "two"):
        bot.intake.take(fresh(text))
    library = threading.Thread(
        target=lambda: [bot.intake.take(fresh(text)) for text in ("three", "four")], daemon=True
    )
    library.start()
    wait_until(lambda: "the others wait at WhatsApp: 2 messages on disk are the most" in bot.drain.trouble)
    held = len(bot.intake_beats.told)
    wait_until(lambda: len(bot.intake_beats.told) - held > 5)
    assert 0 not in bot.intake_beats.told[held:]
    # So nobody ends the process meanwhile of their own accord.
    assert bot.intake.is_taking
    bot.is_away = False
    library.join(10)
    bot.wait_until_stored()
    bot.drain.stop(5)
    assert stored() == ["one", "two", "three", "four"]
    assert bot.intake.dropped == 0 and not bot.intake.is_taking


def test_at_the_end_a_message_that_fits_nowhere_is_counted(database: Any, file: Path) -> None:
    bot = Bot(file, most_messages=0)
    bot.is_away = True
    bot.intake.close()
    with pytest.raises(TimeoutError):
        bot.intake.take(fresh("one"))
    assert bot.intake.dropped == 1


def test_a_lost_message_is_no_way_around_the_disk(bot: Bot) -> None:
    bot.is_away = True
    with pytest.raises(peewee.OperationalError):
        bot.intake.take_lost(fresh("", kind=MessageKind.LOST))
    assert not bot.drain.is_behind


def test_status_of_a_single_message(file: Path, bot: Bot) -> None:
    bot.spool.append(Spooled(fresh("one"), NOON))
    assert bot.drain.trouble == "database back, 1 message kept on disk still to be stored"


def test_an_album_is_answered_when_all_of_it_is_here(sqlite_database: Any, file: Path) -> None:
    bot = Bot(file)
    postponed: list[float] = []
    bot.schedule.postpone = lambda _chat_id, seconds: postponed.append(seconds)  # type: ignore[method-assign]
    bot.intake.take(arrival("", kind=MessageKind.PROTOCOL, message_id="A", album_size=2))
    bot.intake.take(arrival("", kind=MessageKind.IMAGE, album_id="A", sent_at=utc_now()))
    bot.intake.take(arrival("¿cuánto cuestan?", sent_at=utc_now()))
    assert len(postponed) == 2 and all(0 < seconds <= BETWEEN_SECONDS for seconds in postponed)
    bot.intake.take(arrival("", kind=MessageKind.IMAGE, album_id="A", sent_at=utc_now()))
    assert (len(postponed), len(bot.touched)) == (2, 3)
