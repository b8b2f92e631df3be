"""Why a connection did not come about, in words, from real attempts."""

from __future__ import annotations

import errno
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import trustme
import urllib3

from tests.support.provider_server import ProviderServer, refused_url
from wabot.system.http import why_unreachable

pytestmark = pytest.mark.usefixtures("no_proxy")


def why(url: str, **options: object) -> str:
    with pytest.raises((requests.RequestException, urllib3.exceptions.HTTPError)) as caught:
        requests.get(url, timeout=0.3, **options)  # type: ignore[arg-type]
    return why_unreachable(caught.value)


@contextmanager
def mute() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def cutting() -> Iterator[str]:
    """Takes a connection and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_each_reason_has_words_of_its_own() -> None:
    assert why(refused_url()) == "nothing listens there"
    assert why("http://no-such-name.invalid/").startswith("nobody knows its name")
    with mute() as address:
        assert why(f"http://{address}/") == why(f"https://{address}/") == "no answer in time"
    with cutting() as address:
        assert why(f"http://{address}/") == "the connection was cut"


def test_what_is_wrong_with_encryption() -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with ProviderServer(tls=context) as server:
        assert why(server.base_url).startswith("its certificate is not trusted")
    with ProviderServer() as server:
        assert why(server.base_url.replace("http:", "https:")).startswith("no encrypted connection")


def test_it_is_said_when_the_proxy_is_what_cannot_be_reached() -> None:
    proxy = refused_url()
    assert (
        why("http://models.example/", proxies={"http": proxy}) == "through the proxy: nothing listens there"
    )


def test_mail_servers_and_files_are_explained_by_the_same_words() -> None:
    with mute() as address, pytest.raises(OSError) as caught:
        smtplib.SMTP(*address.split(":"), timeout=0.2)  # type: ignore[arg-type]
    assert why_unreachable(caught.value) == "no answer in time"
    with pytest.raises(OSError) as caught:
        Path("/nowhere/at all").read_text()
    assert why_unreachable(caught.value) == "no such file or directory"


def test_a_network_that_is_away_is_no_time_out_though_urllib3_calls_it_one() -> None:
    error = urllib3.exceptions.NewConnectionError(None, "T0KEN")  # type: ignore[arg-type]
    error.__cause__ = OSError(errno.ENETUNREACH, "T0KEN")
    assert isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError)
    assert why_unreachable(error) == "network is unreachable"


def test_nothing_of_the_error_itself_is_shown_and_a_circle_ends() -> None:
    error = ValueError("https://hooks.example/T0KEN")
    error.__cause__ = RuntimeError("T0KEN")
    error.__cause__.__cause__ = error
    assert why_unreachable(error) == "it does not behave as it should, ValueError"


@pytest.mark.parametrize("url", ["http://a..b/", "http://[::1/"])
def test_an_address_that_is_none(url: str) -> None:
    assert why(url) == "its address is none"
