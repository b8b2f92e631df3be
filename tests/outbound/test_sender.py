from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import peewee
import pytest

from tests.support.arrivals import ANA, arrival
from tests.support.threads import Beats
from wabot.answers.answering import Escalation
from wabot.clock import utc_now
from wabot.config.settings import AccountSettings, ChatSettings
from wabot.conversation.bursts import Bursts
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses
from wabot.conversation.send_queue import SendQueue
from wabot.database import workers
from wabot.database.models import Chat, Outbound, PauseReason, Session
from wabot.outbound import chat_presence, pacing, sender
from wabot.outbound import unconfirmed as unconfirmed
from wabot.outbound.chat_presence import ChatPresence
from wabot.outbound.pacing import Pacing, Rates
from wabot.outbound.receipts import Receipts
from wabot.outbound.sender import Sender
from wabot.outbound.unconfirmed import UnconfirmedSends
from wabot.whatsapp.signals import SendFailed, SendOutcome

FIRST_JID, FIRST_LID = "34600000001@s.whatsapp.net", "299000111222@lid"
WAIT_SECONDS = 10.0
QUIET_SECONDS = 0.1
SEND_TIMEOUT_SECONDS = 90.0


def not_sent() -> SendFailed:
    return SendFailed(SendOutcome.NOT_SENT, "websocket not connected")


def in_doubt() -> SendFailed:
    return SendFailed(SendOutcome.IN_DOUBT, "timed out waiting for message send response")


def refused() -> SendFailed:
    return SendFailed(SendOutcome.REFUSED, "server returned error 479")


def busy() -> SendFailed:
    return SendFailed(SendOutcome.BUSY, "server returned error 503")


def throttled() -> SendFailed:
    return SendFailed(SendOutcome.THROTTLED, "info query returned status 429: rate-overlimit")


def shut_out() -> SendFailed:
    return SendFailed(SendOutcome.SHUT_OUT, "server returned error 463")


class Phone:
    """WhatsApp as the sender meets it: takes what it is sent, unless it was told to fail."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.taken: list[tuple[str, str]] = []
        self.secrets: list[bytes] = []
        self.timers: list[int] = []
        self.failures: list[Exception] = []
        self.poison = ""
        self.seen: list[tuple[str, str, list[str]]] = []
        self.typing: list[tuple[str, bool]] = []
        self.announced: list[bool] = []
        self.announcements: list[bool | Exception] = []
        self.began: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def send_text(self, jid: str, text: str, secret: bytes, expiration_seconds: int) -> str:
        self.tried.append(text)
        self.timers.append(expiration_seconds)
        self.secrets.append(secret)
        self.began.put(text)
        assert self.may_answer.wait(WAIT_SECONDS)
        if text == self.poison:
            raise TypeError("an impossible address")
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append((jid, text))
        return f"3EB0{len(self.tried)}"

    def mark_read(self, jid: str, sender: str, message_ids: list[str]) -> None:
        self.seen.append((jid, sender, message_ids))

    def show_typing(self, jid: str, typing: bool) -> None:
        self.typing.append((jid, typing))

    def announce(self, available: bool) -> bool:
        self.announced.append(available)
        answer = self.announcements.pop(0) if self.announcements else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.taken]


class WhateverBegan(dict[bytes, str]):
    """The library's store, where all that began to leave did leave."""

    def __contains__(self, secret: object) -> bool:
        return True

    def __missing__(self, secret: bytes) -> str:
        return f"3EB{secret.hex()}"


class HookedBeats(Beats):
    """Something happens whenever the sender turns idle."""

    on_idle: Callable[[], None] = staticmethod(lambda: None)

    def idle(self) -> None:
        super().idle()
        self.on_idle()


class Office:
    """A sender, and all it works with."""

    def __init__(self, *, replies: SendQueue | None = None, rates: Rates | None = None) -> None:
        self.queue = replies = replies or SendQueue("shop")
        self.outbox = Outbox("shop", replies.wakeup)
        self.presence = ChatPresence(replies.wakeup)
        self.phone = Phone()
        self.ids: dict[bytes, str] = {}
        self.pulse = HookedBeats(SEND_TIMEOUT_SECONDS)
        self.beats = self.pulse.told
        self.bursts = Bursts()
        self.is_behind = False
        self.receipts = Receipts(replies)
        self.unconfirmed = UnconfirmedSends(replies, self, self.receipts, resend=True)
        self.sender = Sender(
            replies,
            self.unconfirmed,
            self.receipts,
            self.presence,
            Pacing(rates or Rates(0, 0), self.bursts, self),
            self.phone,
            Escalation(
                ChatSettings().handover_pause_seconds,
                Inbox("shop"),
                self.outbox,
                Pauses(Inbox("shop"), self.outbox),
                OwnerChat(AccountSettings(user_id="shop"), self.outbox),
            ),
            self.pulse,
        )

    def message_ids(self, secrets: list[bytes]) -> Mapping[bytes, str]:
        return {secret: self.ids[secret] for secret in secrets if secret in self.ids}

    def put(
        self, *texts: str, customer: int = 1, at: datetime | None = None, not_before: datetime | None = None
    ) -> int:
        """Somebody wrote, and this is the answer; the number of the chat."""
        at = at or utc_now()
        number = f"3460000000{customer}"
        chat_id = Inbox("shop").store(arrival(chat=f"{number}@s.whatsapp.net", phone=number), at)
        assert chat_id is not None
        rows = Inbox("shop").pending(chat_id)
        assert self.outbox.put(chat_id, [(text, not_before or at) for text in texts], "test", rows, at)
        return chat_id


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "STABLE_SECONDS", 0.0)
    monkeypatch.setattr(sender, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(pacing, "_BUSY_SECONDS", 0.01)
    monkeypatch.setattr(sender, "DATABASE_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(workers, "FAILED_SECONDS", 0.01)
    monkeypatch.setattr(workers, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(unconfirmed, "RECEIPT_SECONDS", 0.01)


@pytest.fixture
def make_office(sqlite_database: Any) -> Iterator[Callable[..., Office]]:
    offices: list[Office] = []

    def make(**options: Any) -> Office:
        offices.append(Office(**options))
        return offices[-1]

    yield make
    for office in offices:
        office.phone.may_answer.set()
        office.sender.stop(WAIT_SECONDS)
        assert not office.sender.is_alive()


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    """A sender at work, whose link is down."""
    found = make_office()
    found.sender.start()
    return found


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def states() -> dict[str, str]:
    return {row.text: row.state for row in Outbound.select().order_by(Outbound.id)}


# With the link up, and down


def test_a_reply_goes_out_and_is_remembered_with_its_id(office: Office) -> None:
    office.sender.link_up()
    office.put("hello", customer=7)
    wait_until(lambda: states() == {"hello": "sent"})
    row = Outbound.get()
    assert office.phone.taken == [("34600000007@s.whatsapp.net", "hello")]
    assert (row.message_id, row.copies, bytes(row.secret)) == ("3EB01", 1, office.phone.secrets[0])
    assert office.sender.last_sent_at == row.sent_at
    assert abs((row.sent_at - utc_now()).total_seconds()) < WAIT_SECONDS


def test_what_is_written_while_the_link_is_down_goes_out_when_it_is_up(office: Office) -> None:
    office.put("one", "two")
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == []
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["one", "two"])


def test_nothing_leaves_once_the_link_is_down(office: Office) -> None:
    office.sender.link_up()
    office.put("one")
    wait_until(lambda: office.phone.texts == ["one"])
    office.sender.link_down()
    office.put("two")
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["one"]
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["one", "two"])


def test_what_queued_waits_until_the_link_has_proved_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "STABLE_SECONDS", 0.3)
    office.put("queued", "queued too")
    office.sender.link_up()
    up_at = time.monotonic()
    time.sleep(0.01)
    office.put("composed since", customer=2)
    wait_until(lambda: len(office.phone.texts) == 1)
    assert time.monotonic() - up_at < 0.3
    wait_until(lambda: len(office.phone.texts) == 3)
    assert time.monotonic() - up_at >= 0.3
    assert office.phone.texts == ["composed since", "queued", "queued too"]


def test_a_link_that_comes_up_at_the_very_moment_of_falling_asleep_is_not_missed(office: Office) -> None:
    office.put("hello")
    office.pulse.on_idle = office.sender.link_up
    office.queue.wakeup.set()
    wait_until(lambda: office.phone.texts == ["hello"])


# Order and time


def test_a_chat_keeps_its_order_whatever_fails(office: Office) -> None:
    office.phone.failures = [not_sent(), not_sent(), in_doubt(), busy()]
    office.sender.link_up()
    office.put("one", "two", "three")
    wait_until(lambda: office.phone.texts == ["one", "two", "three"])
    assert office.phone.tried == ["one"] * 5 + ["two", "three"]


def test_one_chat_that_is_not_taken_now_does_not_hold_up_another(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_BUSY_SECONDS", 3600.0)
    office.phone.failures = [busy()]
    office.put("held", customer=1)
    office.put("welcome", customer=2)
    office.sender.link_up()
    wait_until(lambda: states() == {"held": "pending", "welcome": "sent"})


def test_where_whatsapp_wants_nothing_for_a_while_nothing_is_sent_whoever_wakes_the_sender(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_BUSY_SECONDS", 0.4)
    office.phone.failures = [throttled()]
    office.sender.link_up()
    began = time.monotonic()
    office.put("one", customer=1)
    wait_until(lambda: office.phone.tried)
    for customer in range(2, 6):
        office.put("more", customer=customer)
    wait_until(lambda: len(office.phone.taken) == 5)
    assert time.monotonic() - began >= 0.4
    assert office.phone.tried == ["one", "one", "more", "more", "more", "more"]


def test_a_chat_that_is_shut_is_tried_once_and_left_to_the_owner(office: Office) -> None:
    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    office.phone.failures = [shut_out()]
    office.put("one", "two", customer=1)
    office.put("welcome", customer=2)
    office.sender.link_up()
    wait_until(lambda: "welcome" in office.phone.texts and len(office.phone.taken) == 2)
    told = next(text for text in office.phone.texts if text != "welcome")
    assert "WhatsApp no me deja escribirle" in told
    assert (states()["one"], states()["two"]) == ("withdrawn", "withdrawn")
    assert office.phone.tried.count("one") == 1
    chat = Chat.get(Chat.phone == "34600000001")
    assert chat.pause_reason == PauseReason.SHUT_OUT
    assert chat.paused_until > utc_now() + timedelta(hours=11)


def test_a_part_waits_for_its_time(office: Office) -> None:
    office.sender.link_up()
    at = utc_now() + timedelta(seconds=0.3)
    office.put("in a moment", not_before=at)
    wait_until(lambda: office.phone.texts)
    assert utc_now() >= at


def test_nothing_is_sent_while_messages_are_on_their_way_into_the_database(office: Office) -> None:
    """One of them may say that nobody is to write to its customer any more."""
    office.sender.link_up()
    office.is_behind = True
    office.put("first")
    time.sleep(0.3)
    assert office.phone.texts == []
    office.is_behind = False
    office.queue.wakeup.set()
    wait_until(lambda: office.phone.texts == ["first"])


@pytest.mark.parametrize("written_from", [FIRST_JID, FIRST_LID])
def test_in_the_middle_of_a_burst_nothing_is_sent(
    office: Office, monkeypatch: pytest.MonkeyPatch, written_from: str
) -> None:
    """Whichever of the person's two addresses it comes from."""
    held: list[float] = []
    seconds_to_hold = office.bursts.seconds_to_hold

    def ask(jid: str, now: float) -> float:
        held.append(seconds_to_hold(jid, now))
        return held[-1]

    monkeypatch.setattr(office.bursts, "seconds_to_hold", ask)
    office.sender.link_up()
    office.put("first")
    wait_until(lambda: office.phone.texts == ["first"])
    office.sender.link_down()
    chat_id = office.put("second", at=utc_now() - timedelta(minutes=1))
    Chat.update(jid=FIRST_LID).where(Chat.id == chat_id).execute()
    for _ in range(2):
        office.bursts.note(written_from, time.monotonic())
    began = time.monotonic()
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["first", "second"])
    assert time.monotonic() - began >= 0.2
    assert len(held) < 10, "it is not asked all the time"


def test_what_is_beyond_the_rate_waits(make_office: Callable[..., Office]) -> None:
    office = make_office(rates=Rates(2, 0))
    office.sender.start()
    office.put("one", "two", "three")
    office.sender.link_up()
    wait_until(lambda: states() == {"one": "sent", "two": "sent", "three": "pending"})
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["one", "two"]


def test_many_strangers_at_once_do_not_hold_up_a_customer_who_was_answered_before(
    make_office: Callable[..., Office],
) -> None:
    office = make_office(rates=Rates(8, 0))
    office.sender.start()
    office.put("before", customer=9)
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["before"])
    office.sender.link_down()
    for stranger in range(1, 9):
        office.put("hello", "and more", customer=stranger)
    office.put("again", customer=9)
    office.sender.link_up()
    # Of eight in a minute six may be first answers, and two parts of one are one answer.
    wait_until(lambda: len(office.phone.texts) == 7)
    time.sleep(QUIET_SECONDS)
    assert office.phone.texts == ["before", *["hello", "and more"] * 2, "hello", "again"]


def test_a_send_in_doubt_counts_for_the_rate(make_office: Callable[..., Office]) -> None:
    office = make_office(rates=Rates(1, 0))
    office.phone.failures = [in_doubt()]
    office.sender.start()
    office.put("one", customer=1)
    office.put("two", customer=2)
    office.sender.link_up()
    wait_until(lambda: office.phone.tried)
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["one"]


def test_one_chat_beyond_its_rate_does_not_hold_up_another(make_office: Callable[..., Office]) -> None:
    office = make_office(rates=Rates(0, 1))
    office.sender.start()
    office.put("one", "two", customer=1)
    office.put("three", customer=2)
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["one", "three"])
    wait_until(lambda: Outbound.get(Outbound.text == "two").not_before > utc_now() + timedelta(minutes=59))


def test_what_must_not_be_said_any_more_is_withdrawn_at_the_last_moment(office: Office) -> None:
    chat_id = office.put("too late")
    Pauses(Inbox("shop"), office.outbox).pause(Chat.get_by_id(chat_id), PauseReason.COMMAND, None)
    Outbound.update(state="pending").execute()
    office.sender.link_up()
    wait_until(lambda: states() == {"too late": "withdrawn"})
    assert office.phone.tried == []


# What became of it


def test_what_surely_did_not_leave_goes_out_later_as_if_nothing_had_happened(office: Office) -> None:
    office.phone.failures = [not_sent()] * 5
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: states() == {"hello": "sent"})
    assert office.phone.texts == ["hello"]
    assert Outbound.get().copies == 1


def test_a_link_that_dies_at_the_moment_of_sending_costs_a_delay(office: Office) -> None:
    office.sender.link_up()
    office.phone.may_answer.clear()
    office.phone.failures = [not_sent()]
    office.put("hello")
    office.phone.began.get(timeout=WAIT_SECONDS)
    office.sender.link_down()
    office.phone.may_answer.set()
    wait_until(lambda: states() == {"hello": "pending"})
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["hello"]
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["hello"])


def test_without_a_connection_one_failed_send_is_enough_for_a_while(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_RETRY_SECONDS", 3600.0)
    office.phone.failures = [not_sent()] * 10
    for customer in range(5):
        office.put("hello", customer=customer)
    office.sender.link_up()
    wait_until(lambda: office.phone.tried)
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["hello"]


def test_a_silent_death_of_the_link_is_noticed_until_somebody_acts_on_it(office: Office) -> None:
    office.phone.failures = [not_sent()] * 1000
    office.put("hello")
    office.sender.link_up()
    wait_until(lambda: office.sender.seconds_offline(time.monotonic()) > 0.3)
    assert len(office.phone.tried) > 1
    office.sender.link_down()
    assert office.sender.seconds_offline(time.monotonic()) == 0


def test_a_send_that_works_ends_the_suspicion(office: Office) -> None:
    office.sender.link_up()
    for text in ("one", "two"):
        office.phone.failures = [not_sent()]
        office.put(text)
        wait_until(lambda text=text: states()[text] == "sent")
        assert office.sender.seconds_offline(time.monotonic()) == 0


def test_what_never_left_is_sent_again(office: Office) -> None:
    office.phone.failures = [in_doubt()]
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: states() == {"hello": "sent"})
    assert office.phone.tried == ["hello", "hello"]
    assert Outbound.get().copies == 1


def test_what_left_and_arrived_is_not_sent_again(office: Office) -> None:
    office.phone.may_answer.clear()
    office.phone.failures = [in_doubt()]
    office.sender.link_up()
    office.put("hello")
    office.phone.began.get(timeout=WAIT_SECONDS)
    office.ids[office.phone.secrets[0]] = "3EB0"
    office.receipts._arrived["3EB0"] = None
    office.phone.may_answer.set()
    wait_until(lambda: states() == {"hello": "sent"})
    assert office.phone.tried == ["hello"]


def test_what_left_and_did_not_arrive_gets_five_copies_and_no_sixth(office: Office) -> None:
    office.ids = WhateverBegan()
    office.phone.failures = [in_doubt() for _ in range(5)]
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: states() == {"hello": "unsure"})
    assert office.phone.tried == ["hello"] * 5
    assert len(set(office.phone.secrets)) == 5


def test_what_is_refused_for_good_is_not_tried_again(office: Office) -> None:
    office.phone.failures = [refused()]
    office.sender.link_up()
    office.put("one", "two")
    wait_until(lambda: states() == {"one": "dead", "two": "sent"})
    assert office.phone.tried == ["one", "two"]
    assert Outbound.get(Outbound.text == "one").error == "server returned error 479"


@pytest.mark.parametrize("failure", [busy, throttled])
def test_what_is_not_taken_now_is_tried_later_and_later(
    make_office: Callable[..., Office],
    monkeypatch: pytest.MonkeyPatch,
    failure: Callable[[], SendFailed],
) -> None:
    monkeypatch.setattr(pacing, "_BUSY_SECONDS", 100.0)
    monkeypatch.setattr(pacing, "_LONGEST_BUSY_SECONDS", 500.0)
    office = make_office()
    office.phone.failures = [failure() for _ in range(5)]
    office.put("one")
    for wait_seconds in (100, 200, 400, 500, 500):
        stored_began, began = utc_now(), time.monotonic()
        row, _ = SendQueue("shop").next(datetime.max)
        assert row is not None
        office.sender._send(row)
        waits = (Outbound.get().not_before - stored_began).total_seconds()
        waits = max(waits, office.sender._pacing._throttled_until - began)
        assert wait_seconds <= waits < wait_seconds + WAIT_SECONDS
        assert Outbound.get().state == "pending"
    office.sender.start()


def test_after_a_failure_nobody_foresaw_the_sender_rests_and_looks_for_what_may_have_left(
    make_office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "FAILED_SECONDS", 100.0)
    office = make_office()
    office.sender.link_up()
    office.sender._step()
    assert not office.unconfirmed.exist
    monkeypatch.setattr(SendQueue, "next", lambda *_: {}["out of the blue"])
    assert office.sender._step() == 100.0
    assert office.unconfirmed.exist
    assert office.beats[-1] == 0
    office.sender.start()


def test_a_reply_that_breaks_the_client_library_does_not_break_the_sender(office: Office) -> None:
    office.phone.poison = "poison"
    office.sender.link_up()
    office.put("poison", customer=1)
    office.put("welcome", customer=2)
    wait_until(lambda: states() == {"poison": "dead", "welcome": "sent"})


# A database that is away


class AwayDepartures(SendQueue):
    """Replies whose database goes away at a chosen moment."""

    def __init__(self, method: str, times: int) -> None:
        super().__init__("shop")
        self._away = {method: times}

    def _maybe(self, method: str) -> None:
        if self._away.get(method, 0):
            self._away[method] -= 1
            raise peewee.OperationalError("server closed the connection unexpectedly")

    def next(self, *arguments: Any) -> Any:
        self._maybe("next")
        return super().next(*arguments)

    def begin(self, *arguments: Any) -> bool:
        self._maybe("begin")
        return super().begin(*arguments)

    def mark_sent(self, *arguments: Any) -> None:
        self._maybe("mark_sent")
        super().mark_sent(*arguments)

    def mark_in_doubt(self, *arguments: Any) -> None:
        self._maybe("mark_in_doubt")
        super().mark_in_doubt(*arguments)


@pytest.mark.parametrize("method", ["next", "begin", "mark_sent"])
def test_a_database_that_is_away_costs_a_delay_and_never_a_second_copy(
    make_office: Callable[..., Office], method: str
) -> None:
    office = make_office(replies=AwayDepartures(method, 5))
    office.sender.start()
    office.sender.link_up()
    office.put("one", "two")
    wait_until(lambda: states() == {"one": "sent", "two": "sent"})
    assert office.phone.tried == ["one", "two"]


def test_a_doubt_is_not_forgotten_while_the_database_is_away(make_office: Callable[..., Office]) -> None:
    office = make_office(replies=AwayDepartures("mark_in_doubt", 5))
    office.phone.failures = [in_doubt()]
    office.sender.start()
    office.sender.link_up()
    office.put("one", "two")
    wait_until(lambda: states() == {"one": "sent", "two": "sent"})
    assert office.phone.tried == ["one", "one", "two"]


# Presence and courtesies


def test_the_presence_is_announced_with_every_connection(office: Office) -> None:
    office.sender.link_up()
    wait_until(lambda: office.phone.announced == [False])
    office.put("hello")
    wait_until(lambda: office.phone.texts == ["hello"])
    assert office.phone.announced == [False]
    office.sender.link_down()
    office.sender.link_up()
    wait_until(lambda: office.phone.announced == [False, False])


def test_a_presence_that_cannot_be_announced_yet_is_announced_later(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(chat_presence, "_ANNOUNCE_AGAIN_SECONDS", 0.01)
    office.phone.announcements = [False, False]
    office.sender.link_up()
    wait_until(lambda: len(office.phone.announced) == 3)
    office.put("hello")
    wait_until(lambda: office.phone.texts == ["hello"])
    time.sleep(QUIET_SECONDS)
    assert (len(office.phone.announced), caplog.text) == (3, "")


def test_a_presence_that_breaks_the_client_library_does_not_stop_the_replies(office: Office) -> None:
    office.phone.announcements = [TypeError("no name")] * 1000
    office.sender.link_up()
    wait_until(lambda: office.phone.announced)
    office.put("hello")
    wait_until(lambda: office.phone.texts == ["hello"])


def test_messages_are_seen_and_somebody_types_while_the_link_is_up(office: Office) -> None:
    office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["never shown"])
    office.presence.answer_withdrawn(FIRST_JID)
    office.sender.link_up()
    office.presence.begin_typing(ANA, time.monotonic() + 60)
    wait_until(lambda: office.phone.typing == [(ANA, True)])
    office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["3EB0", "3EB1"])
    assert office.phone.seen == []
    office.put("hello")
    wait_until(lambda: office.phone.seen == [(FIRST_JID, FIRST_JID, ["3EB0", "3EB1"])])
    assert office.phone.texts == ["hello"]


def test_a_reply_that_whatsapp_refuses_gives_no_blue_ticks(office: Office) -> None:
    office.phone.failures = [SendFailed(SendOutcome.REFUSED, "server returned error 400")]
    office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["3EB0"])
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: states() == {"hello": "dead"})
    office.put("later")
    wait_until(lambda: states() == {"hello": "dead", "later": "sent"})
    assert office.phone.seen == []


# Life


def test_every_call_that_can_hang_is_announced_and_taken_back(office: Office) -> None:
    office.sender.link_up()
    office.phone.may_answer.clear()
    office.put("hello")
    office.phone.began.get(timeout=WAIT_SECONDS)
    assert office.beats[-1] == SEND_TIMEOUT_SECONDS
    office.phone.may_answer.set()
    wait_until(lambda: office.phone.texts == ["hello"] and office.beats[-1] == 0)


def test_a_search_for_what_may_have_left_is_announced_and_only_that(
    make_office: Callable[..., Office],
) -> None:
    office = make_office()
    office.sender.link_up()
    search = 2 * sender.LOOKUP_SECONDS
    office.sender._step()
    assert office.beats[0] == search, "at the start nobody knows"
    office.beats.clear()
    office.put("hello")
    office.sender._step()
    assert office.phone.texts == ["hello"]
    assert search not in office.beats
    office.sender.start()


def test_a_stop_finishes_the_send_in_flight_and_takes_no_other(office: Office) -> None:
    office.sender.link_up()
    office.phone.may_answer.clear()
    office.put("in flight", "waiting")
    office.phone.began.get(timeout=WAIT_SECONDS)
    assert not office.sender.stop(QUIET_SECONDS)
    office.phone.may_answer.set()
    assert office.sender.stop(WAIT_SECONDS)
    assert states() == {"in flight": "sent", "waiting": "pending"}


def test_a_stop_does_not_wait_for_a_database_that_is_away(make_office: Callable[..., Office]) -> None:
    office = make_office(replies=AwayDepartures("mark_sent", 1_000_000))
    office.sender.start()
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: office.phone.texts == ["hello"])
    assert office.sender.stop(WAIT_SECONDS)
    assert states() == {"hello": "sending"}


def test_a_stop_with_nothing_to_do_is_immediate(office: Office) -> None:
    assert office.sender.stop(WAIT_SECONDS)


def test_the_last_address_of_a_chat_counts_at_the_moment_of_sending(office: Office) -> None:
    chat_id = office.put("hello")
    Chat.update(jid="299000111222@lid").where(Chat.id == chat_id).execute()
    office.sender.link_up()
    wait_until(lambda: office.phone.taken == [("299000111222@lid", "hello")])


def test_a_reply_that_is_due_goes_before_the_courtesies(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(office.phone, "mark_read", lambda *_: shown.append(len(office.phone.taken)))
    office.put("hello")
    office.presence.link_up()
    office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["3EB0"])
    office.sender.link_up()
    wait_until(lambda: shown)
    assert shown == [1]


def test_courtesies_wait_a_second_for_replies_and_no_longer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(office.phone, "mark_read", lambda *_: shown.append(len(office.phone.taken)))
    for longest_seconds, seen_after in ((3600.0, 5), (0.0, 1)):
        monkeypatch.setattr(sender, "_LONGEST_DISCOURTESY_SECONDS", longest_seconds)
        office.sender.link_up()
        wait_until(lambda: office.phone.announced)
        office.sender.link_down()
        office.phone.taken.clear()
        office.put(*(str(number) for number in range(5)))
        office.presence.link_up()
        office.presence.mark_read_when_answered(FIRST_JID, FIRST_JID, ["3EB0"])
        office.sender.link_up()
        wait_until(lambda: len(office.phone.taken) == 5 and shown)
        assert shown == [seen_after]
        shown.clear()
