from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.errors import ExitCode, OperatorNeeded
from wabot.system.notify import ServiceNotifier, _fold


class Manager:
    """The end of the notification socket that systemd has."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self.socket.setblocking(False)

    def received(self) -> list[bytes]:
        """Every datagram since the last call."""
        datagrams = []
        while True:
            try:
                datagrams.append(self.socket.recv(8192))
            except BlockingIOError:
                return datagrams


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@wabot-test-{uuid.uuid4()}"


@pytest.fixture
def manager(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    manager = Manager(address)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    yield manager
    manager.socket.close()


def test_each_message_is_a_datagram_of_its_own(manager: Manager) -> None:
    notifier = ServiceNotifier()
    notifier.extend(12.5)
    notifier.status("connecting")
    notifier.ready()
    notifier.alive()
    notifier.stopping()
    assert manager.received() == [
        b"EXTEND_TIMEOUT_USEC=12500000",
        b"STATUS=connecting",
        b"READY=1",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]


def test_an_unchanged_status_is_not_sent_again(manager: Manager) -> None:
    notifier = ServiceNotifier()
    notifier.status("connected")
    notifier.status("connected")
    notifier.status("reconnecting")
    notifier.status("connected")
    assert manager.received() == [b"STATUS=connected", b"STATUS=reconnecting", b"STATUS=connected"]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("código QR → teléfono", "codigo QR -> telefono"),
        ("waiting… 3 × retried", "waiting... 3 ? retried"),
        ("one\nREADY=1\r\n\0two\x85WATCHDOG=1", "one READY=1 two WATCHDOG=1"),
        ("👋 ready", "? ready"),
        ("x" * 5000, "x" * 1000),
    ],
)
def test_a_status_is_one_line_of_ascii(text: str, folded: str) -> None:
    assert _fold(text) == folded


@given(st.text())
def test_no_text_can_say_more_than_a_status(text: str) -> None:
    folded = _fold(text)
    assert folded.isascii()
    assert folded.isprintable() or not folded


def test_outside_systemd_it_is_silent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notifier = ServiceNotifier()
    for say in (notifier.ready, notifier.alive, notifier.stopping):
        say()
    notifier.status("x")
    notifier.extend(1)
    assert not caplog.records


def test_a_socket_that_is_gone_is_said_and_not_raised(
    manager: Manager, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = ServiceNotifier()
    manager.socket.close()
    notifier.alive()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "systemd did not take WATCHDOG" in caplog.text
    if not address.startswith("@"):
        Path(address).unlink()
    ServiceNotifier().ready()
    assert f"{address} cannot be reached" in caplog.text


def test_a_manager_that_does_not_read_cannot_hold_the_service_up(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = ServiceNotifier()
    while "did not take" not in caplog.text:
        notifier.alive()
    assert set(manager.received()) == {b"WATCHDOG=1"}


def test_the_watchdog_is_fed_well_within_half_its_time(
    fake_watchdog: Callable[[str], dict[str, str]],
) -> None:
    assert ServiceNotifier({}).watchdog_interval_seconds is None
    assert ServiceNotifier(fake_watchdog("120000000")).watchdog_interval_seconds == 30
    assert ServiceNotifier(fake_watchdog("10000000")).watchdog_interval_seconds == 2.5
    assert ServiceNotifier({"WATCHDOG_USEC": "10000000"}).watchdog_interval_seconds == 2.5


def test_the_watchdog_of_another_process_is_not_ours(fake_watchdog: Callable[[str], dict[str, str]]) -> None:
    environ = fake_watchdog("5") | {"WATCHDOG_PID": str(os.getppid())}
    assert ServiceNotifier(environ).watchdog_interval_seconds is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("9999999", "WatchdogSec=9.999999s in the unit is too short; allowed is 10 s or more"),
        ("5000000", "WatchdogSec=5s in the unit is too short; allowed is 10 s or more"),
        ("0", "too short"),
        ("-1", "not a number of microseconds"),
        ("5min", "not a number"),
        ("²", "not a number"),
        ("9" * 21, "not a number"),
    ],
)
def test_a_watchdog_that_cannot_be_kept_is_refused(
    fake_watchdog: Callable[[str], dict[str, str]], value: str, said: str
) -> None:
    with pytest.raises(OperatorNeeded, match=said) as refused:
        ServiceNotifier(fake_watchdog(value))
    assert refused.value.exit_code is ExitCode.OPERATOR_NEEDED


@pytest.fixture
def fake_watchdog() -> Callable[[str], dict[str, str]]:
    return lambda usec: {"WATCHDOG_USEC": usec, "WATCHDOG_PID": str(os.getpid())}


def test_a_start_may_take_as_long_as_it_needs(manager: Manager) -> None:
    notifier = ServiceNotifier()
    notifier.starting()
    # More than the time until the next request, of which there is one each ten seconds.
    manager.socket.settimeout(30)
    assert manager.socket.recv(8192) == b"EXTEND_TIMEOUT_USEC=30000000"
    notifier.ready()
    assert manager.socket.recv(8192) == b"READY=1"
    for thread in threading.enumerate():
        if thread.name == "start":
            thread.join(30)
            assert not thread.is_alive()
