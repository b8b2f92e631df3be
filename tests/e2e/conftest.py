"""An emulator and bots for each test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bot_process import BotProcess
from tests.provider_server import Behaviour, Handler, ProviderServer, completion
from wabot.emulator.server import Emulator

MakeBot = Callable[..., BotProcess]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """WhatsApp on loopback."""
    with Emulator() as running:
        yield running


@pytest.fixture
def make_bot(emulator: Emulator, tmp_path: Path) -> Iterator[MakeBot]:
    """Makes bots led to the emulator; ends them after the test."""
    bots: list[BotProcess] = []

    def make(**options: Any) -> BotProcess:
        bot = BotProcess(emulator, tmp_path / f"bot{len(bots)}", **options)
        bots.append(bot)
        return bot

    yield make
    for bot in bots:
        bot.close()


@pytest.fixture
def model() -> Iterator[ProviderServer]:
    """A model that repeats every message it has not answered yet, one a line."""
    with ProviderServer(repeat_unanswered()) as server:
        yield server


def repeat_unanswered() -> Behaviour:
    """Answers with all user entries after the last assistant entry."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        unanswered: list[str] = []
        for message in body["messages"]:
            if message["role"] == "user":
                unanswered.append(message["content"])
            elif message["role"] == "assistant":
                unanswered.clear()
        handler.send_json(completion("\n".join(unanswered)))

    return act
