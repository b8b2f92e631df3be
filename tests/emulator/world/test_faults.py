"""The script of faults, the mailbox, the timers and the transcript."""

from __future__ import annotations

import threading
import time

import pytest

from wabot.emulator.wire.stanza import Node
from wabot.emulator.world.account import Mailbox
from wabot.emulator.world.faults import LOGIN_FAILURES, Faults
from wabot.emulator.world.timers import Timers
from wabot.emulator.world.transcript import Transcript


@pytest.fixture
def faults() -> Faults:
    return Faults(refuse_connections=lambda seconds: None)


def cuts(faults: Faults, count: int, phone: str = "1") -> list[str | None]:
    return [faults.take_cut(phone) for _ in range(count)]


class TestCuts:
    def test_once_unless_told_otherwise(self, faults: Faults) -> None:
        faults.cut_at_send()
        assert cuts(faults, 3) == ["before_ack", None, None]

    def test_some_times_in_a_row(self, faults: Faults) -> None:
        faults.cut_at_send(2, "taken")
        assert cuts(faults, 3) == ["taken", "taken", None]

    def test_every_nth_for_ever_or_some_times(self, faults: Faults) -> None:
        faults.cut_at_send(every=3, when="after_ack")
        assert cuts(faults, 7) == [None, None, "after_ack", None, None, "after_ack", None]
        faults.clear()
        faults.cut_at_send(1, every=2)
        assert cuts(faults, 4) == [None, "before_ack", None, None]

    def test_only_one_customer(self, faults: Faults) -> None:
        faults.cut_at_send(only="2")
        assert cuts(faults, 1, "1") == [None]
        assert cuts(faults, 2, "2") == ["before_ack", None]

    @pytest.mark.parametrize("wrong", [{"when": "never"}, {"every": 0}])
    def test_what_cannot_be(self, faults: Faults, wrong: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="no such moment"):
            faults.cut_at_send(**wrong)  # type: ignore[arg-type]


class TestQueryFailures:
    def test_one_namespace_so_many_times(self, faults: Faults) -> None:
        faults.fail_queries("usync", 429, times=2)
        assert faults.take_query_failure("encrypt") is None
        assert [faults.take_query_failure("usync") for _ in range(3)] == [429, 429, None]

    def test_for_a_while(self, faults: Faults) -> None:
        faults.fail_queries("usync", 429, times=None, seconds=0)
        assert faults.take_query_failure("usync") is None
        faults.fail_queries("usync", 429, times=None, seconds=60)
        assert [faults.take_query_failure("usync") for _ in range(3)] == [429] * 3
        faults.answer_queries()
        assert faults.take_query_failure("usync") is None


class TestLoginFailures:
    def test_it_wears_off(self, faults: Faults) -> None:
        faults.fail_login(503, times=2)
        taken = [faults.take_login_failure() for _ in range(3)]
        assert [failure and failure.reason for failure in taken] == [503, 503, None]

    def test_for_ever(self, faults: Faults) -> None:
        faults.fail_login(405, times=None)
        assert all(faults.take_login_failure() for _ in range(5))

    def test_a_ban_is_told_with_its_code_and_time(self, faults: Faults) -> None:
        faults.fail_login(402)
        failure = faults.take_login_failure()
        assert failure is not None
        expected = {"reason": "402", "location": "loopback", "code": "101", "expire": "60"}
        assert failure.stanza() == Node("failure", expected)

    def test_a_ban_ends(self, faults: Faults) -> None:
        faults.ban(0.05)
        failure = faults.take_login_failure()
        assert failure is not None and failure.stanza().text("expire") == "1"
        time.sleep(0.06)
        assert faults.take_login_failure() is None

    def test_unknown_reasons(self, faults: Faults) -> None:
        assert {400, 401, 402, 403, 404, 405, 406, 409, 411, 415, 418, 500, 501, 503} == set(LOGIN_FAILURES)
        with pytest.raises(ValueError, match="no login fails with 200"):
            faults.fail_login(200)


def test_the_other_faults_wear_off(faults: Faults) -> None:
    faults.ack(error=479, times=2)
    faults.hang("tls")
    faults.http_status(503)
    faults.refuse_dials(2)
    faults.after_pairing("drop")
    taken = [faults.take_ack() for _ in range(3)]
    assert [fault and fault.error for fault in taken] == [479, 479, None]
    assert [faults.take_hang("tls"), faults.take_hang("tls"), faults.take_hang("success")] == [
        True,
        False,
        False,
    ]
    assert [faults.take_http_status(), faults.take_http_status()] == [503, None]
    assert [faults.take_refused_dial() for _ in range(3)] == [True, True, False]
    assert [faults.take_after_pairing(), faults.take_after_pairing()] == ["drop", None]


def test_queries_are_ignored_until_they_are_answered_again(faults: Faults) -> None:
    faults.ignore_queries("w:p")
    assert faults.ignores("w:p") and faults.ignores("w:p") and not faults.ignores("encrypt")
    faults.answer_queries()
    assert not faults.ignores("w:p")


def test_clear_takes_everything_back(faults: Faults) -> None:
    faults.cut_at_send()
    faults.fail_login(401)
    faults.ack(never=True)
    faults.hang("upgrade")
    faults.latency(3)
    faults.clear()
    taken = [
        faults.take_cut("1"),
        faults.take_login_failure(),
        faults.take_ack(),
        faults.latency_seconds,
    ]
    assert taken == [None, None, None, 0.0]
    assert not faults.take_hang("upgrade")


@pytest.mark.parametrize("call", [lambda f: f.hang("lunch"), lambda f: f.after_pairing("lunch")])
def test_misspelt_faults_are_refused(faults: Faults, call: object) -> None:
    with pytest.raises(ValueError, match="lunch"):
        call(faults)  # type: ignore[operator]


def test_the_mailbox_keeps_what_is_not_acknowledged_in_order() -> None:
    mailbox = Mailbox()
    for message_id, tag in (("1", "a"), ("2", "b"), ("1", "c")):
        mailbox.put(message_id, Node(tag))
    assert [stanza.tag for stanza in mailbox] == ["a", "b", "c"]
    assert mailbox.acknowledge("1") and not mailbox.acknowledge("9")
    assert [stanza.tag for stanza in mailbox] == ["b", "c"]
    assert mailbox.acknowledge("1") and not mailbox.acknowledge("1")
    assert len(mailbox) == 1


def test_timers_call_in_order_of_time_and_survive_a_failure() -> None:
    called: list[int] = []
    done = threading.Event()
    timers = Timers()

    def fail() -> None:
        raise OSError("gone")

    timers.call_later(0.04, done.set)
    timers.call_later(0.03, lambda: called.append(3))
    timers.call_later(0, fail)
    timers.call_later(0.01, lambda: called.append(1))
    timers.call_later(0.01, lambda: called.append(2))
    timers.call_later(60, lambda: called.append(4))
    assert done.wait(5)
    timers.stop()
    assert called == [1, 2, 3]


def test_the_transcript_tells_when() -> None:
    transcript = Transcript()
    before = time.monotonic()
    event = transcript.add("reply", "1", "text")
    assert before <= event.at <= time.monotonic()
    assert transcript.events() == [event]
