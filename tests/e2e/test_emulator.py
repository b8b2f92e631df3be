"""The emulator against the real client library in its own process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bot_process import REPOSITORY
from tests.e2e.transcripts import count_logins
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
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
