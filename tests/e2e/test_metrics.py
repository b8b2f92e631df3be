"""What Prometheus is told of a real bot that answers, loses its link and is stopped."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.e2e.conftest import MakeBot
from tests.support.provider_server import ProviderServer
from tests.support.samples import read
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e


def test_the_figures_of_a_bot_at_work(
    emulator: Emulator, make_bot: MakeBot, model: ProviderServer, tmp_path: Path
) -> None:
    file = tmp_path / "wabot.prom"
    bot = make_bot(provider=model.base_url, sections={"metrics": f'file = "{file}"'})
    bot.pair()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    ana = emulator.customer(1)
    for number in (1, 2):
        logins = emulator.bot.logins
        ana.send(f"question {number}")
        ana.wait_for_replies(number)
        emulator.cut()
        emulator.wait_for_login(logins + 1)
        bot.wait_for_state("connected")
    assert bot.stop() == 0
    found = read(file)
    expected = {
        "wabot_reconnects_total": 2,
        "wabot_database_up": 1,
        "wabot_inbox_pending": 0,
        "wabot_outbox_pending": 0,
        "wabot_reply_latency_seconds_count": 2,
        'wabot_provider_calls_total{provider="test"}': 2,
        'wabot_state{state="stopping"}': 1,
        'wabot_state{state="connected"}': 0,
        "wabot_internal_errors_total": 0,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert 0 < found["wabot_reply_latency_seconds_sum"] < 20
    assert found["wabot_last_reply_timestamp_seconds"] >= found["wabot_start_time_seconds"]
