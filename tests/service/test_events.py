from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from wabot.errors import ExitCode
from wabot.service.events import MainEvents
from wabot.whatsapp.signals import LinkSignal, Signal

_LISTENS = """
from wabot.errors import ExitCode
from wabot.service.events import MainEvents
signals = MainEvents(ExitCode.FINDINGS)
signals.listen()
print("listening", flush=True)
while True:
    if heard := signals.next(0.5):
        print(heard.signal.name, heard.reason, flush=True)
"""


def test_what_happened_is_heard_in_its_order() -> None:
    signals = MainEvents(ExitCode.OK)
    told = [LinkSignal(Signal.DISCONNECTED, "first"), LinkSignal(Signal.CONNECTED, "second")]
    for each in told:
        signals.put(each)
    assert [signals.next(0), signals.next(0)] == told
    assert signals.next(0) is None


def test_waiting_ends_with_the_news() -> None:
    signals = MainEvents(ExitCode.OK)
    news = LinkSignal(Signal.CONNECTED)
    threading.Timer(0.05, signals.put, [news]).start()
    began = time.monotonic()
    assert signals.next(30) == news
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_wish_to_stop_is_heard_and_the_second_obeyed_at_once(number: signal.Signals) -> None:
    listening = [sys.executable, "-c", _LISTENS]
    with subprocess.Popen(listening, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        process.send_signal(number)
        assert process.stdout.readline() == f"STOP_REQUESTED asked to stop by {number.name}\n"
        process.send_signal(number)
        assert process.wait(20) == ExitCode.FINDINGS
