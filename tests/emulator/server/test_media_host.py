"""The media hosts against an ordinary HTTP client: what they hand out and take in, and how they fail."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator

import pytest
import requests
import urllib3

from wabot.emulator.server.emulator import Emulator
from wabot.emulator.world.media import MEDIA_HOSTS, MediaRequest
from wabot.emulator.world.media_faults import DownloadFault, HostFault, MediaFaults, UploadFault

BLOB = bytes(range(256)) * 300
HOST, OTHER_HOST = MEDIA_HOSTS
SHORT_SECONDS = 0.7


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Iterator[Emulator]:
    yield running
    running.faults.clear()
    running.media.ttl_seconds = 300


@pytest.fixture
def client(running: Emulator) -> Iterator[requests.Session]:
    with client_of(running) as session:
        yield session


@contextlib.contextmanager
def client_of(running: Emulator) -> Iterator[requests.Session]:
    environment = running.environment({})
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"https": environment["HTTPS_PROXY"]}
        session.verify = environment["REQUESTS_CA_BUNDLE"]
        yield session


def address(direct_path: str, host: str = HOST) -> str:
    return f"https://{host}{direct_path}&hash=abc&mms-type=image&__wa-mms="


def upload(
    client: requests.Session,
    auth: str,
    body: bytes = BLOB,
    *,
    host: str = HOST,
    chunks: int = 0,
    of: bytes = b"",
    timeout_seconds: float = 5,
) -> requests.Response:
    token = urlsafe_b64encode(hashlib.sha256(of or body).digest()).decode()
    if chunks:
        token = token.rstrip("=")
    data = (body[start : start + chunks] for start in range(0, len(body), chunks)) if chunks else body
    return client.post(
        f"https://{host}/mms/image/{token}",
        params={"auth": auth, "token": token},
        data=data,
        timeout=timeout_seconds,
    )


def last(emulator: Emulator, count: int) -> MediaRequest:
    emulator.wait_until(lambda: len(emulator.media.requests) > count, 5)
    return emulator.media.requests[-1]


def test_a_blob_is_handed_out_by_every_host(emulator: Emulator, client: requests.Session) -> None:
    published = emulator.media.publish(BLOB)
    count = len(emulator.media.requests)
    for host in MEDIA_HOSTS:
        answer = client.get(address(published.direct_path, host), timeout=5)
        assert (answer.status_code, answer.content) == (200, BLOB)
        assert answer.headers["Content-Length"] == str(len(BLOB))
    assert client.get(published.url, timeout=5).content == BLOB
    emulator.wait_until(lambda: len(emulator.media.requests) == count + 3, 5)
    first = emulator.media.requests[count]
    assert (first.host, first.method, first.status, first.sent_bytes) == (HOST, "GET", 200, len(BLOB))
    assert first.path == published.direct_path.partition("?")[0]
    assert "mms-type=image" in first.query and first.headers["accept"] == "*/*"
    assert 0 < time.monotonic() - first.at < 60
    assert client.get(f"https://{HOST}/v/other?x=y", timeout=5).status_code == 404
    assert client.put(f"https://{HOST}/v/other", timeout=5).status_code == 405
    emulator.media.forget(published.direct_path)
    assert client.get(published.url, timeout=5).status_code == 404


@pytest.mark.parametrize("chunks", [0, 1000])
def test_what_is_uploaded_is_handed_out(emulator: Emulator, client: requests.Session, chunks: int) -> None:
    count = len(emulator.media.requests)
    answer = upload(client, emulator.media.auth, chunks=chunks)
    assert answer.status_code == 200
    told = answer.json()
    assert set(told) == {"url", "direct_path", "handle", "object_id"}
    assert emulator.media.blob(told["direct_path"]) == BLOB
    assert client.get(address(told["direct_path"]), timeout=5).content == BLOB
    assert client.get(told["url"], timeout=5).content == BLOB
    assert emulator.media.requests[count].received_bytes == len(BLOB)


def test_an_upload_wants_the_auth_of_now_and_the_right_hash(
    emulator: Emulator, client: requests.Session
) -> None:
    auth = emulator.media.auth
    assert upload(client, auth, of=b"another").status_code == 415
    emulator.media.expire_auth()
    assert upload(client, auth).status_code == 401
    assert upload(client, emulator.media.auth).status_code == 200
    assert auth not in "".join(event.detail for event in emulator.transcript)
    assert auth not in repr(emulator.media.requests)


def test_nothing_else_is_led_anywhere(client: requests.Session) -> None:
    for other in ("https://cdn.whatsapp.net/v/x", "https://mmg.whatsapp.net:8443/v/x"):
        with pytest.raises(requests.exceptions.ProxyError):
            client.get(other, timeout=5)


def test_statuses_and_redirects(emulator: Emulator, client: requests.Session) -> None:
    published = emulator.media.publish(BLOB)
    faults = emulator.faults.media
    for status in (403, 404, 410, 500):
        faults.spoil_download(status=status, path=published.direct_path, times=1)
        assert client.get(published.url, timeout=5).status_code == status
    faults.spoil_download(status=429, retry_after_seconds=3600, times=1)
    assert client.get(published.url, timeout=5).headers["Retry-After"] == "3600"
    faults.spoil_download("redirect", location="https://example.com/x", times=1)
    redirected = client.get(published.url, timeout=5, allow_redirects=False)
    assert (redirected.status_code, redirected.headers["Location"]) == (302, "https://example.com/x")
    assert client.get(published.url, timeout=5).content == BLOB


def test_a_fault_is_for_one_blob_and_one_host(emulator: Emulator, client: requests.Session) -> None:
    one, other = emulator.media.publish(BLOB), emulator.media.publish(BLOB)
    emulator.faults.media.spoil_download(status=410, path=one.direct_path, host=HOST)
    assert client.get(address(one.direct_path), timeout=5).status_code == 410
    assert client.get(address(one.direct_path), timeout=5).status_code == 410
    assert client.get(address(one.direct_path, OTHER_HOST), timeout=5).status_code == 200
    assert client.get(address(other.direct_path), timeout=5).status_code == 200
    with pytest.raises(ValueError, match="'sleepy': status, redirect"):
        MediaFaults().spoil_download("sleepy")  # type: ignore[arg-type]


def test_bodies_that_are_not_the_blob(emulator: Emulator, client: requests.Session) -> None:
    published = emulator.media.publish(BLOB)
    faults = emulator.faults.media
    bodies = {}
    spoilt: tuple[DownloadFault, ...] = ("short", "wrong", "empty", "oversized")
    for how in spoilt:
        faults.spoil_download(how, times=1)
        bodies[how] = client.get(published.url, timeout=5).content
    assert bodies["short"] == BLOB[:-1] and bodies["empty"] == b""
    assert bodies["wrong"] != BLOB and len(bodies["wrong"]) == len(BLOB)
    assert bodies["oversized"] == BLOB * 4
    broken_off: tuple[DownloadFault, ...] = ("truncated", "reset")
    for how in broken_off:
        faults.spoil_download(how, times=1)
        with pytest.raises(requests.exceptions.RequestException):
            client.get(published.url, timeout=5)
    faults.spoil_download("endless", times=1)
    with client.get(published.url, timeout=5, stream=True) as answer:
        received = sum(len(chunk) for chunk, _ in zip(answer.iter_content(1 << 20), range(4), strict=False))
    assert received == 4 << 20
    assert client.get(published.url, timeout=5).content == BLOB


@pytest.mark.parametrize(("how", "comes"), [("silent", False), ("stalled", True), ("slow", True)])
def test_downloads_that_do_not_end(
    emulator: Emulator, client: requests.Session, how: DownloadFault, comes: bool
) -> None:
    published = emulator.media.publish(BLOB)
    count = len(emulator.media.requests)
    emulator.faults.media.spoil_download(how, times=1)
    ends_at, received = time.monotonic() + SHORT_SECONDS, 0
    with (
        contextlib.suppress(requests.exceptions.RequestException, urllib3.exceptions.HTTPError),
        client.get(published.url, timeout=SHORT_SECONDS, stream=True) as answer,
    ):
        while time.monotonic() < ends_at and (piece := answer.raw.read1(len(BLOB))):
            received += len(piece)
    client.close()
    assert (0 < received < len(BLOB)) if comes else not received
    ended = last(emulator, count)
    assert ended.status == (200 if comes else 0) and ended.sent_bytes >= received


def test_a_header_that_comes_slowly(emulator: Emulator, client: requests.Session) -> None:
    published = emulator.media.publish(BLOB)
    emulator.faults.media.spoil_download("slow_header", pause_seconds=0.01, times=1)
    begun = time.monotonic()
    assert client.get(published.url, timeout=SHORT_SECONDS / 2).content == BLOB
    assert time.monotonic() - begun > SHORT_SECONDS / 2


def test_hosts_that_are_down(emulator: Emulator, client: requests.Session) -> None:
    published = emulator.media.publish(BLOB)
    count = len(emulator.media.requests)
    failures: tuple[HostFault, ...] = ("refused", "reset", "silent", "silent_tls")
    for how in failures:
        emulator.faults.media.spoil_host(how, host=HOST, times=1)
        with pytest.raises(requests.exceptions.RequestException):
            client.get(address(published.direct_path), timeout=SHORT_SECONDS)
    seen = [(request.method, request.status) for request in emulator.media.requests[count:]]
    assert seen == [("CONNECT", 503), ("CONNECT", 0), ("CONNECT", 0), ("CONNECT", 0)]
    emulator.faults.media.spoil_host("refused", host=HOST)
    assert client.get(address(published.direct_path, OTHER_HOST), timeout=5).content == BLOB


def test_uploads_that_fail(emulator: Emulator, client: requests.Session) -> None:
    faults, auth = emulator.faults.media, emulator.media.auth
    faults.spoil_upload(status=503, times=1)
    assert upload(client, auth).status_code == 503
    faults.spoil_upload("html", times=1)
    assert upload(client, auth).text == "<html>"
    faults.spoil_upload("empty_answer", times=1)
    assert upload(client, auth).json() == {}
    unanswered: tuple[UploadFault, ...] = ("cut", "silent", "unread")
    for how in unanswered:
        faults.spoil_upload(how, times=1)
        with pytest.raises(requests.exceptions.RequestException):
            client.post(f"https://{HOST}/mms/image/x", data=BLOB, timeout=SHORT_SECONDS)
    assert upload(client, auth).status_code == 200


def test_nothing_waits_any_more_once_the_emulator_has_stopped() -> None:
    before = set(threading.enumerate())
    waiting: tuple[DownloadFault, ...] = ("silent", "stalled", "slow", "endless")
    with Emulator() as emulator:
        published = emulator.media.publish(BLOB)
        with contextlib.ExitStack() as clients:
            for how in waiting:
                client = clients.enter_context(client_of(emulator))
                emulator.faults.media.spoil_download(how, times=1)
                with contextlib.suppress(requests.exceptions.ReadTimeout):
                    client.get(published.url, timeout=SHORT_SECONDS / 4, stream=True)
            client = clients.enter_context(client_of(emulator))
            emulator.faults.media.spoil_upload("unread", times=1)
            with contextlib.suppress(requests.exceptions.RequestException):
                upload(client, emulator.media.auth, BLOB * 20, timeout_seconds=SHORT_SECONDS / 4)
            begun = time.monotonic()
            emulator.stop()
            assert time.monotonic() - begun < 4
            assert set(threading.enumerate()) - before == set()
