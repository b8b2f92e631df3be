"""Files are fetched from the emulator's media hosts, whatever these do, in time and without a trace left."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.media_keys import MediaType, seal
from wabot.emulator.world.media import MEDIA_HOSTS
from wabot.media.cipher import DamagedFile
from wabot.media.directory import MediaDirectory, NoRoom
from wabot.media.fetch import Fetcher, Gone, NotNow, TooLarge
from wabot.whatsapp.messages import Attachment, MessageKind

CONTENT = bytes(range(256)) * 400
OTHER_HOST, HOST = MEDIA_HOSTS
SECONDS = 1.2
LIMIT = 200_000


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    for name, value in running.environment({}).items():
        monkeypatch.setenv(name, value)
    yield running
    running.faults.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture
def fetcher(folder: Path) -> Fetcher:
    return Fetcher(MediaDirectory(folder, least_free_bytes=0))


def sent(emulator: Emulator, content: bytes = CONTENT, kind: MediaType = MediaType.AUDIO) -> Attachment:
    """A file as its message tells of it; the message names the other host."""
    blob, sealed = seal(content, kind)
    address = emulator.media.publish(blob)
    return Attachment(
        "audio/ogg",
        size_bytes=len(content),
        address=address.url.replace(HOST, OTHER_HOST),
        path=address.direct_path,
        key=sealed.media_key.hex(),
        file_sha256=sealed.sha256.hex(),
        encrypted_sha256=sealed.enc_sha256.hex(),
    )


def fetch(fetcher: Fetcher, file: Attachment, number: int = 1, **changes: Any) -> Path:
    wanted = {"kind": MessageKind.AUDIO, "most_bytes": LIMIT, "seconds": SECONDS, **changes}
    return fetcher.fetch(file, wanted["kind"], number, wanted["most_bytes"], wanted["seconds"])


@pytest.mark.parametrize(
    ("kind", "sealed_as"),
    [
        (MessageKind.AUDIO, MediaType.AUDIO),
        (MessageKind.IMAGE, MediaType.IMAGE),
        (MessageKind.DOCUMENT, MediaType.DOCUMENT),
        (MessageKind.VIDEO, MediaType.VIDEO),
    ],
)
def test_a_file_is_fetched_once(
    emulator: Emulator, fetcher: Fetcher, kind: MessageKind, sealed_as: MediaType
) -> None:
    file = sent(emulator, kind=sealed_as)
    count = len(emulator.media.requests)
    path = fetch(fetcher, file, kind=kind)
    assert path.read_bytes() == CONTENT
    # Here already, as after a crash between the file and its row.
    assert fetch(fetcher, file, kind=kind) == path
    emulator.wait_until(lambda: len(emulator.media.requests) > count)
    (request,) = emulator.media.requests[count:]
    assert (request.host, request.status) == (HOST, 200)
    assert f"mms-type={sealed_as.value}" in request.query and "&hash=" in request.query
    assert request.headers["origin"] == "https://web.whatsapp.com" and "authorization" not in request.headers
    # After a power cut it may be empty.
    path.write_bytes(b"")
    assert fetch(fetcher, file, kind=kind).read_bytes() == CONTENT


FAULTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    *(({"how": "status", "status": status}, Gone, "^$") for status in (403, 404, 410)),
    *(
        ({"how": "status", "status": status}, NotNow, f"answered {status}")
        for status in (206, 400, 416, 429, 500, 507)
    ),
    ({"how": "status", "status": 503, "retry_after_seconds": 3600}, NotNow, "answered 503"),
    ({"how": "redirect", "location": "https://evil.example/x"}, NotNow, "answered 302"),
    ({"how": "silent"}, NotNow, "within"),
    ({"how": "slow_header"}, NotNow, "within"),
    ({"how": "stalled"}, NotNow, "within"),
    ({"how": "slow"}, NotNow, "within"),
    ({"how": "truncated"}, NotNow, "cut|broke off"),
    ({"how": "reset"}, NotNow, "cut|broke off"),
    ({"how": "short"}, DamagedFile, "something else"),
    ({"how": "wrong"}, DamagedFile, "something else"),
    ({"how": "empty"}, DamagedFile, "something else"),
    ({"how": "oversized"}, TooLarge, "^$"),
    ({"how": "endless"}, TooLarge, "^$"),
]


@pytest.mark.parametrize(("fault", "error", "says"), FAULTS, ids=lambda value: str(value)[:60])
def test_whatever_a_host_does_it_ends_in_time_and_leaves_nothing(
    emulator: Emulator,
    fetcher: Fetcher,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    file = sent(emulator)
    emulator.faults.media.spoil_download(**fault)
    began_at = time.monotonic()
    with pytest.raises(error, match=says) as caught:
        fetch(fetcher, file)
    assert time.monotonic() - began_at < SECONDS + 1
    assert list(folder.iterdir()) == []
    told = caplog.text + str(caught.value)
    assert not [secret for secret in (file.path[:20], "oh=01", file.key, "evil") if secret in told]


@pytest.mark.parametrize("how", ["refused", "reset", "silent", "silent_tls"])
def test_the_other_host_serves_where_the_first_does_not(
    emulator: Emulator, fetcher: Fetcher, how: Any
) -> None:
    file = sent(emulator)
    emulator.faults.media.spoil_host(how, host=HOST)
    assert fetch(fetcher, file, seconds=3.0).read_bytes() == CONTENT
    # Never one that is not WhatsApp's, whatever the message says.
    for address in (
        "https://evil.example/x",
        "http://a.whatsapp.net/x",
        "https://a.whatsapp.net:1/x",
        "[",
        "",
    ):
        elsewhere = dataclasses.replace(file, address=address)
        with pytest.raises(NotNow, match=HOST):
            fetch(fetcher, elsewhere, number=2, seconds=0.5)


def test_gone_is_only_what_is_nowhere(emulator: Emulator, fetcher: Fetcher) -> None:
    file = sent(emulator)
    # What the newer files' signed addresses are answered with by their paths alone.
    emulator.faults.media.spoil_download("status", status=403, host=HOST)
    assert fetch(fetcher, file).read_bytes() == CONTENT
    assert fetch(fetcher, dataclasses.replace(file, path="/o1/v/t24/x"), number=2).read_bytes() == CONTENT
    emulator.faults.media.spoil_download("status", status=503, host=OTHER_HOST, times=1)
    with pytest.raises(NotNow):
        fetch(fetcher, file, number=3)
    emulator.media.forget(file.path)
    with pytest.raises(Gone):
        fetch(fetcher, file, number=3)


def test_what_a_message_may_not_say_makes_no_request(
    emulator: Emulator, fetcher: Fetcher, folder: Path
) -> None:
    file = dataclasses.replace(sent(emulator), address="https://evil.example/v/1?x")
    count = len(emulator.media.requests)
    for changes, error in [
        ({"size_bytes": LIMIT + 1}, TooLarge),
        ({"size_bytes": 10**13}, TooLarge),
        ({"path": ""}, DamagedFile),
        ({"path": "/v/without-query"}, DamagedFile),
        ({"path": "https://evil.example/?"}, DamagedFile),
        ({"path": "/v/a b?c"}, DamagedFile),
        ({"path": "/v/a\r\nHost: evil?c"}, DamagedFile),
        ({"path": "/v/?" + "x" * 3000}, DamagedFile),
        ({"key": file.key[2:]}, DamagedFile),
        ({"key": "no"}, DamagedFile),
        ({"file_sha256": ""}, DamagedFile),
        ({"encrypted_sha256": "00"}, DamagedFile),
    ]:
        with pytest.raises(error):
            fetch(fetcher, dataclasses.replace(file, **changes))
    full = Fetcher(MediaDirectory(folder, most_bytes=1000, least_free_bytes=0))
    with pytest.raises(NoRoom):
        fetch(full, file)
    assert len(emulator.media.requests) == count


def test_a_lie_about_the_file_is_noticed(emulator: Emulator, fetcher: Fetcher, folder: Path) -> None:
    file = sent(emulator)
    for changes in (
        {"key": hashlib.sha256(b"").hexdigest()},
        {"file_sha256": hashlib.sha256(b"").hexdigest()},
        {"encrypted_sha256": hashlib.sha256(b"").hexdigest()},
    ):
        with pytest.raises(DamagedFile):
            fetch(fetcher, dataclasses.replace(file, **changes))
    with pytest.raises(DamagedFile):
        fetch(fetcher, file, kind=MessageKind.DOCUMENT)
    assert list(folder.iterdir()) == []
    # The length that a message claims is its sender's word.
    assert fetch(fetcher, dataclasses.replace(file, size_bytes=1)).read_bytes() == CONTENT
    assert fetch(fetcher, sent(emulator, b""), number=2).read_bytes() == b""


def test_files_come_through_the_proxy_of_the_link_or_not_at_all(
    emulator: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, proxy = sent(emulator), emulator.environment({})["HTTPS_PROXY"]
    # That of the environment is another.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    directory = MediaDirectory(folder, least_free_bytes=0)
    with pytest.raises(NotNow, match="through the proxy"):
        fetch(Fetcher(directory), file)
    with pytest.raises(NotNow, match="SOCKS"):
        fetch(Fetcher(directory, "socks5://127.0.0.1:1"), file)
    assert fetch(Fetcher(directory, proxy), file).read_bytes() == CONTENT
