"""A process that works for weeks holds no more than one that has worked for a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.emulator.bench_bots import Wabot
from wabot.emulator.leak_benchmark import while_answering, while_kicked

pytestmark = pytest.mark.e2e

# neonize 0.5.2 never closes a client's store: a connect after a stop costs some 1.5 descriptors and 0.3 MB.
_DESCRIPTORS_A_KICK = 2
_MEGABYTES_A_KICK = 1.0


def test_messages_and_reconnects_leave_nothing_behind(tmp_path: Path) -> None:
    """A leak of a tenth of a descriptor, a thread or 4 kB each would show; 1 kB is usual."""
    growths = while_answering(Wabot, tmp_path, warm_up=1000, messages=1000, reconnects=30)
    for growth in growths:
        assert growth.descriptors <= 3, growth
        assert growth.threads <= 3, growth
        assert growth.memory_mb <= 4, growth


def test_what_a_kick_leaves_behind_is_the_client_librarys_alone(tmp_path: Path) -> None:
    growth = while_kicked(tmp_path, warm_up=3, kicks=10)
    assert growth.descriptors <= 10 * _DESCRIPTORS_A_KICK, growth
    assert growth.threads <= 3, growth
    assert growth.memory_mb <= 10 * _MEGABYTES_A_KICK, growth
