"""A process that works for weeks holds no more than one that has worked for a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import MakeBot
from wabot.emulator.server.emulator import Emulator
from wabot.link.connection import Limits
from wabot.trials.bench.bots import Wabot
from wabot.trials.bench.leaks import Growth, held, while_answering, while_kicked

pytestmark = pytest.mark.e2e

# neonize 0.5.2 never closes a store: a connect after a stop costs some 1.5 descriptors and 0.3 MB;
# a bot, whose store keeps a write-ahead log, 3.2 descriptors.
_KICKS = Limits().kicks_of_one_process


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_messages_and_reconnects_leave_nothing_behind(tmp_path: Path) -> None:
    """Usual are 0.5 kB a message, for caches that fill, and nothing else; a kilobyte more each would show."""
    growths = while_answering(Wabot, tmp_path, warm_up=2000, messages=3000, reconnects=60)
    for growth in growths:
        assert growth.descriptors <= 3, growth
        assert growth.threads <= 3, growth
        assert growth.memory_mb <= 3.6, growth


def test_the_kicks_of_one_process_leave_little_behind(tmp_path: Path) -> None:
    """After so many another takes its place: fifty kicks are five processes, none of which grows by more."""
    growth = while_kicked(tmp_path, warm_up=3, kicks=_KICKS)
    assert growth.descriptors <= 2 * _KICKS, growth
    assert growth.threads <= 3, growth
    assert growth.memory_mb <= 6, growth


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_bot_that_was_kicked_too_often_gives_way_to_a_fresh_process(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    """Nobody redials here: each time wabot does, and it answers as before."""
    bot = start_linked("reconnect_timeout = 5\nmax_unstable_cycles = 0")
    assert bot.process is not None
    looks = []
    for kicks in range(_KICKS + 1):
        bot.wait_for_state("connected")
        customer = linked_emulator.customer(kicks + 1)
        customer.send("Do you have gift cards?")
        customer.wait_for_replies(1, timeout_seconds=15)
        looks.append(held(bot.process.pid))
        linked_emulator.stream_error(503, close=False)
        bot.wait_for_state("reconnecting")
    assert bot.wait_for_exit() == 75
    assert bot.log().count("kick: reconnecting for 5 s") == _KICKS
    assert f"reconnecting for 5 s, after {_KICKS} fresh dials" in bot.systemd.statuses[-1]
    growth = Growth("wabot", "kicks", _KICKS, looks[0], looks[-1])
    assert growth.descriptors <= 4 * _KICKS, growth
    assert growth.threads <= 3, growth
    assert growth.memory_mb <= 8, growth
