"""The emulator against the real client library in its own process."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.bot_process import REPOSITORY
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.pairing import PairingError
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.message_kinds import KINDS
from wabot.emulator.world.service import NotLinked
from wabot.trials.peers.echo_process import EchoProcess

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("emulator")]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def shared_bot(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EchoProcess]:
    with EchoProcess(emulator, tmp_path_factory.mktemp("bot") / "session.sqlite", "--receipts") as process:
        process.pair()
        yield process


@pytest.fixture
def bot(emulator: Emulator, shared_bot: EchoProcess) -> Iterator[EchoProcess]:
    """The shared bot, logged in and without a fault pending."""
    yield shared_bot
    emulator.faults.clear()
    if not emulator.bot.connected:
        # A question that was ignored stays unanswered: it is asked again after the next login only.
        emulator.cut()
    emulator.wait_until(lambda: emulator.bot.connected, 15, "the bot to be back after a fault")


_numbers = iter(range(1, 1000))


@pytest.fixture
def ana(emulator: Emulator) -> Customer:
    return emulator.customer(next(_numbers), name="Ana")


def count_logins(emulator: Emulator) -> int:
    """How many the service has taken, also those whose questions it has not answered."""
    return sum(event.kind == "login" for event in emulator.transcript)


def retries(emulator: Emulator, message_id: str) -> int:
    """How often the bot has asked for a message again."""
    return sum(event.kind == "retry" and event.detail == message_id for event in emulator.transcript)


def texts(customer: Customer) -> list[str]:
    return [reply.text for reply in customer.replies]


class TestMessages:
    def test_pairing_ends_in_a_login_with_prekeys(self, emulator: Emulator, bot: EchoProcess) -> None:
        assert emulator.bot.paired and emulator.bot.connected
        assert emulator.bot.jid == f"{emulator.bot.phone}:1@s.whatsapp.net"
        assert emulator.bot.prekeys > 700

    def test_a_text_is_answered(self, bot: EchoProcess, ana: Customer) -> None:
        message_id = ana.send("hola ¿qué tal? 🙂")
        (reply,) = ana.wait_for_replies(1)
        assert reply.text == "hola ¿qué tal? 🙂"
        assert not reply.bot_tag
        assert ana.delivered == [message_id]

    def test_a_chat_by_phone_number_is_answered(self, emulator: Emulator, bot: EchoProcess) -> None:
        ben = emulator.customer(next(_numbers), name="Ben", addressing="phone", message_secret=False)
        ben.send("one")
        ben.send("two")
        assert [reply.text for reply in ben.wait_for_replies(2)] == ["one", "two"]

    def test_the_customer_confirms_unless_offline(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        ana.online = False
        ana.send("off")
        ana.wait_for_replies(1)
        ana.online = True
        ana.send("on")
        unconfirmed, confirmed = ana.wait_for_replies(2)
        bot.wait_for("receipt", ids=[confirmed.message_id])
        assert not bot.find("receipt", ids=[unconfirmed.message_id])

    def test_the_same_id_comes_once_as_ciphertext_and_twice_when_encrypted_anew(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        message_id = ana.send("again")
        ana.wait_for_replies(1)
        ana.repeat(message_id)
        emulator.wait_until(lambda: ana.delivered.count(message_id) == 2)
        ana.resend(message_id)
        ana.wait_for_replies(2)
        assert texts(ana) == ["again", "again"]

    def test_the_copies_for_the_phone_name_the_chat(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        ana.send("copied")
        ana.wait_for_replies(1)
        assert emulator.phone.copies[-1].text == "copied"
        assert emulator.phone.copies[-1].destination == str(ana.lid_jid)


class TestRetries:
    def test_the_bot_asks_again_for_what_it_cannot_read(self, bot: EchoProcess, ana: Customer) -> None:
        before = len(bot.find("undecryptable"))
        for number, text in enumerate(("first contact", "spoilt too"), start=1):
            ana.send(text, corrupt=True)
            bot.wait_for("undecryptable", before + number)
            assert ana.wait_for_replies(number)[-1].text == text

    @pytest.mark.parametrize("damaged", [1, 2])
    def test_the_customer_asks_again_for_what_cannot_be_read(
        self, bot: EchoProcess, ana: Customer, damaged: int
    ) -> None:
        ana.send("first")
        ana.wait_for_replies(1)
        ana.damaged_replies = damaged
        ana.send("second")
        assert [reply.text for reply in ana.wait_for_replies(2)] == ["first", "second"]
        assert len(ana.unreadable) == damaged

    def test_a_customer_that_does_not_ask_stays_without(self, bot: EchoProcess, ana: Customer) -> None:
        ana.asks_retry = False
        ana.damaged_replies = 1
        ana.send("lost")
        ana.send("kept")
        assert [reply.text for reply in ana.wait_for_replies(1)] == ["kept"]
        assert len(ana.unreadable) == 1

    def test_a_reinstalled_app_begins_a_new_session(self, bot: EchoProcess, ana: Customer) -> None:
        ana.send("old")
        ana.wait_for_replies(1)
        ana.forget_session()
        ana.send("new")
        assert [reply.text for reply in ana.wait_for_replies(2)] == ["old", "new"]


class TestCuts:
    @pytest.mark.parametrize(
        ("when", "duplicates"), [("before_ack", 0), ("taken", 1), ("mid_frame", 1), ("after_ack", 0)]
    )
    def test_a_reply_survives_one_cut(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer, when: str, duplicates: int
    ) -> None:
        logins = emulator.bot.logins
        emulator.faults.cut_at_send(when=when)  # type: ignore[arg-type]
        ana.send("cut me")
        assert [reply.text for reply in ana.wait_for_replies(1)] == ["cut me"]
        emulator.wait_for_login(logins + 1)
        emulator.wait_until(lambda: ana.duplicates == duplicates)
        assert len(ana.replies) == 1

    def test_a_reply_is_lost_when_the_link_is_cut_twice_before_it_is_taken(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        logins = emulator.bot.logins
        emulator.faults.cut_at_send(2, "before_ack")
        ana.send("lost")
        emulator.wait_for_login(logins + 1)
        ana.send("kept")
        assert [reply.text for reply in ana.wait_for_replies(1)] == ["kept"]

    def test_a_login_is_counted_once_though_the_client_repeats_its_query(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        logins = emulator.bot.logins
        taken = count_logins(emulator)
        emulator.faults.ignore_queries("passive")
        emulator.cut()
        emulator.wait_until(lambda: count_logins(emulator) > taken)
        time.sleep(0.1)
        emulator.faults.answer_queries()
        emulator.cut()
        emulator.wait_for_login(logins + 1)
        ana.send("once?")
        ana.wait_for_replies(1)
        assert emulator.bot.logins == logins + 1

    def test_only_every_nth_send_to_one_customer_is_cut(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        ben = emulator.customer(next(_numbers))
        emulator.faults.cut_at_send(every=2, only=ana.phone)
        logins = emulator.bot.logins
        for customer, text in ((ana, "1"), (ben, "b1"), (ben, "b2")):
            customer.send(text)
        ana.wait_for_replies(1)
        ben.wait_for_replies(2)
        assert emulator.bot.logins == logins
        ana.send("2")
        emulator.wait_for_login(logins + 1)
        ana.wait_for_replies(2)

    def test_a_backlog_waits_for_the_next_login(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        before = len(bot.find("backlog_done", detail="Count: 5\n"))
        emulator.wait_until(lambda: emulator.bot.backlog == 0)
        emulator.faults.refuse(60)
        emulator.cut()
        for number in range(5):
            ana.send(str(number))
        assert not emulator.bot.connected
        # However long the five took: a login among them would find fewer.
        emulator.accept_connections()
        ana.wait_for_replies(5)
        bot.wait_for("backlog_done", before + 1, detail="Count: 5\n")

    def test_a_silent_link_holds_everything_back(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        emulator.silence()
        ana.send("anybody there?")
        with pytest.raises(TimeoutError, match=r"Ana waited 0\.3 s for 1 replies and saw"):
            ana.wait_for_replies(1, 0.3)
        emulator.speak()
        ana.wait_for_replies(1)

    def test_latency_delays_what_the_bot_hears(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        ana.send("fast")
        ana.wait_for_replies(1)
        emulator.faults.latency(0.2)
        started = time.monotonic()
        ana.send("slow")
        (_, reply) = ana.wait_for_replies(2)
        assert 0.2 <= reply.at - started < 1


class TestAcknowledgements:
    def test_late(self, emulator: Emulator, bot: EchoProcess, ana: Customer) -> None:
        emulator.faults.ack(late_seconds=0.3)
        started = time.monotonic()
        ana.send("one")
        ana.send("two")
        (_, second) = ana.wait_for_replies(2)
        assert second.at - started >= 0.3

    def test_an_error_means_that_nobody_got_it(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        emulator.faults.ack(error=479)
        ana.send("refused")
        ana.send("taken")
        assert [reply.text for reply in ana.wait_for_replies(1)] == ["taken"]
        assert "server returned error 479" in bot.log

    def test_who_is_behind_an_address_is_refused_for_a_while(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer
    ) -> None:
        emulator.faults.fail_queries("usync", 429)
        ana.send("one")
        emulator.wait_until(lambda: any(event.kind == "query refused" for event in emulator.transcript))
        ana.send("two")
        assert [reply.text for reply in ana.wait_for_replies(1)] == ["two"]
        assert "429" in bot.log

    def test_never(self, emulator: Emulator, bot: EchoProcess, ana: Customer) -> None:
        emulator.faults.ack(never=True)
        ana.send("unacknowledged")
        ana.wait_for_replies(1)
        ana.send("stuck behind it")
        with pytest.raises(TimeoutError):
            ana.wait_for_replies(2, 0.3)
        emulator.cut()  # whatsmeow sends the message again on the next link
        ana.wait_for_replies(2)
        emulator.wait_until(lambda: ana.duplicates == 1)


class TestStreamErrors:
    @pytest.mark.parametrize("code", [500, 503, 515, 516, None])
    def test_the_bot_comes_back(
        self, emulator: Emulator, bot: EchoProcess, ana: Customer, code: int | None
    ) -> None:
        reported = len(bot.find("stream_error"))
        logins = emulator.bot.logins
        emulator.stream_error(code)
        emulator.wait_for_login(logins + 1)
        ana.send("back?")
        ana.wait_for_replies(1)
        assert len(bot.find("stream_error")) == reported + (code not in (503, 515))


@pytest.fixture(scope="module")
def second_emulator() -> Iterator[Emulator]:
    with Emulator(seed=1) as running:
        yield running


@pytest.fixture(scope="module")
def paired_session(second_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session store of a bot that was linked once, to be copied."""
    session = tmp_path_factory.mktemp("paired") / "session.sqlite"
    with EchoProcess(second_emulator, session) as process:
        process.pair()
    return session


@pytest.fixture
def start(
    second_emulator: Emulator, paired_session: Path, tmp_path: Path
) -> Iterator[Callable[[], EchoProcess]]:
    """Starts a linked bot that this test may ruin."""
    processes = []

    def run() -> EchoProcess:
        session = tmp_path / f"{len(processes)}.sqlite"
        shutil.copy(paired_session, session)
        processes.append(EchoProcess(second_emulator, session))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
    second_emulator.faults.clear()
    second_emulator.wait_until(lambda: not second_emulator.bot.connected)


class TestDials:
    @pytest.mark.parametrize("stage", ["tls", "upgrade", "handshake", "success"])
    def test_a_dial_hangs(
        self, second_emulator: Emulator, start: Callable[[], EchoProcess], stage: str
    ) -> None:
        dials, logins = second_emulator.bot.dials, second_emulator.bot.logins
        second_emulator.faults.hang(stage)  # type: ignore[arg-type]
        bot = start()
        second_emulator.wait_until(lambda: second_emulator.bot.dials == dials + 1)
        time.sleep(0.3)
        assert second_emulator.bot.logins == logins
        assert bot.events == []

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            (
                lambda wa: wa.faults.http_status(503),
                "expected handshake response status code 101 but got 503",
            ),
            (lambda wa: wa.faults.refuse(60), "connection refused"),
            (lambda wa: wa.faults.refuse_dials(), "failed to dial"),
        ],
        ids=["http", "refused", "closed"],
    )
    def test_a_first_dial_fails(
        self,
        second_emulator: Emulator,
        start: Callable[[], EchoProcess],
        fault: Callable[[Emulator], None],
        reason: str,
    ) -> None:
        fault(second_emulator)
        assert reason in start().wait_for("raised")["error"]
        second_emulator.accept_connections()

    def test_queries_without_an_answer_keep_it_from_the_login(
        self, second_emulator: Emulator, start: Callable[[], EchoProcess]
    ) -> None:
        logins = second_emulator.bot.logins
        second_emulator.faults.ignore_queries("passive")
        taken = count_logins(second_emulator)
        bot = start()
        second_emulator.wait_until(lambda: count_logins(second_emulator) > taken)
        time.sleep(0.3)
        assert second_emulator.bot.logins == logins
        assert bot.events == []


class TestEndings:
    @pytest.mark.parametrize(
        ("reason", "event", "detail"),
        [
            (400, "connect_failure", "GENERIC"),
            (401, "logged_out", "LOGGED_OUT"),
            (402, "banned", "Code: SEND_TO_TOO_MANY_PEOPLE\nExpire: 60"),
            (403, "logged_out", "MAIN_DEVICE_GONE"),
            (404, "raised", "required field neonize.ConnectFailure.Reason not set"),
            (405, "outdated", ""),
            (406, "logged_out", "UNKNOWN_LOGOUT"),
            (409, "connect_failure", "BAD_USER_AGENT"),
            (411, "raised", "required field neonize.ConnectFailure.Reason not set"),
            (415, "raised", "required field neonize.ConnectFailure.Reason not set"),
            (418, "raised", "required field neonize.ConnectFailure.Reason not set"),
            (500, "disconnected", ""),
            (501, "connect_failure", "EXPERIMENTAL"),
            (503, "disconnected", ""),
        ],
    )
    def test_a_login_is_refused(
        self,
        second_emulator: Emulator,
        start: Callable[[], EchoProcess],
        reason: int,
        event: str,
        detail: str,
    ) -> None:
        second_emulator.faults.fail_login(reason)
        seen = start().wait_for(event)
        assert detail in seen.get("detail", seen.get("error"))

    def test_a_ban_tells_how_long_it_lasts_and_ends(
        self, second_emulator: Emulator, start: Callable[[], EchoProcess]
    ) -> None:
        end = time.monotonic() + 2
        second_emulator.ban(2, code=104)
        assert re.search(r"Expire: [12]\n", start().wait_for("banned")["detail"])
        time.sleep(max(0.0, end - time.monotonic()))
        start().wait_for("connected")

    def test_a_ban_with_a_new_code(self, second_emulator: Emulator, start: Callable[[], EchoProcess]) -> None:
        second_emulator.faults.fail_login(402, code=107)
        assert "required field neonize.TemporaryBan" in start().wait_for("raised")["error"]

    def test_an_unknown_receipt_ends_the_event_loop(
        self, second_emulator: Emulator, tmp_path: Path, paired_session: Path
    ) -> None:
        session = shutil.copy(paired_session, tmp_path / "session.sqlite")
        with EchoProcess(second_emulator, Path(session), "--receipts") as bot:
            bot.wait_for("connected")
            second_emulator.receipt(second_emulator.customer(1), "server-error")
            assert "required field neonize.Receipt.Type" in bot.wait_for("raised")["error"]
            assert second_emulator.bot.connected

    def test_a_second_process_replaces_the_first(
        self, second_emulator: Emulator, start: Callable[[], EchoProcess]
    ) -> None:
        first = start()
        first.wait_for("connected")
        second = start()
        first.wait_for("replaced")
        second.wait_for("connected")

    def test_replaced_by_command(self, second_emulator: Emulator, start: Callable[[], EchoProcess]) -> None:
        bot = start()
        bot.wait_for("connected")
        second_emulator.replace()
        bot.wait_for("replaced")
        second_emulator.wait_until(lambda: not second_emulator.bot.connected)


class TestPairing:
    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Iterator[tuple[Emulator, EchoProcess]]:
        with Emulator(seed=2) as running, EchoProcess(running, tmp_path / "session.sqlite") as process:
            yield running, process

    def test_unlinked_by_the_owner(self, fresh: tuple[Emulator, EchoProcess]) -> None:
        running, bot = fresh
        bot.pair()
        running.log_out()
        assert "OnConnect: false" in bot.wait_for("logged_out")["detail"]
        assert not running.bot.paired
        with pytest.raises(NotLinked, match="scan its code first"):
            running.customer(1).send("anybody?")

    def test_the_phone_refuses(self, fresh: tuple[Emulator, EchoProcess]) -> None:
        running, bot = fresh
        running.phone.refuse(bot.wait_for("qr")["code"])
        assert bot.wait_for("login_status")["status"] == "error"
        assert not running.bot.paired

    def test_a_code_that_is_none(self, fresh: tuple[Emulator, EchoProcess]) -> None:
        running, bot = fresh
        code = bot.wait_for("qr")["code"]
        with pytest.raises(PairingError, match="no code to link a device"):
            running.phone.scan("hello")
        with pytest.raises(PairingError, match="not on show any more"):
            running.phone.scan(code.replace("2@", "2@x"))

    def test_a_code_typed_into_the_phone(self, tmp_path: Path) -> None:
        with Emulator(seed=2) as running:
            phone = f"+{running.bot.phone}"
            with EchoProcess(running, tmp_path / "wrong.sqlite", "--phone", phone) as bot:
                bot.wait_for("code")
                with pytest.raises(PairingError, match="the code is wrong"):
                    running.phone.type_code("ABCD-EFGH")
            with EchoProcess(running, tmp_path / "session.sqlite", "--phone", phone) as bot:
                running.phone.type_code(bot.wait_for("code")["code"])
                running.wait_for_login()
                assert running.bot.paired

    def test_a_code_for_another_number(self, tmp_path: Path) -> None:
        with Emulator(seed=2) as running:
            with pytest.raises(PairingError, match="no device has made a code"):
                running.phone.type_code("ABCD-EFGH")
            with EchoProcess(running, tmp_path / "session.sqlite", "--phone", "+34911111111") as bot:
                assert "404" in bot.wait_for("no_code")["error"]

    def test_outdated_before_it_is_linked(self, tmp_path: Path) -> None:
        with Emulator(seed=2) as running:
            running.faults.fail_login(405)
            with EchoProcess(running, tmp_path / "session.sqlite") as bot:
                assert bot.wait_for("login_status")["status"] == "err-client-outdated"

    def test_a_drop_while_the_code_shows_ends_the_pairing(self, fresh: tuple[Emulator, EchoProcess]) -> None:
        running, bot = fresh
        bot.wait_for("qr")
        running.cut()
        bot.wait_for("login_status")
        assert running.bot.dials == 1 and not bot.find("raised") and not bot.find("returned")

    def test_a_redial_refused_after_pairing_is_not_repeated(
        self, fresh: tuple[Emulator, EchoProcess]
    ) -> None:
        running, bot = fresh
        running.faults.after_pairing("refuse_redial")
        running.phone.scan(bot.wait_for("qr")["code"])
        running.wait_until(lambda: running.bot.dials == 2)
        bot.wait_for("paired")
        time.sleep(0.5)
        assert "Failed to reconnect after 515 code" in bot.log
        assert running.bot.dials == 2

    def test_a_link_dropped_instead_of_515_is_not_redialled(
        self, fresh: tuple[Emulator, EchoProcess]
    ) -> None:
        running, bot = fresh
        running.faults.after_pairing("drop")
        running.phone.scan(bot.wait_for("qr")["code"])
        bot.wait_for("paired")
        time.sleep(0.3)
        assert running.bot.paired and running.bot.dials == 1


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, EchoProcess]]:
    session = tmp_path_factory.mktemp("listening") / "session.sqlite"
    with (
        Emulator(seed=3, offline_after="success") as running,
        EchoProcess(running, session, "--listen") as process,
    ):
        process.pair()
        yield running, process


class TestReading:
    """What a bot is told that only listens."""

    def test_the_sender_has_a_name_and_both_addresses(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana, ben = running.customer(1, name="Ana"), running.customer(2, addressing="phone")
        sent = time.time()
        told = bot.wait_for("message", id=ana.send("old", age_seconds=3600))
        assert told["name"] == "Ana" and told["text"] == "old" and not told["from_me"]
        assert told["chat"] == str(ana.lid_jid) and told["sender_alt"] == ana.phone
        assert abs(told["timestamp_ms"] / 1000 - (sent - 3600)) < 5
        told = bot.wait_for("message", id=ben.send("by number"))
        assert told["chat"] == str(ben.phone_jid) and told["sender_alt"] == ben.lid

    def test_the_owner_writes_from_the_phone(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        told = bot.wait_for("message", id=running.phone.write(ana, "I take over"))
        assert told["from_me"] and told["text"] == "I take over" and told["chat"] == str(ana.lid_jid)

    def test_a_group(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        group = running.group("Team", [ana, running.customer(2)])
        message_id = group.send(ana, "@bot hello", mention_bot=True)
        told = bot.wait_for("message", id=message_id, text="@bot hello")
        # Of a member's first message the library tells twice: it has brought the member's key as well.
        fields = [each["fields"] for each in bot.find("message", id=message_id)]
        assert fields == [["senderKeyDistributionMessage"], ["extendedTextMessage"]]
        assert told["group"] and told["sender"] == ana.lid
        assert told["chat"] == str(group.jid) and "extendedTextMessage" in told["fields"]
        with pytest.raises(ValueError, match="is not a member of Team"):
            group.send(running.customer(3), "hello")

    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"unborn", "unborn_envelope", "empty"}))
    def test_other_kinds(self, listening: tuple[Emulator, EchoProcess], kind: str) -> None:
        running, bot = listening
        told = bot.wait_for("message", id=running.customer(1).send_kind(kind, "so it says"))
        assert set(told["fields"]) - {"messageContextInfo"}

    @pytest.mark.parametrize("kind", ["unborn", "unborn_envelope"])
    def test_a_kind_that_nobody_knows_yet(self, listening: tuple[Emulator, EchoProcess], kind: str) -> None:
        running, bot = listening
        told = bot.wait_for("message", id=running.customer(1).send_kind(kind, "so it says"))
        assert set(told["fields"]) <= {"messageContextInfo"}

    def test_a_timer(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        message_id = running.customer(1).send("gone tomorrow", expiration_seconds=86_400)
        told = bot.wait_for("message", id=message_id)
        assert told["text"] == "gone tomorrow" and told["expiration_seconds"] == 86_400

    def test_an_id_of_any_kind(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        odd = "A1 from 34699888777@s.whatsapp.net: old counter"
        assert running.customer(1).send("odd", message_id=odd) == odd
        assert bot.wait_for("message", id=odd)["text"] == "odd"

    def test_what_is_withheld_may_come_after_all(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        message_id = ana.withhold("look")
        told = bot.wait_for("undecryptable", id=message_id)
        assert told["unavailable"] and told["type"] == "media"
        ana.resend(message_id)
        assert "imageMessage" in bot.wait_for("message", id=message_id)["fields"]
        message_id = ana.withhold("hello", kind="")
        told = bot.wait_for("undecryptable", id=message_id)
        assert told["unavailable"] and told["type"] == "text"

    def test_what_is_spoilt_each_time_is_given_up(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        lost = ana.send("nobody reads this", spoil=99)
        running.wait_until(lambda: retries(running, lost) == 4)
        came = ana.send("but this", spoil=2)
        assert bot.wait_for("message", id=came)["text"] == "but this"
        assert retries(running, lost) == 4 and retries(running, came) == 2
        assert len(bot.find("undecryptable", id=lost)) == 5 and not bot.find("message", id=lost)

    def test_what_is_done_to_a_message_later(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        message_id = ana.send("helo")
        edit = bot.wait_for("message", id=ana.edit(message_id, "hello"))
        assert edit["edit"] == "1" and edit["text"] in ("", "hello")
        assert "reactionMessage" in bot.wait_for("message", id=ana.react(message_id, "👍"))["fields"]
        assert bot.wait_for("message", id=ana.reply_to(message_id, "as I said"))["text"] == "as I said"
        revoke = bot.wait_for("message", id=ana.revoke(message_id))
        assert revoke["edit"] == "7" and "protocolMessage" in revoke["fields"]

    def test_a_message_whose_process_was_away_comes_after_its_start(
        self, listening: tuple[Emulator, EchoProcess], tmp_path: Path
    ) -> None:
        running, bot = listening
        session = Path(shutil.copy(bot.session, tmp_path / "session.sqlite"))
        running.wait_until(lambda: running.bot.backlog == 0)
        bot.kill()
        running.wait_until(lambda: not running.bot.connected)
        message_id = running.customer(1).send("while you were away")
        assert running.bot.backlog == 1
        with EchoProcess(running, session, "--listen") as again:
            assert again.wait_for("message", id=message_id)["text"] == "while you were away"
            running.wait_until(lambda: running.bot.backlog == 0)


def test_a_polite_bot_is_seen_typing_reading_and_away(tmp_path: Path) -> None:
    with Emulator(seed=4) as running, EchoProcess(running, tmp_path / "session.sqlite", "--polite") as bot:
        bot.pair()
        ana = running.customer(1)
        message_id = ana.send("hello")
        ana.wait_for_replies(1)
        running.wait_until(lambda: ana.reads == [message_id])
        assert [event.state for event in ana.typing_events] == ["composing"]
        running.wait_until(lambda: running.bot.presence == "unavailable")


def test_more_prekeys_are_asked_for_when_few_are_left(emulator: Emulator, bot: EchoProcess) -> None:
    device = emulator._service.linked_device()
    with emulator._service.lock:
        while len(device.prekeys) > 5:
            device.prekeys.popleft()
    customer = emulator.customer(next(_numbers))
    customer.send("the last straw")
    customer.wait_for_replies(1)
    emulator.wait_until(lambda: emulator.bot.prekeys > 50)


def test_the_command_starts_a_bot_and_lets_a_person_be_its_customer() -> None:
    command = [sys.executable, "-m", "wabot.emulator", "--run"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("/as 2\nhola\n")
        process.stdin.flush()
        seen = ""
        while "Customer 2 reads: " not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        process.stdin.write("/replace\n")
        process.stdin.flush()
        while "The bot has ended with exit code 77" not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    "program",
    [["-m", "wabot.trials.peers.raw_echo", "STORE"], ["-m", "wabot", "run", "--config", "CONFIG"]],
    ids=["raw", "wabot"],
)
def test_without_the_launcher_no_client_trusts_the_emulator(tmp_path: Path, program: list[str]) -> None:
    config = tmp_path / "wabot.toml"
    config.write_text(f'[paths]\nstate = "{tmp_path / "state"}"\n')
    paths = {"STORE": str(tmp_path / "session.sqlite"), "CONFIG": str(config)}
    with Emulator() as running:
        process = subprocess.Popen(
            [sys.executable, *(paths.get(argument, argument) for argument in program)],
            env=running.environment(),
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with process:
            running.wait_until(lambda: any(event.kind == "dial failed" for event in running.transcript))
            process.kill()
        assert "codes shown" not in {event.kind for event in running.transcript}


def test_nothing_is_left_running(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with Emulator() as running, EchoProcess(running, tmp_path / "session.sqlite") as bot:
        bot.wait_for("qr")
        directory = running.environment()["SSL_CERT_FILE"]
    assert set(threading.enumerate()) - before == set()
    assert not Path(directory).exists()
