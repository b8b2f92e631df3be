"""Files between customers of the emulator and the real client library: the same bytes, or the right error."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wabot.emulator.people.attachments import File, sample
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.file_messages import FILE_KINDS
from wabot.emulator.signal.media_keys import MediaError
from wabot.emulator.signal.message_kinds import KINDS, told_as
from wabot.emulator.world.media import MEDIA_HOSTS
from wabot.emulator.world.media_faults import DownloadFault
from wabot.trials.peers.echo_process import EchoProcess

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("emulator-media")]

CONTENT = bytes(range(256)) * 40
SCRIPT = Path(__file__).with_name("media_client.py")
HOST, OTHER_HOST = MEDIA_HOSTS


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def bot(running: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EchoProcess]:
    store = tmp_path_factory.mktemp("bot") / "session.sqlite"
    with EchoProcess(running, store, script=SCRIPT) as process:
        process.pair()
        yield process


@pytest.fixture
def emulator(running: Emulator, bot: EchoProcess) -> Iterator[Emulator]:
    # What it learnt of the hosts is not kept: each test may spoil that.
    running.media.ttl_seconds = 0
    yield running
    running.faults.clear()


_numbers = itertools.count(1)


@pytest.fixture
def ana(emulator: Emulator) -> Customer:
    return emulator.customer(next(_numbers), name="Ana")


@pytest.fixture
def download(bot: EchoProcess) -> Callable[[str], bytes | str]:
    """Lets the bot fetch the file of a message: its content, or the library's error."""

    def fetch(message_id: str, *, inside: bool = False) -> bytes | str:
        bot.wait_for("message", id=message_id)
        count = len(bot.find("downloaded", id=message_id))
        bot.ask(do="download", id=message_id, inside=inside)
        told = bot.wait_for("downloaded", count + 1, id=message_id)
        return told["error"] or bytes.fromhex(told["content"])

    return fetch


@pytest.fixture
def send(bot: EchoProcess, ana: Customer) -> Callable[..., str]:
    """Lets the bot send a file: the library's error, "" for none."""

    def upload(kind: str, content: bytes = CONTENT) -> str:
        count = len(bot.find("sent"))
        bot.ask(do="send", kind=kind, content=content.hex(), to=str(ana.lid_jid))
        return str(bot.wait_for("sent", count + 1)["error"])

    return upload


def file(kind: str) -> File:
    return File(CONTENT + kind.encode(), sample(kind).mimetype, "prices.pdf")


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_what_a_customer_sends_is_fetched_byte_for_byte(
    emulator: Emulator, bot: EchoProcess, ana: Customer, download: Callable[..., bytes | str], kind: str
) -> None:
    message_id = ana.send_media(kind, file(kind))
    told = bot.wait_for("message", id=message_id)
    assert told["type"] == "media" and told["media_type"] == ana.attachment(message_id).told_as
    if kind == "video_note":
        assert download(message_id) == "didn't find any attachments in message"
        return
    assert download(message_id) == CONTENT + kind.encode()
    path = ana.attachment(message_id).direct_path.partition("?")[0]
    emulator.wait_until(lambda: emulator.media.requests and emulator.media.requests[-1].path == path)
    request = emulator.media.requests[-1]
    assert (request.host, request.method, request.status) == (HOST, "GET", 200)
    assert request.headers["origin"] == "https://web.whatsapp.com"


def test_files_in_envelopes(
    bot: EchoProcess, emulator: Emulator, ana: Customer, download: Callable[..., bytes | str]
) -> None:
    album = ana.send_kind("album")
    sent = {
        "view once": ana.send_media("image", file("image"), envelope="view_once"),
        "view once, newer": ana.send_media("image", file("image"), envelope="view_once_v2"),
        "voice, once": ana.send_media("voice", file("image"), envelope="view_once_voice"),
        "disappearing": ana.send_media("document", file("image"), caption="prices", envelope="ephemeral"),
        "with a caption": ana.send_media("document", file("image"), caption="prices"),
        "in an album": ana.send_media("image", file("image"), album=album),
        "answering, passed on": ana.send_media("image", file("image"), quotes="3EB0", is_forwarded=True),
        "of the owner": emulator.phone.send_media(ana, "image", file("image"), caption="from the shop"),
    }
    for name, message_id in sent.items():
        assert download(message_id) == CONTENT + b"image", name
    twin = ana.send_media("image", file("image"), envelope="associated_child")
    assert download(twin) == "didn't find any attachments in message"
    assert download(twin, inside=True) == CONTENT + b"image"
    assert bot.find("message", id=sent["of the owner"])[0]["from_me"]
    edit = bot.wait_for("message", id=ana.edit_caption(sent["in an album"], "a new caption"))
    assert edit["edit"] == "1" and "protocolMessage" in edit["fields"]


def test_what_brings_no_file_is_told_as_phones_tell_it(bot: EchoProcess, ana: Customer) -> None:
    for kind in sorted(set(KINDS) - {"unborn", "unborn_envelope", "empty"}):
        told = bot.wait_for("message", id=ana.send_kind(kind, "so it says"))
        assert (told["type"], told["media_type"]) == told_as(kind), kind


@pytest.mark.parametrize("kind", ["image", "document", "voice"])
def test_what_the_bot_sends_is_opened_and_checked(
    emulator: Emulator, ana: Customer, send: Callable[..., str], kind: str
) -> None:
    assert send(kind) == ""
    (reply,) = ana.wait_for_replies(1)
    assert reply.kind == kind and reply.file is not None
    assert reply.file.open() == CONTENT
    said = reply.file.said
    assert said.url.endswith(f"{said.direct_path}&mms3=true")
    details = {"image": "Our pot", "document": "prices.pdf", "voice": 7}
    assert details[kind] in (said.caption, said.file_name, said.seconds)
    assert f"[{kind}" in str(reply.file) and "10,240 bytes]" in str(reply.file)
    emulator.wait_until(lambda: emulator.media.requests[-1].method == "POST")
    assert emulator.media.requests[-1].received_bytes > len(CONTENT)


def test_a_place_that_the_bot_sends(ana: Customer, send: Callable[..., str]) -> None:
    assert send("location") == ""
    (reply,) = ana.wait_for_replies(1)
    assert reply.kind == "location" and reply.place is not None
    assert (reply.place.latitude, reply.place.longitude, reply.place.name) == (39.47, -0.37, "Shop")


LAST_HOST = "failed to download media from last host: "


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 404}, "download failed with status code 404"),
        ({"status": 410}, "download failed with status code 410"),
        ({"status": 500}, LAST_HOST + "download failed with status code 500"),
        ({"how": "truncated"}, LAST_HOST + "unexpected EOF"),
        ({"how": "short"}, "hash of media ciphertext doesn't match"),
        ({"how": "wrong"}, "hash of media ciphertext doesn't match"),
        ({"how": "oversized"}, "hash of media ciphertext doesn't match"),
        ({"how": "empty"}, "file too short"),
    ],
    ids=str,
)
def test_downloads_that_fail(
    emulator: Emulator, ana: Customer, download: Callable[..., bytes | str], fault: dict[str, Any], error: str
) -> None:
    message_id = ana.send_media("image", file("image"))
    emulator.faults.media.spoil_download(**fault, path=ana.attachment(message_id).direct_path)
    told = download(message_id)
    assert isinstance(told, str) and error in told
    emulator.faults.clear()
    assert download(message_id) == CONTENT + b"image"


@pytest.mark.parametrize(
    ("lies", "error"),
    [
        ({"enc_sha256": bytes(32)}, "hash of media ciphertext doesn't match"),
        ({"sha256": bytes(32)}, "hash of media plaintext doesn't match"),
        ({"media_key": bytes(32)}, "invalid media hmac"),
        ({"direct_path": None}, "no url present"),
        ({"length": 10**13}, ""),
    ],
    ids=str,
)
def test_messages_that_lie(
    ana: Customer, download: Callable[..., bytes | str], lies: dict[str, Any], error: str
) -> None:
    told = download(ana.send_media("image", file("image"), lies=lies))
    assert error in told if isinstance(told, str) else told == CONTENT + b"image"
    assert bool(error) == isinstance(told, str)


def test_what_comes_slowly_keeps_nobody_else_waiting(
    emulator: Emulator, bot: EchoProcess, ana: Customer, download: Callable[..., bytes | str]
) -> None:
    slow: tuple[DownloadFault, ...] = ("silent", "stalled", "slow")
    waiting = []
    for how in slow:
        message_id = ana.send_media("image", file("image"))
        emulator.faults.media.spoil_download(how, path=ana.attachment(message_id).direct_path)
        bot.wait_for("message", id=message_id)
        bot.ask(do="download", id=message_id, inside=False)
        waiting.append(message_id)
    assert download(ana.send_media("image", file("image"))) == CONTENT + b"image"
    assert not [message_id for message_id in waiting if bot.find("downloaded", id=message_id)]


def test_a_host_that_is_down(
    emulator: Emulator, ana: Customer, send: Callable[..., str], download: Callable[..., bytes | str]
) -> None:
    # What is open already would be used on.
    message_id = ana.send_media("image", file("image"))
    emulator.faults.media.spoil_download("truncated", times=2)
    download(message_id)
    emulator.faults.media.spoil_host("refused", times=1)
    count = len(emulator.media.requests)
    assert download(message_id) == CONTENT + b"image"
    emulator.wait_until(lambda: len(emulator.media.requests) >= count + 2)
    refused, served = emulator.media.requests[count : count + 2]
    assert (refused.method, refused.status, served.status) == ("CONNECT", 503, 200)


def test_uploads_that_fail(emulator: Emulator, ana: Customer, send: Callable[..., str]) -> None:
    faults = emulator.faults.media
    faults.spoil_upload(status=503, times=1)
    assert "upload failed with status code 503" in send("image")
    faults.spoil_upload("cut", times=1)
    assert "failed to execute request" in send("image")
    faults.spoil_upload("html", times=1)
    assert "failed to parse upload response" in send("image")
    assert ana.replies == []
    # A success to the library, which then says nothing of where the file is.
    faults.spoil_upload("empty_answer", times=1)
    assert send("image") == ""
    (reply,) = ana.wait_for_replies(1)
    assert reply.file is not None
    with pytest.raises(MediaError, match="does not say where its file is"):
        reply.file.open()


def test_hosts_that_are_not_told(
    emulator: Emulator, ana: Customer, send: Callable[..., str], download: Callable[..., bytes | str]
) -> None:
    message_id = ana.send_media("image", file("image"))
    emulator.faults.fail_queries("w:m", 429, times=None)
    assert "429" in str(download(message_id)) and "429" in send("image")
    emulator.faults.clear()
    emulator.faults.media.spoil_list("no_auth")
    assert "failed to parse media connections" in str(download(message_id))
    emulator.faults.clear()
    emulator.faults.media.spoil_list("no_hosts")
    assert download(message_id) == b"", "no error: a size and a hash are what tells"
    emulator.faults.clear()
    emulator.media.ttl_seconds = 300
    assert send("image") == ""
    emulator.media.expire_auth()
    assert "upload failed with status code 401" in send("image")
    assert "upload failed with status code 401" in send("image"), "it is kept until its time is over"
    assert download(message_id) == CONTENT + b"image", "which needs none"
