"""HTTP calls that end in time, whatever the server does: a total deadline on top of requests.

The timeouts of requests bound each wait for the network, not the call: a server that sends a byte now and
then holds the caller for ever, in the headers as well as in the body. Here one thread for all calls shuts the
connection's socket down when the time of one is up, which ends the blocked read.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, Protocol

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager, ProxyManager

# At DEBUG it quotes each address whole, and some hold a secret.
logging.getLogger("urllib3").setLevel(logging.INFO)

_MOST_LOOKED_AT = 20
_Phrases = tuple[tuple[tuple[type[BaseException], ...], str], ...]
_PHRASES: _Phrases = (
    ((socket.gaierror,), "nobody knows its name; is the address right, and the name server reachable?"),
    (
        (ssl.SSLCertVerificationError,),
        "its certificate is not trusted, has expired, or is that of another name",
    ),
    ((ssl.SSLError,), "no encrypted connection; is it the right port, and https where it ought to be?"),
    ((ConnectionRefusedError,), "nothing listens there"),
    ((ConnectionError, urllib3.exceptions.ProtocolError), "the connection was cut"),
    ((requests.exceptions.InvalidURL, urllib3.exceptions.LocationParseError), "its address is none"),
)
# After the operating system's reason: urllib3 calls each connection that failed a time-out, too.
_TIMEOUTS: _Phrases = (
    ((TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError), "no answer in time"),
)


def why_unreachable(error: BaseException) -> str:
    """The reason behind an error of requests, urllib3, smtplib or the operating system.

    The text holds nothing of the error's own, which may quote an address with a secret in it. urllib3 2 tells
    the reason in its errors' `reason`, arguments and causes, and requests wraps those once more.

    Returns:
        A phrase for people, as "nothing listens there".
    """
    behind = list(_behind(error))
    is_proxy = any(isinstance(each, urllib3.exceptions.ProxyError) for each in behind)
    phrase = _phrase(behind, _PHRASES) or _system(behind) or _phrase(behind, _TIMEOUTS)
    if is_proxy:
        return f"through the proxy: {phrase or 'it refuses'}"
    return phrase or f"it does not behave as it should, {type(error).__name__}"


def _phrase(behind: list[BaseException], phrases: _Phrases) -> str:
    for kinds, phrase in phrases:
        if any(isinstance(each, kinds) for each in behind):
            return phrase
    return ""


def _system(behind: list[BaseException]) -> str:
    """What the operating system calls it."""
    codes = (each.errno for each in behind if isinstance(each, OSError) and each.errno)
    return next((os.strerror(code).lower() for code in codes), "")


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The error, and what is said to have led to it, the nearest first."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _MOST_LOOKED_AT:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        led_to_it = (getattr(each, "reason", None), each.__cause__, *each.args, each.__context__)
        waiting += [other for other in led_to_it if isinstance(other, BaseException)]


class SizedReader(Protocol):
    """What is read as it goes out, instead of lying in memory; its length is known before."""

    def __len__(self) -> int:
        """How many bytes it is."""

    def read(self, size: int, /) -> bytes:
        """The next of them, at most so many; none at its end."""


RequestBody = bytes | SizedReader
_Authorize = Callable[[requests.PreparedRequest], requests.PreparedRequest]


class Deadline:
    """Bounds the HTTP calls this thread makes through a `DeadlineSession` inside the with block.

    Past `seconds` the connection in use is shut down, so the call fails, or ends early as if the body were
    complete: ask `expired` after each. Looking up a name is the one wait that cannot be cut; the resolver
    bounds it.
    """

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None
        self._socket: object = None
        self.expired = False
        self.is_over = False

    def __enter__(self) -> Deadline:
        _of_thread.deadline = self
        _watcher.watch(self, self._ends_at)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _of_thread.deadline = None
        # From here on the connection may serve another call, which the end of this one must not hit.
        with self._lock:
            self.is_over = True
            self._connection = self._socket = None

    def watch(self, connection: HTTPConnection) -> None:
        """Make `connection` the one to shut down; raises TimeoutError when the time is up already."""
        with self._lock:
            if self.expired:
                raise TimeoutError("the deadline has passed")
            self._connection = connection
            # A connection that will close after its answer lets go of the socket before the body is read.
            self._socket = getattr(connection, "sock", None)

    def expire(self) -> None:
        """End the call, if it is not over."""
        with self._lock:
            if self.is_over:
                return
            self.expired = True
            sock = getattr(self._connection, "sock", None) or self._socket
            # TLS inside TLS (an https proxy) is no socket of its own but wraps one.
            sock = getattr(sock, "socket", sock)
            if isinstance(sock, socket.socket):
                try:
                    # The plain socket's shutdown: that of an SSLSocket would take the TLS state from under
                    # the thread that is reading.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
                except OSError:
                    # Closed in this very moment: nothing is left to cut.
                    return


class _Watcher:
    """The thread that ends calls whose time is up; it starts with the first call.

    A call that ends in time wakes nobody: a thread of its own for each took longer than many a call.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._deadlines: list[tuple[float, int, Deadline]] = []
        self._wakes_at: float | None = None
        self._thread: threading.Thread | None = None

    def watch(self, deadline: Deadline, ends_at: float) -> None:
        """End it at a time, in monotonic seconds, unless it is over then."""
        with self._changed:
            self._forget_those_over()
            heapq.heappush(self._deadlines, (ends_at, next(self._numbers), deadline))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._wakes_at is None or ends_at < self._wakes_at:
                self._changed.notify()

    def _forget_those_over(self) -> None:
        while self._deadlines and self._deadlines[0][2].is_over:
            heapq.heappop(self._deadlines)

    def _run(self) -> None:
        with self._changed:
            while True:
                self._forget_those_over()
                self._wakes_at = self._deadlines[0][0] if self._deadlines else None
                now = time.monotonic()
                if self._wakes_at is not None and self._wakes_at <= now:
                    heapq.heappop(self._deadlines)[2].expire()
                    continue
                self._changed.wait(None if self._wakes_at is None else self._wakes_at - now)


_watcher = _Watcher()


class DeadlineSession(requests.Session):
    """A session whose calls end with the thread's `Deadline`; it keeps no cookies. For one thread only."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, _WatchedAdapter())


class PreparedPost:
    """A POST to one address, of which only the body changes from call to call; for one thread.

    What requests finds out for each call anew (how the address is written, the headers, the proxy and the
    certificates of the environment) takes it longer than to send them. Redirects are not followed.

    Args:
        session: where connections are kept.
        url: where to.
        headers: what is sent each time.
        authorize: adds to the headers; ~/.netrc is not consulted.

    Raises:
        requests.RequestException, ValueError: no request can be made of this.
    """

    def __init__(
        self, session: DeadlineSession, url: str, headers: Mapping[str, str], authorize: _Authorize
    ) -> None:
        request = requests.Request("POST", url, headers=headers, auth=authorize)
        self._request = session.prepare_request(request)
        address = self._request.url or url
        self._adapter = session.get_adapter(address)
        # Without these of its own, requests asks the environment for proxies and certificates.
        found = session.merge_environment_settings(address, {}, True, None, None)
        self._options: dict[str, Any] = {**found}

    def send(self, body: RequestBody, timeout: tuple[float, float]) -> requests.Response:
        """Send it, and return the answer, whose body is still to be read.

        Args:
            body: of the request.
            timeout: in seconds, to connect and for each wait.
        """
        self._request.body = body  # type: ignore[assignment]  # a file is as good
        self._request.headers["Content-Length"] = str(len(body))
        return self._adapter.send(self._request, timeout=timeout, **self._options)


class _ThreadState(threading.local):
    deadline: Deadline | None = None


_of_thread = _ThreadState()


def _watch(connection: HTTPConnection) -> None:
    if _of_thread.deadline is not None:
        _of_thread.deadline.watch(connection)


class _WatchedHTTPConnection(HTTPConnection):
    def connect(self) -> None:
        _watch(self)
        super().connect()

    def request(self, *args: Any, **options: Any) -> None:
        _watch(self)
        super().request(*args, **options)
        _watch(self)


class _WatchedHTTPSConnection(_WatchedHTTPConnection, HTTPSConnection):
    """In this order of its bases, what is watched is HTTPS's own way to connect."""


class _WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTPConnection


class _WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


class _WatchedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        _use_watched_pools(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **options: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(*args, **options)
        # A SOCKS manager is of another class and brings connections of its own.
        if type(manager) is ProxyManager:
            _use_watched_pools(manager)
        return manager


def _use_watched_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _WatchedHTTPPool, "https": _WatchedHTTPSPool}
