"""Files that go with answers, on the real client library: opened and checked by the customer, never twice."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.bot_process import SAMPLE_KNOWLEDGE, BotProcess
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.reader import Reply
from wabot.emulator.people.sample_files import JPEG, MP4, PDF, silent_voice
from wabot.emulator.server.emulator import Emulator
from wabot.errors import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("files-out")]

UPLOAD_SECONDS = 1.5
# The bot as it is, but for how long it is patient.
IN_A_HURRY = f"""
from wabot.outbound import pacing, upload
upload.UPLOAD_SECONDS, pacing._BUSY_SECONDS = {UPLOAD_SECONDS}, 0.2
"""
TEXTS = """# Terracotta pot
We have them in five sizes.
![Terracotta pot, 24 cm](photos/pot24.jpg)

# Price list
Wholesale from ten pieces on, see our [price list](prices.pdf).

# Greeting
Our gardener says hello:
![Listen](hello.ogg)

# Workshop film
![How a pot is made](film.mp4)

# Address
We are behind the market.
[Here we are](geo:39.47,-0.37)
"""
# Each with content of its own: what was uploaded already is not uploaded again.
FLOWERS = (
    "zinnia",
    "yarrow",
    "wisteria",
    "verbena",
    "tulip",
    "snapdragon",
    "peony",
    "orchid",
    "magnolia",
    "lavender",
    "jasmine",
)
PICTURES = {
    flower: JPEG[:2] + b"\xff\xee" + (2 + len(flower)).to_bytes(2) + flower.encode() + JPEG[2:]
    for flower in FLOWERS
}
FILES = {"photos/pot24.jpg": JPEG, "prices.pdf": PDF, "hello.ogg": silent_voice(7), "film.mp4": MP4}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def running(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BotProcess]:
    directory = tmp_path_factory.mktemp("files-out")
    folder = directory / "texts"
    (folder / "photos").mkdir(parents=True)
    flowers = "\n# jasmine\n![jasmine](photos/jasmine.jpg)\n" + "".join(
        f"\n# {name}\nThe {name} blooms now.\n![{name}](photos/{name}.jpg)\n" for name in FLOWERS[:-1]
    )
    (folder / "shop.md").write_text(TEXTS + flowers)
    for name, content in {**FILES, **{f"photos/{name}.jpg": each for name, each in PICTURES.items()}}.items():
        (folder / name).write_bytes(content)
    bot = _Bot(emulator, directory)
    bot.config.write_text(bot.config.read_text().replace(str(SAMPLE_KNOWLEDGE), str(folder)))
    bot.pair()
    yield bot
    auth = emulator.media.auth
    assert auth not in bot.log() and "?auth=" not in bot.log(), "the journal tells how to log in"
    bot.close()


class _Bot(BotProcess):
    def _environment(self) -> dict[str, str]:
        hurry = self.config.parent / "hurry"
        hurry.mkdir(exist_ok=True)
        (hurry / "sitecustomize.py").write_text(IN_A_HURRY)
        environment = super()._environment()
        environment["PYTHONPATH"] = f"{hurry}:{environment.get('PYTHONPATH', '')}"
        return environment


@pytest.fixture
def bot(emulator: Emulator, running: BotProcess) -> Iterator[BotProcess]:
    yield running
    emulator.faults.clear()


_numbers = itertools.count(1)


@pytest.fixture
def make_customer(emulator: Emulator) -> Callable[[], Customer]:
    return lambda: emulator.customer(next(_numbers))


def opened(reply: Reply) -> bytes:
    assert reply.file is not None
    return reply.file.open()


@pytest.mark.parametrize(
    ("question", "text", "kind", "content", "said"),
    [
        (
            "terracotta pot?",
            "We have them in five sizes.",
            "image",
            JPEG,
            {"caption": "Terracotta pot, 24 cm", "mimetype": "image/jpeg"},
        ),
        (
            "price list?",
            "Wholesale from ten pieces on, see our price list.",
            "document",
            PDF,
            {"caption": "", "file_name": "prices.pdf", "mimetype": "application/pdf"},
        ),
        (
            "greeting?",
            "Our gardener says hello:\nListen",
            "voice",
            FILES["hello.ogg"],
            {"seconds": 7, "mimetype": "audio/ogg; codecs=opus"},
        ),
        ("workshop film?", None, "video", MP4, {"caption": "How a pot is made", "mimetype": "video/mp4"}),
    ],
)
def test_what_a_customer_gets(
    bot: BotProcess,
    make_customer: Callable[[], Customer],
    question: str,
    text: str | None,
    kind: str,
    content: bytes,
    said: dict[str, Any],
) -> None:
    ana = make_customer()
    ana.send(question)
    *texts, file = ana.wait_for_replies(1 if text is None else 2)
    assert [reply.text for reply in texts] == ([] if text is None else [text])
    assert (file.kind, opened(file)) == (kind, content)
    assert file.file is not None
    assert {name: getattr(file.file.said, name) for name in said} == said


def test_a_place(bot: BotProcess, make_customer: Callable[[], Customer]) -> None:
    ana = make_customer()
    ana.send("what is your address?")
    text, pin = ana.wait_for_replies(2)
    assert (text.text, pin.kind) == ("We are behind the market.", "location")
    assert pin.place is not None
    assert (pin.place.latitude, pin.place.longitude, pin.place.name) == (39.47, -0.37, "Here we are")


@pytest.mark.parametrize(
    ("flower", "trap"),
    [
        ("zinnia", {"how": "status", "status": 503}),
        ("yarrow", {"how": "empty_answer"}),
        ("wisteria", {"how": "html"}),
        ("verbena", {"how": "cut"}),
        ("tulip", {"how": "silent"}),
    ],
)
def test_an_upload_that_fails_once_is_tried_again_and_nobody_waits_for_it(
    emulator: Emulator,
    bot: BotProcess,
    make_customer: Callable[[], Customer],
    flower: str,
    trap: dict[str, Any],
) -> None:
    emulator.faults.media.spoil_upload(**trap, times=1)
    ana, eva = make_customer(), make_customer()
    ana.send(f"{flower}?")
    ana.wait_for_replies(1)
    eva.send("what is your address?")
    eva.wait_for_replies(2, UPLOAD_SECONDS)
    text, file = ana.wait_for_replies(2)
    assert text.text == f"The {flower} blooms now." and opened(file) == PICTURES[flower]


def test_a_login_that_the_media_hosts_take_no_more(
    emulator: Emulator, bot: BotProcess, make_customer: Callable[[], Customer]
) -> None:
    ana, eva = make_customer(), make_customer()
    eva.send("terracotta pot?")
    eva.wait_for_replies(2)
    logins = emulator.bot.logins
    emulator.media.expire_auth()
    ana.send("snapdragon?")
    assert opened(ana.wait_for_replies(2)[1]) == PICTURES["snapdragon"]
    assert emulator.bot.logins == logins + 1


def test_a_file_that_no_host_takes_is_given_up_and_told(
    emulator: Emulator, bot: BotProcess, make_customer: Callable[[], Customer]
) -> None:
    emulator.faults.media.spoil_upload("status", status=500)
    ana = make_customer()
    ana.send("peony?")
    ana.wait_for_replies(1)
    ana.send("what is your address?")
    replies = ana.wait_for_replies(3)
    assert [reply.kind for reply in replies] == ["text", "text", "location"]
    ((state, error),) = bot.rows("SELECT state, error FROM wabot_outbox WHERE file = 'photos/peony.jpg'")
    assert state == "dead" and "500" in error
    bot.wait_until(lambda: "archivo" in "".join(copy.text for copy in emulator.phone.copies))


def test_two_uploads_that_never_come_back_end_the_process_and_the_next_one_sends_the_file(
    emulator: Emulator, bot: BotProcess, make_customer: Callable[[], Customer]
) -> None:
    emulator.faults.media.spoil_upload("unread", times=2)
    ana = make_customer()
    ana.send("orchid?")
    assert bot.process is not None and bot.process.wait(30) == ExitCode.LINK_LOST
    bot.restart()
    assert opened(ana.wait_for_replies(2)[1]) == PICTURES["orchid"]
    assert len(ana.replies) == 2 and ana.duplicates == 0


def test_a_service_that_names_no_media_host_kills_the_process_and_the_next_one_sends_the_file(
    emulator: Emulator, bot: BotProcess, make_customer: Callable[[], Customer]
) -> None:
    # What it knows of the hosts goes with the process.
    assert bot.stop() == 0
    bot.restart()
    emulator.faults.media.spoil_list("no_hosts", times=1)
    ana = make_customer()
    ana.send("magnolia?")
    assert bot.process is not None and bot.process.wait(30) != 0
    assert "panic" in bot.log()
    bot.restart()
    assert opened(ana.wait_for_replies(2)[1]) == PICTURES["magnolia"]
    assert len(ana.replies) == 2 and ana.duplicates == 0


def test_a_file_whose_acknowledgement_is_lost_comes_once_and_is_uploaded_once(
    emulator: Emulator, bot: BotProcess, make_customer: Callable[[], Customer]
) -> None:
    ana = make_customer()
    ana.send("workshop film?")
    ana.wait_for_replies(1)
    emulator.faults.cut_at_send(times=1, when="taken", only=ana.phone)
    before = len(emulator.media.requests)
    ana.send("jasmine?")
    logins = emulator.bot.logins
    emulator.wait_for_login(logins + 1)
    assert opened(ana.wait_for_replies(2)[1]) == PICTURES["jasmine"]
    bot.wait_until(
        lambda: bot.rows("SELECT 1 FROM wabot_outbox WHERE state <> 'sent' AND state <> 'dead'") == []
    )
    posts = [each for each in emulator.media.requests[before:] if each.method == "POST"]
    assert (len(ana.replies), len(posts)) == (2, 1), "what came again has its id, and phones ignore that"


def test_a_kill_between_upload_and_send_uploads_nothing_again(
    emulator: Emulator, bot: BotProcess, make_customer: Callable[[], Customer]
) -> None:
    ana = make_customer()
    ana.send("hello")
    ana.wait_for_replies(1)
    emulator.faults.cut_at_send(times=2, when="before_ack", only=ana.phone)
    before = len(emulator.media.requests)
    ana.send("lavender?")
    stored = "SELECT 1 FROM wabot_outbox WHERE file = 'photos/lavender.jpg' AND upload <> ''"
    bot.wait_until(lambda: bool(bot.rows(stored)))
    bot.signal(signal.SIGKILL)
    bot.wait()
    emulator.faults.clear()
    bot.restart()
    assert opened(ana.wait_for_replies(3)[2]) == PICTURES["lavender"]
    assert len([each for each in emulator.media.requests[before:] if each.method == "POST"]) == 1
    assert len(ana.replies) == 3 and ana.duplicates == 0
