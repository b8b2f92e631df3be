"""An emulator and bots for each test that asks."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bot_process import BotProcess
from tests.support.provider_server import ProviderServer
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_behaviours import completion
from wabot.trials.peers.model_server import Behaviour, Handler

MakeBot = Callable[..., BotProcess]
MakeCustomer = Callable[..., Customer]

_numbers = itertools.count(1)


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


@pytest.fixture(scope="session")
def linked_emulator() -> Iterator[Emulator]:
    """WhatsApp on loopback for many tests, each with a bot that is linked already."""
    with Emulator() as running:
        yield running


@pytest.fixture(scope="session")
def linked_once(
    linked_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Callable[[], None]]:
    """What a bot owns that was linked, and stopped; and what lets the phone go back to that moment."""
    bot = BotProcess(linked_emulator, tmp_path_factory.mktemp("linked"))
    bot.pair()
    assert bot.stop() == 0
    bot.close()
    return bot.state, linked_emulator.phone.remember()


@pytest.fixture
def linked_state(linked_once: tuple[Path, Callable[[], None]]) -> Path:
    """The state of a linked bot, to copy; the phone can read what a copy writes, as at the first."""
    state, let_phone_go_back = linked_once
    let_phone_go_back()
    return state


@pytest.fixture
def start_linked(linked_emulator: Emulator, linked_state: Path, tmp_path: Path) -> Iterator[MakeBot]:
    """Starts a bot that is linked already, with its own copy of the state, which the test may ruin.

    Each test writes as customers of its own: the copies know nothing of each other's sessions.
    """
    bots: list[BotProcess] = []

    def start(connection: str = "", *, prepare: Callable[[BotProcess], None] | None = None) -> BotProcess:
        bot = BotProcess(linked_emulator, tmp_path / f"bot{len(bots)}", sections={"connection": connection})
        bots.append(bot)
        shutil.copytree(linked_state, bot.state)
        if prepare:
            prepare(bot)
        bot.start()
        return bot

    yield start
    for bot in bots:
        bot.close()
    linked_emulator.faults.clear()
    linked_emulator.accept_connections()
    linked_emulator.wait_until(lambda: not linked_emulator.bot.connected)


@pytest.fixture
def new_customer(linked_emulator: Emulator) -> MakeCustomer:
    """Makes customers whom no bot knows."""
    return lambda **options: linked_emulator.customer(next(_numbers), **options)


@pytest.fixture
def ana(new_customer: MakeCustomer) -> Customer:
    """One of them."""
    return new_customer()


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
