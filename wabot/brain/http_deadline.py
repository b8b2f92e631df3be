"""HTTP calls that end in time, whatever the server does: a total deadline on top of requests.

The timeouts of requests bound each wait for the network, not the call: a server that sends a byte now and
then holds the caller for ever, in the headers as well as in the body. Here a timer shuts the connection's
socket down when the time is up, which ends the blocked read.
"""

from __future__ import annotations

import socket
import threading
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager, ProxyManager


class Deadline:
    """Bounds the HTTP calls this thread makes through a `DeadlineSession` inside the with block.

    Past `seconds` the connection in use is shut down, so the call fails, or ends early as if the body were
    complete: ask `expired` after each. Looking up a name is the one wait that cannot be cut; the resolver
    bounds it.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(max(0.0, seconds), self._expire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None
        self._socket: object = None
        self.expired = False

    def __enter__(self) -> Deadline:
        _of_thread.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _of_thread.deadline = None
        # From here on the connection may serve another call, which a timer about to fire must not hit.
        with self._lock:
            self._connection = self._socket = None

    def watch(self, connection: HTTPConnection) -> None:
        """Make `connection` the one to shut down; raises TimeoutError when the time is up already."""
        with self._lock:
            if self.expired:
                raise TimeoutError("the deadline has passed")
            self._connection = connection
            # A connection that will close after its answer lets go of the socket before the body is read.
            self._socket = getattr(connection, "sock", None)

    def _expire(self) -> None:
        with self._lock:
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


class DeadlineSession(requests.Session):
    """A session whose calls end with the thread's `Deadline`; it keeps no cookies. For one thread only."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, _WatchedAdapter())


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
