"""A process that works for weeks holds no more than one that has worked for a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.emulator.bench_bots import Wabot
from wabot.emulator.leak_benchmark import while_answering, while_kicked
from wabot.link_limits import Limits

pytestmark = pytest.mark.e2e

# neonize 0.5.2 never closes a client's store: a connect after a stop costs some 1.5 descriptors and 0.3 MB.
_KICKS = Limits().kicks_of_one_process


def test_messages_and_reconnects_leave_nothing_behind(tmp_path: Path) -> None:
    """A leak of a tenth of a descriptor, a thread or 4 kB each would show; 1 kB is usual."""
    growths = while_answering(Wabot, tmp_path, warm_up=1000, messages=1000, reconnects=30)
    for growth in growths:
        assert growth.descriptors <= 3, growth
        assert growth.threads <= 3, growth
        assert growth.memory_mb <= 4, growth


def test_the_kicks_of_one_process_leave_little_behind(tmp_path: Path) -> None:
    """After so many another takes its place: fifty kicks are five processes, none of which grows by more."""
    growth = while_kicked(tmp_path, warm_up=3, kicks=_KICKS)
    assert growth.descriptors <= 2 * _KICKS, growth
    assert growth.threads <= 3, growth
    assert growth.memory_mb <= 6, growth
