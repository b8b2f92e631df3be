"""HTTP calls that end in time, whatever the server does, over a connection that is kept between them.

The timeouts of sockets bound each wait for the network, not the call: a server that sends a byte now and then
holds the caller for ever, in the headers as well as in the body. Here each wait gets what is left of the time
of its call. On the standard library, because a library in front of it took four times as long for a call, and
30 ms and 7 MB of a start (measured with requests 2.34 and urllib3 2).
"""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import io
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from wabot import __version__
from wabot.unreachable import why_unreachable

_CONNECT_SECONDS = 10.0
# What may stand in a path or a query as it is, and "%", which begins what is quoted already.
_KEPT_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
_PORTS = {"http": 80, "https": 443}


class NoConnection(Exception):
    """No connection came about; the message says why, in words for people."""


class ConnectionLost(Exception):
    """The connection ended too early; `answering`: in the middle of the answer, not before it."""

    def __init__(self, *, answering: bool) -> None:
        super().__init__(f"the connection was cut {'in the middle of' if answering else 'without'} an answer")
        self.answering = answering


class UnusableProxy(ValueError):
    """The proxy of the environment is of a kind that cannot be used."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `is_cut` where its body is longer than was wanted."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)
    is_cut: bool


class HttpEndpoint:
    """One address, whose connection is kept between calls; for one thread.

    Redirects are not followed, and no cookies kept. Without a `proxy` that of the environment is used, as
    curl does; certificates are checked against those of REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, else certifi's.

    Raises:
        ValueError: this is no address of http or https.
        UnusableProxy: only proxies spoken to in plain HTTP can be used.
    """

    def __init__(self, url: str, proxy: str = "") -> None:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
        if not host or not port or not url.isprintable() or " " in url:
            raise ValueError("no address of http or https")
        # Some servers turn away who does not say what they are.
        self._headers = {"User-Agent": f"wabot/{__version__}", **_authorization("Authorization", parts)}
        self._target = quote(parts.path or "/", safe=_KEPT_CHARACTERS)
        if parts.query:
            self._target += "?" + quote(parts.query, safe=_KEPT_CHARACTERS)
        through = _usable(proxy or _proxy_of_environment(parts.scheme, host, port))
        is_encrypted = parts.scheme == "https"
        self._connection = _Connection(through, host, port, is_encrypted)
        if through and not is_encrypted:
            self._target = f"http://{parts.netloc.rpartition('@')[2]}{self._target}"
            self._headers |= _authorization("Proxy-Authorization", through)

    def call(
        self,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        ends_at: float,
        most_bytes: Callable[[int], int],
    ) -> Response:
        """Make one request.

        Looking up the address's name is the one wait that is not bounded here; the resolver bounds it.

        Args:
            method: as "POST".
            headers: of the request.
            body: of the request.
            ends_at: when all of it has to be over, in monotonic seconds.
            most_bytes: given the status, how much of the body is wanted.

        Raises:
            NoConnection: none came about.
            ConnectionLost: there was one.
            TimeoutError: the time is up.
            ValueError: a header cannot be sent.
        """
        connection = self._connection
        connection.ends_at = ends_at
        answering = False
        try:
            connection.make_ready()
            # It may have answered before it had read everything.
            with contextlib.suppress(BrokenPipeError):
                connection.request(method, self._target, body, {**self._headers, **headers})
            answer = connection.getresponse()
            answering = True
            most = most_bytes(answer.status)
            content = answer.read(most + 1) if most else b""
            is_cut = len(content) > most or (not most and not answer.isclosed())
            if answer.length and not is_cut:
                raise http.client.IncompleteRead(content, answer.length)
        except BaseException as error:
            connection.close()
            match error:
                case TimeoutError():
                    raise TimeoutError("no answer in time") from None
                case http.client.InvalidURL():
                    raise ValueError("no address of http or https") from None
                case OSError() | http.client.HTTPException():
                    raise ConnectionLost(answering=answering) from None
            raise
        if is_cut:
            connection.close()
        return Response(answer.status, answer.headers, content[:most], is_cut)

    def close(self) -> None:
        """Close the connection; the next call makes another."""
        self._connection.close()


class _Connection(http.client.HTTPConnection):
    """One that gives each wait what is left until `ends_at`, in monotonic seconds."""

    sock: Any

    def __init__(self, proxy: SplitResult | None, host: str, port: int, is_encrypted: bool) -> None:
        if proxy:
            super().__init__(proxy.hostname or "", proxy.port or _PORTS["http"])
        else:
            super().__init__(host, port)
        if proxy and is_encrypted:
            self.set_tunnel(host, port, _authorization("Proxy-Authorization", proxy))
        if is_encrypted:
            self.default_port = _PORTS["https"]
        self.ends_at = 0.0
        self._through_proxy = proxy is not None
        self._encrypted_host = host if is_encrypted else None
        # How http.client dials.
        self._create_connection = self._dial

    def make_ready(self) -> None:
        """Connect, unless the connection of the last call can be used again.

        Raises:
            NoConnection, TimeoutError: there is none.
        """
        if self.sock is not None and _has_something_to_say(self.sock.sock):
            self.close()
        if self.sock is None:
            self.connect()

    def connect(self) -> None:
        """Dial; through a proxy where there is one, and encrypted where that is asked for."""
        try:
            super().connect()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise NoConnection(why_unreachable(error, through_proxy=self._through_proxy)) from None
        if self._encrypted_host is None:
            return
        plain = self.sock.sock
        try:
            plain.settimeout(self._seconds_left())
            encrypted = _tls_context(_certificates()).wrap_socket(plain, server_hostname=self._encrypted_host)
        except TimeoutError:
            raise
        except OSError as error:
            raise NoConnection(why_unreachable(error)) from None
        self.sock = _TimedSocket(encrypted, self._seconds_left)

    def _dial(self, address: tuple[str, int], *_: object) -> _TimedSocket:
        """Try each address of a name."""
        failure: OSError = ConnectionError("no address")
        for family, kind, protocol, _name, place in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:
                failure = error
                continue
            try:
                sock.settimeout(min(_CONNECT_SECONDS, self._seconds_left()))
                sock.connect(place)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return _TimedSocket(sock, self._seconds_left)
        raise failure

    def _seconds_left(self) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left


class _TimedSocket:
    """What http.client asks of a socket; each wait gets what is left."""

    def __init__(self, sock: socket.socket, seconds_left: Callable[[], float]) -> None:
        self.sock = sock
        self._seconds_left = seconds_left

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            self.sock.settimeout(self._seconds_left())
            rest = rest[self.sock.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A file to read from; the socket stays open until that is closed, too."""
        return io.BufferedReader(_TimedReader(self.sock, self._seconds_left))

    def setsockopt(self, *option: Any) -> None:
        """As of a socket."""
        self.sock.setsockopt(*option)

    def close(self) -> None:
        """As of a socket."""
        self.sock.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, seconds_left: Callable[[], float]) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._seconds_left = seconds_left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._seconds_left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _has_something_to_say(sock: socket.socket) -> bool:
    """Whether a connection on which nobody asked anything was closed, or is not to be trusted."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _certificates() -> str:
    """The file, or the directory, of those who vouch for others."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if named:
        return named
    import certifi

    return certifi.where()


@functools.cache
def _tls_context(certificates: str) -> ssl.SSLContext:
    """One for all threads: to read the certificates takes 10 ms, and to keep them a megabyte."""
    if Path(certificates).is_dir():
        return ssl.create_default_context(capath=certificates)
    return ssl.create_default_context(cafile=certificates)


def _authorization(header: str, address: SplitResult) -> dict[str, str]:
    """The header that carries the name and the password of an address, if it has them."""
    if address.username is None:
        return {}
    pair = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {header: f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _proxy_of_environment(scheme: str, host: str, port: int) -> str:
    """The proxy that the environment names for an address; "" for none."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return ""
    # Late, because it is rarely needed and brings much along.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    is_direct = proxy_bypass(f"{host}:{port}") or _is_in_network(host, proxies.get("no"))
    return "" if is_direct else proxies.get(scheme) or proxies.get("all") or ""


def _is_in_network(host: str, no_proxy: str | None) -> bool:
    """Whether an address is in one of the networks that need no proxy, as 192.168.0.0/16."""
    import ipaddress

    for each in (no_proxy or "").split(","):
        with contextlib.suppress(ValueError):
            if "/" in each and ipaddress.ip_address(host) in ipaddress.ip_network(each.strip(), strict=False):
                return True
    return False


def _usable(proxy: str) -> SplitResult | None:
    if not proxy:
        return None
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http" or not parts.hostname:
        raise UnusableProxy("the proxy in the environment has to be http://HOST:PORT")
    return parts
