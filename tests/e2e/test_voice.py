"""Customers who speak: the real client library, a transcriber on loopback, and hosts that fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import repeat_unanswered
from tests.support.provider_server import ProviderServer
from wabot.emulator.people.attachments import File
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.sample_files import silent_voice
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers import model_behaviours as behaviours
from wabot.trials.peers.transcriber_behaviours import hear, hear_words

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("voice")]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[ProviderServer, ProviderServer]]:
    """A model that repeats what it reads, and ears."""
    with ProviderServer(repeat_unanswered()) as model, ProviderServer(hear_words()) as ears:
        yield model, ears


@pytest.fixture(scope="module")
def bot(
    servers: tuple[ProviderServer, ProviderServer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BotProcess]:
    with Emulator() as emulator:
        running = BotProcess(
            emulator, tmp_path_factory.mktemp("bot"), provider=servers[0].base_url, sections=_with(servers[1])
        )
        running.pair()
        yield running
        running.close()


def _with(ears: ProviderServer) -> dict[str, str]:
    return {"[ai.transcribers]": f'name = "ears"\nbase_url = "{ears.base_url}"\nmodel = "m"\ntimeout = 5'}


@pytest.fixture
def ears(servers: tuple[ProviderServer, ProviderServer]) -> Iterator[ProviderServer]:
    yield servers[1]
    servers[1].default = hear_words()


_numbers = iter(range(1, 1000))


@pytest.fixture
def ana(bot: BotProcess) -> Iterator[Customer]:
    yield bot.emulator.customer(next(_numbers), name="Ana")
    bot.emulator.faults.clear()


def speak(customer: Customer, words: str, seconds: int = 3) -> str:
    note = File(silent_voice(seconds, words), "audio/ogg; codecs=opus", "")
    return customer.send_media("voice", note)


def reply_to(customer: Customer, count: int = 1) -> str:
    return customer.wait_for_replies(count)[-1].text


def files(bot: BotProcess) -> list[tuple[Any, ...]]:
    return bot.rows("SELECT state, text, reason, source FROM wabot_received_files ORDER BY id DESC LIMIT 1")


def left(bot: BotProcess) -> list[Path]:
    folder = bot.state / "sessions" / "shop" / "media"
    return list(folder.iterdir()) if folder.exists() else []


def test_a_spoken_note_is_answered_by_what_was_said(
    bot: BotProcess, ears: ProviderServer, ana: Customer
) -> None:
    speak(ana, "¿Tienen macetas de 24?")
    assert "¿Tienen macetas de 24?" in reply_to(ana)
    assert files(bot)[0][0] == "understood" and left(bot) == []
    # Once, and what was written meanwhile is answered together with it.
    ears.default = hear_words(delay_seconds=1.5)
    speak(ana, "y platos")
    ana.send("de barro")
    answer = reply_to(ana, 2)
    assert "y platos" in answer and answer.index("y platos") < answer.index("de barro")


def test_whoever_says_baja_is_written_to_no_more(bot: BotProcess, ana: Customer) -> None:
    speak(ana, "Baja")
    assert "ALTA" in reply_to(ana)
    ana.send("¿Hola?")
    bot.wait_until(
        lambda: bool(bot.rows("SELECT 1 FROM wabot_inbox WHERE text = '¿Hola?' AND reason = 'opted out'"))
    )


SAID = "hola desde lejos"
AGAIN, WRITTEN = "enviar otra vez", "No he podido escuchar su audio"
HOST_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "gone": ({"how": "status", "status": 404}, AGAIN),
    "wrong": ({"how": "wrong"}, AGAIN),
    "endless": ({"how": "endless"}, WRITTEN),
    "once out of order": ({"how": "status", "status": 503, "times": 3}, SAID),
    "once cut": ({"how": "reset", "times": 2}, SAID),
}


@pytest.mark.parametrize("fault", HOST_FAULTS)
def test_whatever_the_media_host_does_there_is_an_answer(bot: BotProcess, ana: Customer, fault: str) -> None:
    how, answer = HOST_FAULTS[fault]
    bot.emulator.faults.media.spoil_download(**how)
    speak(ana, SAID)
    assert answer in reply_to(ana)
    assert left(bot) == []
    assert files(bot)[0][3] == ""
    log = bot.log()
    assert "oh=01" not in log and "Traceback" not in log


@pytest.mark.parametrize("how", [behaviours.status(400), hear("")], ids=["refused", "nothing"])
def test_what_nobody_heard_is_asked_for_in_writing(
    bot: BotProcess, ears: ProviderServer, ana: Customer, how: Callable[..., None]
) -> None:
    ears.script(how)
    speak(ana, "hola")
    assert WRITTEN in reply_to(ana) and left(bot) == []


def test_a_passing_trouble_of_the_transcriber_is_waited_for(
    bot: BotProcess, ears: ProviderServer, ana: Customer
) -> None:
    ears.script(behaviours.raw(b"<html>"), hear_words())
    speak(ana, "paciencia")
    assert "paciencia" in reply_to(ana)


def test_what_was_said_is_fetched_and_heard_while_the_link_is_down(
    bot: BotProcess, ears: ProviderServer, ana: Customer
) -> None:
    emulator, count = bot.emulator, len(ears.requests)
    emulator.faults.media.spoil_download("status", status=503, times=2)
    emulator.faults.http_status(503, times=100)
    speak(ana, "sin línea")
    bot.wait_until(lambda: "answered 503" in files(bot)[0][2])
    emulator.cut()
    bot.wait_until(lambda: files(bot)[0][:2] == ("understood", "sin línea"))
    assert not emulator.bot.connected and len(ears.requests) == count + 1
    emulator.faults.clear()
    assert "sin línea" in reply_to(ana)


def test_kill_in_the_middle_loses_nothing(bot: BotProcess, ears: ProviderServer, ana: Customer) -> None:
    ears.default = hear_words(delay_seconds=3.0)
    count = len(ears.requests)
    speak(ana, "después de todo")
    bot.wait_until(lambda: len(ears.requests) > count)
    bot.kill()
    ears.default = hear_words()
    bot.restart()
    assert "después de todo" in reply_to(ana)
    time.sleep(0.5)
    assert len(ana.wait_for_replies(1)) == 1 and left(bot) == []
